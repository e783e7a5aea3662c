"""The Cursor reader: the editor's databases of every age, the agent's stores and transcripts."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Reading
from chasm_git.providers.cursor import Cursor
from chasm_git.session import codec
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, harvest, parts, said, shown, sources

cursor = Cursor()
KNOWN: dict[str, Any] = json.loads((FIXTURES / "cursor" / "databases.json").read_bytes())
TRANSCRIPTS = FIXTURES / "cursor" / "transcripts"
C = [f"c1000000-0000-4000-8000-00000000000{n}" for n in range(8)]
T = [f"c0000000-0000-4000-8000-00000000000{n}" for n in "ab"]
STORE = "c2000000-0000-4000-8000-000000000001"


def compact(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def database(path: Path, tables: dict[str, dict[str, Any]], *, as_blob: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, values in tables.items():
            connection.execute(f"CREATE TABLE {table} (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
            for key, value in values.items():
                text = value if isinstance(value, str) else compact(value)
                stored = text.encode() if as_blob and text is not None else text
                connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (key, stored))
    return path


def user(home: Path) -> Path:
    return home / ".config" / "Cursor" / "User"


def store(path: Path) -> None:
    """A store whose tree has a list within a list."""
    blobs: dict[str, bytes] = {}

    def add(data: bytes) -> bytes:
        key = hashlib.sha256(data).digest()
        blobs[key.hex()] = data
        return key

    keys = [add(str(compact(message)).encode()) for message in KNOWN["store"]["standing"]]
    for message in KNOWN["store"]["left"]:
        add(str(compact(message)).encode())
    inner = add(b"".join(b"\x0a\x20" + key for key in keys[:3]))
    root = add(b"".join(b"\x0a\x20" + key for key in [inner, *keys[3:]]) + b"\x12\x20" + add(b"\x08\x01"))
    meta = json.dumps(KNOWN["store"]["meta"] | {"latestRootBlobId": root.hex()}).encode().hex()
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE blobs (id TEXT PRIMARY KEY, data BLOB)")
        connection.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
        connection.executemany("INSERT INTO blobs VALUES (?, ?)", blobs.items())
        connection.execute("INSERT INTO meta VALUES ('0', ?)", (meta,))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cursor")
    database(user(home) / "globalStorage" / "state.vscdb", KNOWN["global"])
    workspace = user(home) / "workspaceStorage" / "00a1"
    database(workspace / "state.vscdb", KNOWN["workspace"])
    (workspace / "workspace.json").write_text('{"folder":"file:///home/ana/shop"}')
    place = home / ".cursor" / "chats" / "46d408964d3ec2a21d9a23d01b13d82c" / STORE
    store(place / "store.db")
    (place / "meta.json").write_text('{"schemaVersion":1,"createdAtMs":1768046400000,"cwd":"/home/ana/shop"}')
    return home


@pytest.fixture(scope="module")
def found(home: Path) -> dict[str, Session]:
    return harvest(cursor, home)


def read(home: Path) -> list[Reading]:
    return [cursor.read(source) for source in sources(cursor, home)]


def test_every_conversation_is_there(found: dict[str, Session]) -> None:
    assert sorted(found) == sorted([C[1], C[2], C[4], C[5], C[6], C[7], STORE])
    assert {session.workspace for key, session in found.items() if key != C[5]} == {"/home/ana/shop"}


def test_a_conversation_by_its_bubbles(found: dict[str, Session]) -> None:
    session = found[C[1]]
    assert (session.title, session.created_at) == ("The cart's total", "2026-01-10T12:00:00.000Z")
    assert said(session, "user") == ["Why is the total of the cart wrong?", "Fix it, @cart.py\nplease"]
    first, second = [m for m in shown(session) if m["role"] == "assistant" and not m.get("inactive")]
    assert (first["content"], first["thinking"]) == ("Let me look at the cart.", ["Rounding, I guess."])
    (call,) = first["tool_calls"]
    assert (call["name"], call["arguments"]["target_file"]) == ("read_file", "cart.py")
    assert call["result"] == '{"contents":"12:    return round(total)\\n"}'
    (call,) = second["tool_calls"]
    assert (call["arguments"], call["is_error"]) == ('{"command":"pyt', True)
    assert (second["error"], second["status"]) == ("Connection lost", "failed")
    assert first["model"] == "claude-4.5-sonnet"
    assert universal(session)["metadata"]["total_tokens"] == {"input": 900, "output": 40}
    assert [part["uri"] for _, part in parts(session, "reference")] == ["file:///home/ana/shop/cart.py"]


def test_what_was_left_behind_is_kept_apart(found: dict[str, Session]) -> None:
    assert [m.id for m in found[C[1]].messages] == ["u1", "a1", "a2", "a3", "u2", "a4", "left"]
    assert [m.id for m in found[C[1]].messages if m.inactive] == ["left"]


def test_prompts_without_a_time_have_their_answers(found: dict[str, Session]) -> None:
    assert [m.timestamp for m in found[C[1]].messages if m.id == "u2"] == ["2026-01-10T12:00:09.000Z"]
    assert [m.timestamp for m in found[C[5]].messages] == ["2026-01-10T12:00:06.000Z"] * 2


def test_messages_without_their_conversation(found: dict[str, Session]) -> None:
    session = found[C[4]]
    assert (said(session, "user"), said(session, "assistant")) == (["What is left of a deleted chat?"], ["This."])
    assert [m.model for m in session.messages] == [None, "gpt-5"]
    assert not any(m.inactive for m in session.messages)


def test_agents_know_who_started_them(found: dict[str, Session]) -> None:
    assert {key: session.parent for key, session in found.items() if session.parent} == {C[5]: C[1]}


def test_conversations_with_their_messages_in_them(found: dict[str, Session]) -> None:
    session = found[C[2]]
    assert (session.title, said(session, "user"), said(session, "assistant")) == (
        "An old one",
        ["Add a readme"],
        ["There it is."],
    )
    (call,) = [call for m in shown(session) for call in m["tool_calls"]]
    assert (call["name"], call["arguments"], call["result"]) == ("edit_file", {"file": "README.md"}, '{"applied":true}')
    assert said(found[C[6]], "assistant") == ["Red, green, blue."]
    assert (found[C[7]].title, said(found[C[7]], "assistant")) == ("Oldest", ["Hi."])


@pytest.mark.parametrize("as_blob", [False, True])
def test_the_rows_come_back(as_blob: bool, tmp_path: Path) -> None:
    database(user(tmp_path) / "globalStorage" / "state.vscdb", KNOWN["global"], as_blob=as_blob)
    (reading,) = read(tmp_path)
    stored = KNOWN["global"]["cursorDiskKV"]
    for session in reading.sessions:
        again = codec.loads(codec.dumps(session))
        assert again == session
        files = cursor.export(again, reading.attachments.__getitem__)
        (document,) = [json.loads(data) for data in files.values()]
        if session.id == C[2]:
            assert document == stored[f"composerData:{C[2]}"]
        elif not as_blob:
            rows = {row["key"]: json.loads(row["value"]) for row in document["cursorDiskKV"]}
            assert rows == {key: stored[key] for key in stored if session.id in key and key in rows}
            assert len(rows) >= len(session.messages)
    assert said(reading.sessions[0], "user")[0] == "Why is the total of the cart wrong?"


def test_what_is_in_the_log_alone_is_read(tmp_path: Path) -> None:
    path = database(user(tmp_path) / "globalStorage" / "state.vscdb", {"cursorDiskKV": {}})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        (before,) = sources(cursor, tmp_path)
        key, value = f"bubbleId:{C[4]}:x1", {"type": 1, "text": "hi"}
        with connection:
            connection.execute("INSERT INTO cursorDiskKV VALUES (?, ?)", (key, compact(value)))
        (source,) = sources(cursor, tmp_path)
        assert source.stamp != before.stamp
        assert [said(session, "user") for session in cursor.read(source).sessions] == [["hi"]]


def test_values_that_are_none(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        f"composerData:{C[1]}": "{broken",
        f"bubbleId:{C[1]}:a": "[1]",
        f"bubbleId:{C[1]}:b": {"type": 1, "text": "hi"},
        f"bubbleId:{C[1]}:c": "\x00",
        "composerData:": {},
        "bubbleId:x": {"type": "?"},
    }
    database(user(tmp_path) / "globalStorage" / "state.vscdb", {"cursorDiskKV": values})
    (reading,) = read(tmp_path)
    session = next(session for session in reading.sessions if session.id == C[1])
    assert said(session, "user") == ["hi"]
    assert sorted(m.role for m in session.messages) == ["event", "event", "user"]
    assert {problem.fatal for problem in reading.problems} == {False}
    assert any("{broken" in data.decode() for data in cursor.export(session, {}.__getitem__).values())  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"", b"no database" * 200, b"SQLite format 3\0" + b"\xff" * 3000])
def test_files_that_are_no_database(data: bytes, tmp_path: Path) -> None:
    path = user(tmp_path) / "globalStorage" / "state.vscdb"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    (reading,) = read(tmp_path)
    assert reading.sessions == []
    assert [problem.fatal for problem in reading.problems] == ([True] if data else [])


def test_a_store(found: dict[str, Session]) -> None:
    session = found[STORE]
    assert (session.title, session.created_at) == ("Shell", "2026-01-10T12:00:00.000Z")
    assert said(session, "user") == ["List the files"]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], m.get("inactive", False)) for m in answers] == [
        ("Listing.", ["ls will do."], False),
        ("One file: `cart.py`.", [], False),
        ("A first try.", [], True),
    ]
    assert [(call["name"], call["result"]) for m in answers for call in m["tool_calls"]] == [("Shell", "cart.py\n")]
    assert [m["role"] for m in shown(session) if m.get("injected")] == ["system", "user"]


def test_the_blobs_of_a_store_come_back(home: Path) -> None:
    (source,) = [source for source in sources(cursor, home) if source.path.name == "store.db"]
    reading = cursor.read(source)
    (data,) = cursor.export(reading.sessions[0], reading.attachments.__getitem__).values()
    rows = json.loads(data)["blobs"]
    texts = [row["data"] for row in rows if isinstance(row["data"], str)]
    assert [hashlib.sha256(text.encode()).hexdigest() for text in texts] == [
        row["id"] for row in rows if isinstance(row["data"], str)
    ]
    assert (len(rows), len(texts)) == (10, 7)


def test_transcripts() -> None:
    found = harvest(cursor, TRANSCRIPTS)
    assert sorted(found) == ["agent-1", *T]
    session = found[T[0]]
    assert session.workspace == "/home/ana/shop"
    assert said(session, "user") == ["Why is the total of the cart wrong?"]
    assert said(session, "assistant") == ["Let me look at the cart.", "`cart.py` rounds too early."]
    assert [m["error"] for m in shown(session) if "error" in m] == ["Provider Error: upstream timeout"]
    assert found["agent-1"].parent == T[0]
    assert said(found[T[1]], "assistant") == ["4."]


def test_a_transcript_of_what_a_database_holds_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / ".cursor" / "projects" / "p" / "agent-transcripts" / f"{C[1]}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"role":"user","message":{"content":[{"type":"text","text":"hi"}]}}\n')
    assert list(harvest(cursor, tmp_path)) == [C[1]]
    held = database(user(tmp_path) / "globalStorage" / "state.vscdb", KNOWN["global"])
    assert said(harvest(cursor, tmp_path)[C[1]], "user")[0] == "Why is the total of the cart wrong?"
    held.write_bytes(b"no database")
    assert [session.id for reading in read(tmp_path) for session in reading.sessions] == [C[1]]


def test_a_transcript_of_a_store_is_not_read_again(tmp_path: Path) -> None:
    store(tmp_path / ".cursor" / "chats" / "x" / STORE / "store.db")
    path = tmp_path / ".cursor" / "projects" / "p" / "agent-transcripts" / STORE / f"{STORE}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"role":"user","message":{"content":[{"type":"text","text":"List the files"}]}}\n')
    assert said(harvest(cursor, tmp_path)[STORE], "user") == ["List the files"]
    assert len(sources(cursor, tmp_path)) == 1


def test_files_of_others(shared: Path, tmp_path: Path) -> None:
    """Data that another tool's tests are made of."""
    base = shared / "fixtures" / "editors" / "cursor" / "cursor-history"
    data = (base / "compatibility" / "fixtures" / "v016" / "composer-global-state.vscdb").read_bytes()
    path = user(tmp_path) / "globalStorage" / "state.vscdb"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    (session,) = harvest(cursor, tmp_path).values()
    assert (session.title, session.workspace) == ("Synthetic v0.16 Composer session", "/fixture/v016/project")
    assert said(session, "user") == ["Synthetic question alpha.", "Synthetic empty-ID compatibility turn."]
    assert sorted({call["name"] for m in shown(session) for call in m["tool_calls"]}) == ["read_file", "search"]


@pytest.mark.parametrize("value", ['{"allComposers": [{"conv', '{"allComposers": {"0": []}}', "[]"])
def test_a_list_of_conversations_that_cannot_be_read_is_named(value: str, tmp_path: Path) -> None:
    path = user(tmp_path) / "workspaceStorage" / "00a1" / "state.vscdb"
    database(path, {"ItemTable": {"composer.composerData": value}})
    (reading,) = read(tmp_path)
    (problem,) = reading.problems
    assert problem.path == str(path) and not problem.fatal
