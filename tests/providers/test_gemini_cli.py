"""The Gemini CLI reader: recordings that are logs, recordings that are objects, and what each of them says once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Reading
from chasm_git.providers.gemini_cli import GeminiCLI
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, rows_of, said, shown, sources

gemini = GeminiCLI()
HOME, OLD_HOME = FIXTURES / "gemini-cli" / "v0.61", FIXTURES / "gemini-cli" / "v0.29"
A, B, C, D = (f"6e000000-0000-4000-8000-00000000000{n}" for n in range(1, 5))
NAME = "session-2026-01-10T12-00-6e000000.jsonl"
HEADER = {"sessionId": A, "projectHash": "x", "startTime": "2026-01-10T12:00:00.000Z", "kind": "main"}


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(gemini, HOME)


@pytest.fixture(scope="module")
def old() -> dict[str, Session]:
    return harvest(gemini, OLD_HOME)


def message(key: str, kind: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"id": key, "timestamp": "2026-01-10T12:00:01.000Z", "type": kind, "content": content, **more}


def replaced_by(*messages: Any) -> dict[str, Any]:
    return {"$set": {"messages": list(messages)}}


def read(tmp_path: Path, *rows: Any) -> Session:
    return only(read_bytes(gemini, tmp_path / "chats" / NAME, rows_of(HEADER, *rows)))


def standing(session: Session) -> list[tuple[str, str]]:
    return [(m["role"], m["content"]) for m in shown(session) if not m.get("inactive") and m["content"]]


def test_the_conversation(home: dict[str, Session]) -> None:
    session = home[A]
    assert (session.title, session.workspace) == ("Why the cart rounds", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:00.000Z"
    assert said(session, "user") == [
        "Why is the total of @cart.py wrong?",
        "See the picture.",
        "Ask an agent to count the callers.",
        "Fix it.",
    ]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], [c["name"] for c in m["tool_calls"]]) for m in answers] == [
        ("Let me look.", ["**Reading** It rounds, I guess, too early."], ["run_shell_command", "read_file"]),
        ("`cart.py` rounds too early.", [], []),
        ("", [], ["invoke_agent"]),
        ("There is one.", [], []),
        ("Fixed.", [], ["write_file"]),
        ("Got it. Thanks for the additional context!", [], []),
    ]
    assert [(c["result"], c["is_error"]) for m in answers for c in m["tool_calls"]] == [
        ("12:    return round(total)\n", False),
        ("File not found: nope.py", True),
        ("There is one.", False),
        ("Wrote cart.py", False),
    ]


def test_tokens_are_counted_once(home: dict[str, Session]) -> None:
    assert universal(home[A])["metadata"]["total_tokens"] == {"input": 7000, "output": 334}


def test_a_resume_takes_nothing_away(home: dict[str, Session]) -> None:
    """On resume the client writes everything anew, without times, models and calls: what was written first stands."""
    first = next(m for m in home[A].messages if m.role == "assistant")
    assert (first.timestamp, first.model, first.inactive) == ("2026-01-10T12:00:02.000Z", "gemini-2.5-pro", False)
    assert [m["injected"] for m in shown(home[A]) if m.get("injected")] == [True, True, True]


def test_what_was_taken_back_is_inactive(home: dict[str, Session]) -> None:
    inactive = [(m.role, m.injected) for m in home[A].messages if m.inactive]
    assert inactive == [("user", True), ("user", False), ("system", False)]


def test_notes_and_errors(home: dict[str, Session]) -> None:
    assert [m.content for m in home[A].messages if m.role == "system"] == ["Request cancelled.", "Quota is low."]
    assert [m.content for m in home[A].messages if m.status] == [
        [{"type": "error", "text": "[API Error: 429 too many requests]"}]
    ]


def test_an_agent_is_a_session_of_its_own(home: dict[str, Session]) -> None:
    assert (home[B].parent, home[B].workspace) == (A, "/home/ana/shop")
    assert said(home[B], "user") + said(home[B], "assistant") == ["Count the callers.", "There is one."]


def test_a_session_nobody_typed_in_is_none(home: dict[str, Session]) -> None:
    assert set(home) == {A, B}


def test_sessions_do_not_share_the_id_of_their_context(home: dict[str, Session]) -> None:
    """The client makes that id from the text: it would tie sessions together that have nothing in common."""
    assert all(m.id.startswith("h-") for m in home[A].messages if m.injected)


def test_thoughts_are_stored_once(home: dict[str, Session]) -> None:
    first = next(m for m in home[A].messages if m.role == "assistant")
    thought = "**Reading** It rounds, I guess, too early."
    assert first.native["thoughts"][0]["description"] == {"$slice": "content.0.text", "at": [12, len(thought)]}


# --- the log ----------------------------------------------------------------------------------------------------------


def test_an_answer_that_grows(tmp_path: Path) -> None:
    call = {"id": "c", "name": "ls", "args": {"path": "."}, "status": "executing"}
    result = [{"functionResponse": {"id": "c", "name": "ls", "response": {"output": "cart.py"}}}]
    rows = [
        message("g", "gemini", "Looking."),
        message("g", "gemini", "Looking.", toolCalls=[call]),
        message("r", "user", result),
        message("g", "gemini", "Looking.", toolCalls=[call | {"status": "success", "result": result}]),
        message("g", "gemini", "Looking.", toolCalls=[call | {"status": "success", "result": result}], model="m"),
    ]
    for count in range(1, len(rows) + 1):
        session = read(tmp_path, *rows[:count])
        assert standing(session) == [("assistant", "Looking.")]
        calls = [c["result"] for m in shown(session) for c in m["tool_calls"]]
        assert calls == [[], [None], ["cart.py"], ["cart.py"], ["cart.py"]][count - 1]
    assert [m.role for m in session.messages[1:]] == ["assistant", "assistant", "tool", "event", "event"]


def test_a_message_that_says_something_else(tmp_path: Path) -> None:
    session = read(tmp_path, message("u", "user", "first"), message("u", "user", "second"))
    assert [(m.content, m.inactive) for m in session.messages[1:]] == [("first", True), ("second", False)]
    same = read(tmp_path, message("u", "user", "first"), message("u", "user", [{"text": "first"}]))
    assert standing(same) == [("user", "first")]


def test_compaction_takes_nothing_back(tmp_path: Path) -> None:
    rows = [
        message("u1", "user", "question"),
        message("g1", "gemini", "answer"),
        replaced_by(message("x", "user", "<state_snapshot>s</state_snapshot>"), message("y", "gemini", "answer")),
        message("u2", "user", "next"),
    ]
    session = read(tmp_path, *rows)
    assert [text for _, text in standing(session)] == [
        "question",
        "answer",
        "<state_snapshot>s</state_snapshot>",
        "next",
    ]
    assert said(read(tmp_path, *rows[:2], replaced_by(), rows[3]), "user") == ["question", "next"]


def test_rewinds(tmp_path: Path) -> None:
    rows = [message(key, "user", key * 3) for key in "abcd"]

    def left(*more: Any) -> list[str]:
        return [text for _, text in standing(read(tmp_path, *rows, *more))]

    assert left({"$rewindTo": "c"}) == ["aaa", "bbb"]
    assert left({"$rewindTo": "gone"}) == []
    assert left({"$rewindTo": "c"}, message("c", "user", "ccc")) == ["aaa", "bbb", "ccc"]
    copies = [message(f"{key}2", "user", key * 3) for key in "abcd"]
    assert left(replaced_by(*copies), {"$rewindTo": "c2"}) == ["aaa", "bbb"]
    assert left(replaced_by(*copies[2:]), {"$rewindTo": "d2"}) == ["aaa", "bbb", "ccc"]


def test_lists_with_several_messages_nobody_knows(tmp_path: Path) -> None:
    data = rows_of(HEADER | {"messages": [message("a", "user", "one"), {"type": "gemini", "content": "two"}, 5]})
    reading = read_bytes(gemini, tmp_path / "chats" / NAME, data)
    session = only(reading)
    assert standing(session) == [("user", "one"), ("assistant", "two")]
    assert [m.native is None for m in session.messages] == [False, True, True]
    assert gemini.export(session, reading.attachments.__getitem__) == {NAME: data}


def test_calls_the_model_wrote_into_its_content(tmp_path: Path) -> None:
    session = read(
        tmp_path,
        message("g", "gemini", [{"functionCall": {"id": "c", "name": "ls", "args": {}}}]),
        message("r", "user", [{"functionResponse": {"id": "c", "name": "ls", "response": {"files": ["a"]}}}]),
    )
    ((call,),) = [m["tool_calls"] for m in shown(session)]
    assert (call["name"], call["result"]) == ("ls", '{"files":["a"]}')


@pytest.mark.parametrize(
    "content",
    [None, 5, {}, [], [5, None, {}], {"text": 5}, [{"text": "x", "thought": "yes"}], [{"inlineData": {}}], [[]]],
)
def test_content_of_any_shape(content: Any, tmp_path: Path) -> None:
    rows = [message("u", "user", "hi"), *(message("x", kind, content) for kind in ("user", "gemini", "info", "error"))]
    data = rows_of(HEADER, *rows)
    reading = read_bytes(gemini, tmp_path / "chats" / NAME, data)
    assert gemini.export(only(reading), reading.attachments.__getitem__) == {NAME: data}


# --- objects, and where a session was held ----------------------------------------------------------------------------


def test_a_recording_that_is_one_object(old: dict[str, Session]) -> None:
    session = old[D]
    assert (session.title, session.created_at) == ("List the files", "2025-12-16T23:47:00.000Z")
    assert said(session, "user") + said(session, "assistant") == ["Run a command", "There is one file."]
    calls = [(c["name"], c["result"], c["is_error"]) for m in shown(session) for c in m["tool_calls"]]
    assert calls == [
        ("run_shell_command", "Output: cart.py", False),
        ("read_file", "Cancelled", True),
        ("view", "An image.", False),
    ]
    assert [part["media_type"] for part in parts(session, "tool_result")[2][1]["content"][1:]] == ["image/png"]
    assert [m.id for m in session.messages][1:4] == ["m1", "m2", "m2r"]


def test_a_log_beside_its_object_goes_on_where_that_ended(old: dict[str, Session]) -> None:
    assert said(old["6e0000ff"], "user") == ["old", "new"]


def test_the_folder_whose_hash_is_known(old: dict[str, Session]) -> None:
    assert old[D].workspace == "/home/ana/shop"
    assert old["6e0000ff"].workspace is None


def test_a_folder_on_windows(tmp_path: Path) -> None:
    header = HEADER | {"projectHash": hashlib.sha256(rb"C:\Users\ana\shop").hexdigest()}
    call = {"id": "c", "name": "read_file", "args": {"file_path": "C:\\Users\\ana\\shop\\src\\cart.py"}}
    data = rows_of(header, message("g", "gemini", "", toolCalls=[call]))
    assert only(read_bytes(gemini, tmp_path / "chats" / NAME, data)).workspace == "C:\\Users\\ana\\shop"


def test_a_folder_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / ".project_root").write_bytes(b"\xff\xfe")
    reading: Reading = read_bytes(gemini, tmp_path / "chats" / NAME, rows_of(HEADER, message("u", "user", "hi")))
    assert [problem.fatal for problem in reading.problems] == [False]
    assert only(reading).workspace is None


def test_another_home(tmp_path: Path) -> None:
    assert len(sources(gemini, tmp_path, GEMINI_CLI_HOME=str(HOME))) == 3


def test_an_object_that_is_none(tmp_path: Path) -> None:
    reading = read_bytes(gemini, tmp_path / "chats" / "session-a.json", b'{"messages":[')
    assert [problem.fatal for problem in reading.problems] == [True]
    assert reading.sessions == []
