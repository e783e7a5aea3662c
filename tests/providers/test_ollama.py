"""The Ollama reader: the desktop app's database in all its versions, and the history of the command line."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chasm_git.providers.base import Env, Source
from chasm_git.providers.ollama import Ollama
from tests.providers.databases import as_set, build, built, given_back, rows_of
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, said, shown, sources

ollama = Ollama()
HOME = built(FIXTURES / "ollama" / "v18")
OLD = built(FIXTURES / "ollama" / "v2")
DATABASE = HOME / ".ollama/db.sqlite"
CHAT = "0198c1a0-0000-7000-8000-000000000001"


def read(path: Path):
    return ollama.read(Source("ollama", path.name, path, ""))


def test_a_chat() -> None:
    session = harvest(ollama, HOME)[CHAT]
    assert (session.title, session.created_at) == ("Weather in Lyon", "2026-08-01T12:00:00.123Z")
    assert said(session, "user") == ["Is this Lyon, and what is the weather there?"]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], m["model"]) for m in answers] == [
        ("", ["I need two tools for this."], "gpt-oss:20b"),
        ("Yes, it is Lyon: clear, 21 degrees.", [], "gpt-oss:20b"),
    ]
    assert [(c["name"], c["arguments"], c["result"]) for c in answers[0]["tool_calls"]] == [
        ("web_search", {"query": "weather in Lyon today"}, "21 degrees, clear"),
        ("locate", {"image": 1}, '{"place":"Lyon"}'),
    ]
    assert [(part["type"], part["name"], part["media_type"]) for _, part in [*parts(session, "image")]] == [
        ("image", "square.PNG", "image/png")
    ]
    assert [part["data"] for _, part in parts(session, "file")] == ["THlvbj8="]
    assert [m.timestamp for m in session.messages][1:3] == ["2026-08-01T12:00:01.500Z", "2026-08-01T12:00:03.000Z"]


def test_an_old_chat() -> None:
    (session,) = harvest(ollama, OLD).values()
    assert [c["result"] for m in shown(session) for c in m["tool_calls"]] == ["Fe2O3"]
    assert said(session, "assistant") == ["Iron oxides."]


def test_a_chat_in_which_nothing_was_said_is_none() -> None:
    assert set(harvest(ollama, HOME)) == {"history", CHAT, CHAT[:-1] + "2"}


@pytest.mark.parametrize("table", ["messages", "tool_calls", "attachments"])
def test_rows_come_back(table: str) -> None:
    assert as_set(given_back(ollama, [read(DATABASE)], table)) == as_set(rows_of(DATABASE, table))


def test_accounts_are_not_read() -> None:
    reading = read(DATABASE)
    exported = [ollama.export(session, reading.attachments.__getitem__) for session in reading.sessions]
    assert b"ana@example.org" in DATABASE.read_bytes() and b"ana@example.org" not in repr(exported).encode()


def test_ids_do_not_change_when_rows_are_inserted_again(tmp_path: Path) -> None:
    path = Path(shutil.copyfile(DATABASE, tmp_path / "db.sqlite"))
    with closing(sqlite3.connect(path)) as writer, writer:
        for statement in (
            "UPDATE messages SET id = id + 100, updated_at = 'now'",
            "UPDATE tool_calls SET id = id + 100, message_id = message_id + 100",
            "UPDATE attachments SET id = id + 100, message_id = message_id + 100",
        ):
            writer.execute(statement)
    before, after = read(DATABASE).sessions, read(path).sessions
    assert [[m.id for m in s.messages] for s in before] == [[m.id for m in s.messages] for s in after]
    assert before[0].messages[1].content == after[0].messages[1].content


def test_strange_rows(tmp_path: Path) -> None:
    path = build(
        tmp_path / "db.sqlite",
        """CREATE TABLE chats (id, title, tomorrow); INSERT INTO chats VALUES (7, NULL, NULL), ('c', x'ff', 1);
        CREATE TABLE messages (id, chat_id, role, content, created_at);
        INSERT INTO messages VALUES (2, 'c', 'tool', NULL, 'never'), (1, 'c', NULL, x'00', 1e300),
          (2, 'c', 'user', 'twice', 0), (2, 'c', 'user', 'twice', 0), (NULL, 'd', 'user', 'no chat', 1767225600);
        CREATE TABLE tool_calls (message_id, function_arguments); INSERT INTO tool_calls VALUES (2, '{'), ('x', NULL);
        CREATE TABLE attachments (message_id, data); INSERT INTO attachments VALUES (1, NULL);""",
    )
    reading = read(path)
    assert [problem.reason for problem in reading.problems] == [
        "table tool_calls: 1 row belongs to nothing that is there, and cannot be read"
    ]
    assert [(s.id, len(s.messages)) for s in reading.sessions] == [("c", 4), ("d", 1)]
    assert as_set(given_back(ollama, [reading], "messages"))[:1] == as_set(rows_of(path, "messages"))[:1]


# --- history ----------------------------------------------------------------------------------------------------------


def test_history() -> None:
    session = harvest(ollama, HOME)["history"]
    assert said(session, "user") == ["Why is the sky blue?", "Sum these up:", "- rye bread"]
    assert [m.role for m in session.messages].count("event") == 4


def test_lines_keep_their_ids_when_older_ones_are_dropped(tmp_path: Path) -> None:
    lines = [b"one\n", b"two \xff\n", "drei ünd\r\n".encode(), b"/tmp/x is what?\n", b"\n"]
    reading = read_bytes(ollama, tmp_path / "history", b"".join(lines) + b"torn")
    whole = only(reading)
    assert ollama.export(whole, reading.attachments.__getitem__)["history"] == b"".join(lines) + b"torn"
    assert [m.content for m in whole.messages if m.role == "user"] == [
        "one",
        "two \ufffd",
        "drei ünd",
        "/tmp/x is what?",
    ]
    rest = only(read_bytes(ollama, tmp_path / "history", b"".join(lines[1:])))
    assert [m.id for m in rest.messages] == [m.id for m in whole.messages][1:]


def test_places(tmp_path: Path) -> None:
    build(tmp_path / "AppData/Local/Ollama/db.sqlite", "CREATE TABLE chats (id)")
    build(tmp_path / "Library/Application Support/Ollama/db.sqlite", "CREATE TABLE chats (id)")
    for platform in ("win32", "darwin"):
        (found,) = ollama.discover(Env(tmp_path, platform=platform))
        assert isinstance(found, Source) and "Ollama" in found.path.parts
    assert sources(ollama, tmp_path) == []
