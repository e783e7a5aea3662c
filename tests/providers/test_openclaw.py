"""The OpenClaw reader: pi's entries in files of its own, those that were put away too."""

from __future__ import annotations

from pathlib import Path

import pytest

from chasm_git.providers.openclaw import OpenClaw
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
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
