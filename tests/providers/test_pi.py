"""The pi reader: what entries say, branches, forks, and files nobody wished for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.pi import Pi
from chasm_git.session.model import Session
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, rows_of, said, shown, sources

pi = Pi()
A, B, C = (f"01a10000-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))
NAME = f"2026-01-10T12-00-00-000Z_{A}.jsonl"
HEADER = {"type": "session", "version": 3, "id": A, "timestamp": "2026-01-10T12:00:00.000Z", "cwd": "/home/ana/shop"}


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(pi, FIXTURES / "pi" / "tree")


def entry(key: str, above: str | None, message: Any = None, **more: Any) -> dict[str, Any]:
    made = {"type": "message", "id": key, "parentId": above, "timestamp": "2026-01-10T12:00:01.000Z", **more}
    return made if message is None else made | {"message": message}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def read(tmp_path: Path, *rows: Any) -> Session:
    return only(read_bytes(pi, tmp_path / NAME, rows_of(*rows)))


def test_the_conversation(home: dict[str, Session]) -> None:
    session = home[A]
    assert (session.title, session.workspace) == ("The cart's total", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:00.000Z"
    assert said(session, "user") == [
        "Why is the total wrong?",
        "Then use a patch file.",
        "Try the edit again.",
        "Thanks!",
    ]
    calls = [(c["name"], c["result"], c["is_error"]) for m in shown(session) for c in m["tool_calls"]]
    assert calls == [
        ("bash", "12:    return round(total)\n", False),
        ("edit", "cart.py is read-only", True),
        ("bash", "chmod: changing permissions failed\n", True),
    ]
    assert [part["media_type"] for _, part in parts(session, "image")] == ["image/png"]


def test_usage_by_the_names_everyone_knows(home: dict[str, Session]) -> None:
    answer = next(m for m in home[A].messages if m.usage)
    assert answer.usage == {
        "input_tokens": 120,
        "output_tokens": 30,
        "cacheRead": 4,
        "cacheWrite": 0,
        "totalTokens": 154,
    }


def test_what_was_left_for_another_branch_is_inactive(home: dict[str, Session]) -> None:
    assert [(m.id, m.role) for m in home[A].messages if m.inactive] == [("0a000009", "user"), ("0a00000a", "assistant")]


def test_failures_and_aborts(home: dict[str, Session]) -> None:
    states = [(m.status, m.content) for m in home[A].messages if m.status]
    assert states == [
        ("failed", [{"type": "error", "text": "529 overloaded"}]),
        ("interrupted", [{"type": "text", "text": "Trying"}, {"type": "error", "text": "Operation aborted"}]),
    ]


def test_what_nobody_typed(home: dict[str, Session]) -> None:
    injected = [m["content"] or m["tool_calls"][0]["name"] for m in shown(home[A]) if m.get("injected")]
    assert injected == [
        "A patch file was considered.",
        "bash",
        "Keep answers short.",
        "The user asked about the cart's total.",
    ]


def test_a_fork_begins_with_the_entries_it_shares(home: dict[str, Session]) -> None:
    assert home[B].forked_from == A
    shared = {m.id for m in home[A].messages} & {m.id for m in home[B].messages}
    assert len(shared) == 8
    assert home[A].forked_from is None


def test_windows_names_its_fork_by_a_path_of_its_own(tmp_path: Path) -> None:
    origin = f"C:\\Users\\ana\\.pi\\agent\\sessions\\--C--shop--\\2026-01-10T11-00-00-000Z_{B}.jsonl"
    assert read(tmp_path, HEADER | {"parentSession": origin}, entry("1", None, user("hi"))).forked_from == B


def test_version_1_has_no_entry_ids(home: dict[str, Session]) -> None:
    session = home[C]
    assert said(session, "user") + said(session, "assistant") == ["hello", "Hello!"]
    assert all(m.id.startswith("h-") and not m.inactive for m in session.messages)


def test_another_folder(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere" / "sessions" / "--x--"
    place.mkdir(parents=True)
    (place / NAME).write_bytes(rows_of(HEADER, entry("1", None, user("hi"))))
    (place / "notes.txt").write_text("not a session")
    assert [s.key for s in sources(pi, tmp_path, PI_CODING_AGENT_DIR=str(tmp_path / "elsewhere"))] == [f"--x--/{NAME}"]


def test_the_id_is_the_headers_else_the_files(tmp_path: Path) -> None:
    for header, key in ((HEADER | {"id": "other"}, "other"), (HEADER | {"id": 5}, A), (HEADER | {"id": "a\nb"}, A)):
        assert read(tmp_path, header, entry("1", None, user("hi"))).id == key


def test_going_back_and_forth_in_the_tree(tmp_path: Path) -> None:
    rows = [HEADER, entry("1", None, user("a")), entry("2", "1", user("b")), entry("3", "1", user("c"))]
    assert [m.id for m in read(tmp_path, *rows).messages if m.inactive] == ["2"]
    back = read(tmp_path, *rows, entry("4", "2", user("d")))
    assert [m.id for m in back.messages if m.inactive] == ["3"]
    root = read(tmp_path, *rows, entry("4", None, user("d")))
    assert [m.id for m in root.messages if m.inactive] == ["1", "2", "3"]
    loose = read(tmp_path, *rows, entry("4", "gone", user("d")))
    assert [m.id for m in loose.messages if m.inactive] == []
    circle = read(tmp_path, HEADER, entry("1", "2", user("a")), entry("2", "1", user("b")), entry("3", "x", user("c")))
    assert [m.id for m in circle.messages if m.inactive] == []


def test_rows_glued_together_by_two_writers(tmp_path: Path) -> None:
    line = rows_of(entry("1", None, user("a"))).strip() + rows_of(entry("2", "1", user("b")))
    data = rows_of(HEADER) + line + rows_of(entry("3", "2", user("c")))
    reading = read_bytes(pi, tmp_path / NAME, data)
    assert reading.problems == []
    assert said(only(reading), "user") == ["a", "b", "c"]
    assert [m.id for m in only(reading).messages][1:] == ["1", "2", "3"]
    assert pi.export(only(reading), reading.attachments.__getitem__) == {NAME: data}


def test_half_glued_rows_are_a_broken_line(tmp_path: Path) -> None:
    data = rows_of(HEADER, entry("1", None, user("a"))) + b'{"a":1}{"b"\n'
    reading = read_bytes(pi, tmp_path / NAME, data)
    assert [(problem.line, problem.fatal) for problem in reading.problems] == [(3, False)]
    assert pi.export(only(reading), reading.attachments.__getitem__) == {NAME: data}


def test_a_session_made_elsewhere_gets_a_name_the_client_accepts() -> None:
    session = Session("a/b", "pi", created_at="2026-01-10T12:00:00.000Z")
    assert list(pi.export(session, {}.__getitem__)) == ["2026-01-10T12-00-00-000Z_a-b.jsonl"]
    session.native = {"name": "../../x.jsonl"}
    assert list(pi.export(session, {}.__getitem__)) == ["2026-01-10T12-00-00-000Z_a-b.jsonl"]
