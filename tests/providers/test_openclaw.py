"""The OpenClaw reader: pi's entries in files of its own, those that were put away too, and in a database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chasm_git.providers.base import Source
from chasm_git.providers.openclaw import OpenClaw
from chasm_git.providers.reading import zstd
from chasm_git.session import codec
from chasm_git.session.merge import absorb
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.databases import as_set, build, built, given_back
from tests.providers.databases import rows_of as rows_in
from tests.providers.reading import FIXTURES, harvest, only, read_bytes, rows_of, said, shown, sources

claw = OpenClaw()
HOME = FIXTURES / "openclaw" / "files"
A, B, C, OLD = (f"0c1a0000-0000-4000-8000-00000000000{n}" for n in range(1, 5))
HEADER = {"type": "session", "version": 3, "timestamp": "2026-02-24T10:00:00.000Z", "cwd": "/w"}


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(claw, HOME)


def test_which_sessions_there_are(home: dict[str, Session]) -> None:
    assert set(home) == {A, B, C, OLD}
    assert [source.key.rpartition("/")[2][36:] for source in sources(claw, HOME)] == [
        ".jsonl",
        ".jsonl.reset.2026-02-23T04-00-00.000Z",
        ".jsonl.deleted.2026-02-22T04-00-00.000Z",
        ".jsonl",
    ]


def test_the_conversation(home: dict[str, Session]) -> None:
    session = home[A]
    assert session.workspace == "/home/ana/.openclaw/workspace"
    assert said(session, "user") + said(session, "assistant") == ["List the files", "Running ls now.", "Two files."]
    (call,) = [call for m in shown(session) for call in m["tool_calls"]]
    assert (call["name"], call["result"]) == ("exec", "cart.py\nshop.py\n")
    assert [m["content"] for m in shown(session) if m.get("injected")] == ["Context injected before the turn."]
    assert universal(session)["metadata"]["total_tokens"] == {"input": 22, "output": 9}
    assert not any(m.inactive for m in session.messages)  # a result names its call as the entry above it


def test_what_was_put_away_is_read_all_the_same(home: dict[str, Session]) -> None:
    assert said(home[B], "assistant") == ["Good morning, Ana."]
    assert said(home[C], "user") == ["Forget this."]
    assert home[C].forked_from == B


def test_a_session_before_it_was_cut_down(tmp_path: Path) -> None:
    folder = tmp_path / ".openclaw" / "agents" / "main" / "sessions"
    folder.mkdir(parents=True)
    rows = [{"type": "message", "id": str(n), "message": {"role": "user", "content": str(n)}} for n in range(3)]
    (folder / "s.jsonl.full.bak").write_bytes(rows_of(HEADER, *rows))
    (folder / "s.jsonl").write_bytes(rows_of(HEADER, *rows[2:]))
    (folder / "s.jsonl.lock").write_text("")
    found = [only(claw.read(source)) for source in sources(claw, tmp_path)]
    assert [(session.id, said(session, "user")) for session in found] == [("s", ["2"]), ("s", ["0", "1", "2"])]
    assert found[0].native == found[1].native  # nothing of the files' names: the two are one session


@pytest.mark.parametrize("name", ["s.jsonl", "s.jsonl.reset.x", "s.jsonl.deleted.2026-01-01", "s.jsonl.full.bak"])
def test_the_id_is_the_headers_else_the_files(name: str, tmp_path: Path) -> None:
    message = {"type": "message", "id": "1", "message": {"role": "user", "content": "hi"}}
    assert only(read_bytes(claw, tmp_path / name, rows_of(HEADER, message))).id == "s"
    assert only(read_bytes(claw, tmp_path / name, rows_of(HEADER | {"id": "own"}, message))).id == "own"


def test_homes_named_by_their_variables(tmp_path: Path) -> None:
    assert len(sources(claw, tmp_path, OPENCLAW_STATE_DIR=str(HOME / ".openclaw"))) == 3
    assert len(sources(claw, tmp_path, OPENCLAW_HOME=str(HOME))) == 3


# --- the database -----------------------------------------------------------------------------------------------------

NEW = built(FIXTURES / "openclaw" / "database")
DATABASE = NEW / ".openclaw/agents/main/agent/openclaw-agent.sqlite"
ROLLED, LATER, SUB = (f"0c1a0000-0000-4000-8000-00000000001{n}" for n in range(1, 4))


def read(path: Path):
    return claw.read(Source("openclaw", "k", path, ""))


def test_sessions_of_a_database() -> None:
    found = harvest(claw, NEW)
    assert {key: (s.title, s.parent) for key, s in found.items()} == {
        ROLLED: ("Kitchen", None),
        LATER: ("Bread", None),
        SUB: (None, ROLLED),  # the session its chat was in at that time
    }
    session = found[ROLLED]
    assert [m.id for m in session.messages if m.inactive] == ["m2"]
    answer = next(m for m in shown(session) if m["tool_calls"])
    assert [(c["name"], c["result"]) for c in answer["tool_calls"]] == [("read", "Let it rest for ninety minutes.")]
    assert said(session, "assistant")[-1] == "Ninety minutes, says your recipe."


@pytest.mark.parametrize("table", ["transcript_events", "session_windows"])
def test_rows_come_back(table: str) -> None:
    assert as_set(given_back(claw, [read(DATABASE)], table)) == as_set(rows_in(DATABASE, table))


def test_a_file_that_went_into_the_database_is_the_same_session(tmp_path: Path) -> None:
    lines = [row["event_json"].encode() + b"\n" for row in rows_in(DATABASE, "transcript_events")]
    filed = only(read_bytes(claw, tmp_path / f"{ROLLED}.jsonl", b"".join(lines[:7])))
    rows = harvest(claw, NEW)[ROLLED]
    assert [m.id for m in filed.messages] == [m.id for m in rows.messages]
    early = codec.dumps(filed)
    merged = codec.loads(absorb(early, early, codec.dumps(rows)).data)
    assert len(merged.messages) == len(rows.messages)
    assert not any(m.variants or (m.replaced and m.role != "event") for m in merged.messages)
    assert claw.export(merged, {}.__getitem__)


class Packer:
    """Stands for the module that unpacks, where this Python has none: b"zstd:" before the data."""

    __name__ = "packer"
    ZstdError = ArithmeticError

    @staticmethod
    def decompress(data: bytes) -> bytes:
        if not data.startswith(b"zstd:"):
            raise ArithmeticError("unknown frame")
        return data[5:]


def test_compressed_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / DATABASE.name
    path.write_bytes(DATABASE.read_bytes())
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("UPDATE transcript_events SET event_zstd = 'zstd:' || event_json, event_json = NULL")
        writer.execute("UPDATE transcript_events SET event_zstd = CAST(event_zstd AS BLOB)")
        writer.execute("UPDATE transcript_events SET event_zstd = x'00' WHERE seq = 4")
    monkeypatch.setattr(zstd, "reader", lambda: Packer)
    reading = read(path)
    (problem,) = reading.problems
    assert "entry 4" in problem.reason and not problem.fatal
    session = next(s for s in reading.sessions if s.id == ROLLED)
    assert said(session, "user") == ["How long does dough rest?"]
    assert len(session.messages) == 7
    rows = {row["event_json"] for row in given_back(claw, [reading], "transcript_events")}
    assert {row["event_json"] for row in rows_in(DATABASE, "transcript_events") if row["seq"] != 4} <= rows
    monkeypatch.setattr(zstd, "reader", lambda: None)
    assert read(path).sessions == [] and all("zstd" in problem.reason for problem in read(path).problems)


def test_strange_rows(tmp_path: Path) -> None:
    path = build(
        tmp_path / DATABASE.name,
        """CREATE TABLE transcript_events (session_id, seq, event_json);
        INSERT INTO transcript_events VALUES ('s', 2, '{"type":"message","message":{"role":"user","content":"two"}}'),
          ('s', 'x', '[1]'), ('s', NULL, NULL), (NULL, 1, '{}'), ('s', 1, '{"torn'), ('s', 1, '{"torn');
        CREATE TABLE session_windows (session_id, spawned_by, session_key);
        INSERT INTO session_windows VALUES ('s', 's', 'k'), (x'00', 7, 7);""",
    )
    session = only(read(path))
    assert (len(session.messages), said(session, "user")) == (5, ["two"])
