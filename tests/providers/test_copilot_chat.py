"""The readers of what GitHub Copilot Chat keeps beside VS Code's own sessions: its transcripts and its index."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from chasm_git.harvest.natives import readers_of
from chasm_git.providers.base import Env, Problem, Reading, Source
from chasm_git.providers.copilot_chat import CopilotChat
from chasm_git.providers.copilot_chat_store import CopilotChatStore
from chasm_git.providers.reading.export_file import Bundle, Member
from chasm_git.session import codec
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.conftest import SHARED
from tests.providers.databases import as_set, build, built, given_back, rows_of
from tests.providers.reading import FIXTURES, harvest, only, read_bytes, said, shown, sources
from tests.providers.reading import rows_of as lines_of

chat, store = CopilotChat(), CopilotChatStore()
HOME = FIXTURES / "copilot-chat" / "v0.55"
STORAGE = HOME / ".config/Code/User/workspaceStorage/0b6f3a9c1d2e4f58a7c6b5d4e3f20119"
A, B, C, D = (f"c0900000-0000-4000-8000-00000000000{n}" for n in range(1, 5))

INDEX = built(FIXTURES / "copilot-chat-store" / "v3")
DATABASE = INDEX / ".config/Code - Insiders/User/globalStorage/github.copilot-chat/session-store.db"
E1 = "c0a00000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(chat, HOME)


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data, "timestamp": "2026-02-10T12:00:00.000Z"}


# --- transcripts ------------------------------------------------------------------------------------------------------


def test_only_chats_that_the_editor_has_no_file_of(home: dict[str, Session]) -> None:
    assert set(home) == {A, D}
    found = {source.path.stem for source in sources(chat, HOME)}
    assert found == {A, C, D}  # nobody said anything in C; B is in chatSessions


@pytest.mark.parametrize("name", [f"{A}.json", f"{A}.jsonl"])
def test_the_editors_file_takes_the_place_of_a_transcript(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    shutil.copytree(HOME, folder)
    (folder / STORAGE.relative_to(HOME) / "chatSessions" / name).write_text("{}")
    assert A not in {source.path.stem for source in sources(chat, folder)}


def test_what_a_chat_is_about(home: dict[str, Session]) -> None:
    assert (home[A].workspace, home[A].created_at) == ("/home/ana/shop", "2026-02-10T09:00:00.000Z")
    assert home[D].workspace == "/srv/shop"  # a server's storage may have no workspace.json
    assert home[A].forked_from is None and home[A].parent is None


def test_the_conversation(home: dict[str, Session]) -> None:
    assert said(home[A], "user") == ["Why is the total wrong?", "Thanks."]
    answers = [m for m in shown(home[A]) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], m["model"]) for m in answers] == [
        ("Let me look.", ["Rounding, I guess."], "gpt-5.3"),
        ("`cart.py` rounds too early – in line 12.", ["So it is line 12."], "gpt-5.3"),
        ("You are welcome.", [], "gpt-5.3"),
    ]
    calls = [(c["name"], c["arguments"], c["result"][:17], c["is_error"]) for m in answers for c in m["tool_calls"]]
    assert calls == [
        ("read_file", {"filePath": "/home/ana/shop/cart.py"}, "no such file", True),
        ("run_in_terminal", {"command": "make test"}, "Large tool result", False),
    ]
    assert universal(home[A])["metadata"]["total_tokens"] == {"input": 2700, "output": 120}


def test_a_history_that_was_written_when_the_transcript_began(home: dict[str, Session]) -> None:
    assert home[D].messages[1].timestamp == "2026-02-10T07:30:00.000Z"
    assert said(home[D], "user") == ["What does `shop.py` do?", "And the cart?"]
    assert home[D].native == {"tail": {"$line": '{"type":"assistant.turn_start","data":{"tur'}}


def test_results_in_files_of_their_own(home: dict[str, Session]) -> None:
    name = f"chat-session-resources/{A}/call_2__vscode-1770714000123/content.txt"
    (message,) = [m for m in home[A].messages if m.file is not None]
    assert (message.role, message.file, message.id) == ("tool", name, f"file:{name}")
    (orphan,) = [m for m in shown(home[A]) if m["role"] == "tool"]
    assert orphan["tool_call_id"] == "call_2" and orphan["content"].startswith("collected 3 items")
    files = chat.export(codec.loads(codec.dumps(home[A])), {}.__getitem__)
    folder = STORAGE / "GitHub.copilot-chat"
    assert files == {one: (folder / one).read_bytes() for one in (f"transcripts/{A}.jsonl", name)}


@pytest.mark.parametrize("data", [b"", b"short", b"\xff\x00 no text", "\ufeffmark\r\n".encode(), b"long " * 20000])
def test_results_come_back_whatever_is_in_them(data: bytes, tmp_path: Path) -> None:
    rows = lines_of(event("user.message", content="hi"))
    name = "chat-session-resources/s/call_9__vscode-1/content.txt"
    path = tmp_path / "ws" / "GitHub.copilot-chat"
    (path / name).parent.mkdir(parents=True)
    (path / name).write_bytes(data)
    reading = read_bytes(chat, path / "transcripts" / "s.jsonl", rows, [name, "chat-session-resources/s/gone", 7])
    session = codec.loads(codec.dumps(only(reading)))
    assert chat.export(session, reading.attachments.__getitem__) == {"transcripts/s.jsonl": rows, name: data}
    assert reading.problems == []
    if len(data) > 64 * 1024:
        assert list(reading.attachments.values()) == [data]  # once


def test_a_result_that_is_written_shows(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    shutil.copytree(HOME, folder)
    before = {source.path.stem: source.stamp for source in sources(chat, folder)}
    beside = folder / STORAGE.relative_to(HOME) / "GitHub.copilot-chat/chat-session-resources" / A / "call_3"
    beside.mkdir()
    (beside / "schema.json").write_text("{}")
    after = {source.path.stem: source.stamp for source in sources(chat, folder)}
    assert {stem for stem, mark in after.items() if mark != before[stem]} == {A}


def test_which_model_answered_is_said_behind_the_answer(tmp_path: Path) -> None:
    def session(*rows: Any) -> Session:
        return only(read_bytes(chat, tmp_path / "ws/e/transcripts/s.jsonl", lines_of(*rows)))

    start, answer = event("assistant.turn_start", turnId="0.0"), event("assistant.message", content="Yes.")
    used = event("assistant.usage", model="m-1", inputTokens=3, outputTokens=1)
    inner = event("assistant.usage", model="m-2", inputTokens=5, parentToolCallId="call_1")
    made = session(start, answer, used, inner)
    assert [(m["content"], m["model"]) for m in shown(made)] == [("Yes.", "m-1")]
    assert universal(made)["metadata"]["total_tokens"] == {"input": 8, "output": 1}
    assert [(m["content"], m["model"]) for m in shown(session(used, start, answer))] == [("Yes.", "m-1")]


def test_a_workspace_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "workspace.json").write_text("{")
    rows = lines_of(
        event("session.start", sessionId="s", context={"cwd": "/home/ana/shop"}), event("user.message", content="hi")
    )
    reading = read_bytes(chat, tmp_path / "ws/GitHub.copilot-chat/transcripts/s.jsonl", rows)
    assert only(reading).workspace == "/home/ana/shop"
    assert [(Path(one.path).name, one.fatal) for one in reading.problems] == [("workspace.json", False)]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (STORAGE / "GitHub.copilot-chat" / "transcripts" / f"{A}.jsonl", "copilot-chat"),
        (next(FIXTURES.glob("copilot-cli/folders/.copilot/session-state/*1/events.jsonl")), "copilot-cli"),
        (next(FIXTURES.glob("copilot-cli/folders/.copilot/session-state/*4.jsonl")), "copilot-cli"),
    ],
)
def test_files_that_are_handed_in_are_told_apart(file: Path, name: str, tmp_path: Path) -> None:
    for place in (file.name, "session.jsonl", f"{file.parent.name}/{file.name}"):
        path = tmp_path / "in" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, path)
        member = Member("", path.stat().st_size)
        assert [reader.name for reader in readers_of(Bundle(path, [member]), member, None)] == [name]


# --- the index --------------------------------------------------------------------------------------------------------


def test_only_chats_that_have_no_file() -> None:
    assert set(harvest(store, INDEX)) == {E1}


def test_turns_are_prompts_and_answers() -> None:
    session = harvest(store, INDEX)[E1]
    assert [(m.id, m.role, m.content, m.timestamp) for m in session.messages] == [
        ("turn:0", "user", "Why is the total wrong?", "2026-02-10T09:00:00.010Z"),
        ("turn:0:answer", "assistant", "`cart.py` rounds too early.", "2026-02-10T09:00:00.010Z"),
        ("turn:1", "user", "Thanks.", "2026-02-10T09:05:00.000Z"),
        ("turn:1:answer", "assistant", "You are welcome.", "2026-02-10T09:05:00.000Z"),
        ("turn:2", "user", "Write a poem about it.", "2026-02-10T09:06:00.000Z"),
        ("turn:2:answer", "event", "", "2026-02-10T09:06:00.000Z"),
    ]
    assert (session.workspace, session.created_at) == ("/home/ana/shop", "2026-02-10T09:00:00.010Z")
    assert session.git == {"branch": "fix/total", "remote": "https://git.example/ana/shop.git"}


@pytest.mark.parametrize("table", ["sessions", "turns", "session_files", "session_refs", "checkpoints"])
def test_rows_come_back(table: str) -> None:
    given = given_back(store, [store.read(source) for source in sources(store, INDEX)], table)
    key = "id" if table == "sessions" else "session_id"
    assert as_set(given) == as_set([row for row in rows_of(DATABASE, table) if row[key] == E1])


def test_an_index_that_is_none(tmp_path: Path) -> None:
    def read(path: Path) -> Reading:
        (source,) = [one for one in sources(store, tmp_path) if one.path == path]
        return store.read(source)

    folder = tmp_path / ".config/Code/User/globalStorage/github.copilot-chat"
    folder.mkdir(parents=True)
    assert sources(store, tmp_path) == []
    path = folder / "session-store.db"
    path.write_bytes(b"no database")
    assert [problem.fatal for problem in read(path).problems] == [True]
    path.unlink()
    build(path, "CREATE TABLE turns (session_id, user_message); INSERT INTO turns VALUES ('s', 'hi'), (NULL, 'x')")
    (session,) = read(path).sessions
    assert [(m.role, m.content) for m in session.messages] == [("user", "hi"), ("event", "")]


def test_what_is_still_in_the_log_is_read(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / ".vscode-server/data/User/globalStorage/github.copilot-chat/session-store.db"
    build(
        path, "PRAGMA journal_mode=WAL; CREATE TABLE turns (session_id, turn_index, user_message, assistant_response)"
    )
    connection = sqlite3.connect(path)
    try:
        connection.execute("INSERT INTO turns VALUES ('s', 0, 'hi', 'there')")
        connection.commit()
        assert path.with_name(path.name + "-wal").stat().st_size > 0
        assert said(harvest(store, tmp_path)["s"], "assistant") == ["there"]
    finally:
        connection.close()


def test_folders_that_cannot_be_listed_are_named(tmp_path: Path) -> None:
    user = tmp_path / ".config/Code/User"
    user.mkdir(parents=True)
    (user / "workspaceStorage").symlink_to(user / "workspaceStorage")
    found = list(chat.discover(Env(tmp_path)))
    assert [type(one) for one in found] == [Problem]


def test_the_terminal_agents_index(tmp_path: Path) -> None:
    home = built(FIXTURES / "copilot-chat-store" / "agent")
    (session,) = harvest(store, home).values()  # the other one has events
    assert (session.id, session.workspace) == ("c0b00000-0000-4000-8000-000000000002", "/home/ana/shop")
    assert said(session, "user") == ["Why is the total wrong?", "Thanks."]
    assert said(session, "assistant") == ["It rounds too early – in line 12."]
    assert len(sources(store, tmp_path, COPILOT_HOME=str(home / ".copilot"))) == 1
    shutil.copytree(home, tmp_path / "home")
    (tmp_path / "home/.copilot/session-state/c0b00000-0000-4000-8000-000000000001/events.jsonl").unlink()
    assert len(harvest(store, tmp_path / "home")) == 2  # an empty folder tells of nothing


def test_an_index_that_the_terminal_agent_wrote(tmp_path: Path) -> None:
    """The two programs share its tables."""
    found = SHARED / "realdata/copilot-cli-1.0.102/home/.copilot/session-store.db"
    if not found.exists():
        pytest.skip("no client data beside the checkout")
    path = Path(shutil.copyfile(found, tmp_path / found.name))
    reading = store.read(Source(store.name, "k", path, "", []))
    assert reading.problems == [] and len(reading.sessions) == 4
    given = as_set(given_back(store, [reading], "turns"))
    assert given == as_set(rows_of(path, "turns"))
    assert all(said(session, "user") and session.workspace for session in reading.sessions)
