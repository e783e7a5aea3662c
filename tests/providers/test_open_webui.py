"""The Open WebUI reader: trees, rows of messages, old lists, and exports that are the same sessions."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Source
from chasm_git.providers.open_webui import OpenWebUI
from chasm_git.session import codec
from chasm_git.session.merge import absorb
from chasm_git.session.model import Session
from tests.providers.databases import as_set, build, built, given_back, rows_of
from tests.providers.exporting import SHARED, fixture, pairs, written
from tests.providers.exporting import sessions as exported
from tests.providers.reading import FIXTURES, harvest, parts, said, shown, sources

webui = OpenWebUI()
NEW = built(FIXTURES / "open-webui" / "v0.12")
OLD = built(FIXTURES / "open-webui" / "v0.3")
DATABASE = NEW / ".open-webui" / "webui.db"
KEY = "0f000000-0000-4000-8000-00000000000"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(webui, NEW)


def read(path: Path):
    return webui.read(Source("open-webui", "k", path, ""))


def test_a_tree(home: dict[str, Session]) -> None:
    session = home[KEY + "1"]
    assert (session.title, session.created_at) == ("Tides", "2026-01-01T10:00:00.000Z")
    standing = [m for m in shown(session) if not m.get("inactive")]
    assert [(m["role"], m["content"]) for m in standing] == [
        ("user", "Why are there two tides a day?"),
        ("assistant", "It pulls on both sides of the earth."),
        ("user", "And the sun?"),
        ("assistant", ""),
    ]
    answer = standing[1]
    assert (answer["thinking"], answer["model"]) == (["Moon & sun.\nBoth sides."], "qwen3:8b")
    (call,) = answer["tool_calls"]
    assert (call["name"], call["arguments"], call["result"]) == ("search", {"query": "tides"}, "two results")
    assert [one["uri"] for one in answer["references"]] == ["https://tides.example.org/"]
    assert session.messages[2].usage == {"input_tokens": 20, "output_tokens": 9, "total_duration": 5}
    assert standing[3]["error"] == "The model is not loaded."
    assert [m.id for m in session.messages if m.inactive] == ["b1"]
    assert len(parts(session, "image")) == 1 and parts(session, "file")[0][1]["name"] == "moon.txt"


def test_rows_of_messages(home: dict[str, Session]) -> None:
    session = home[KEY + "2"]
    assert [m.id for m in session.messages] == ["u1", "r1", "u2"]
    answer = shown(session)[1]
    assert (answer["thinking"], answer["content"]) == (["I should count."], "There are 12 rows.")
    assert [(c["name"], c["result"]) for c in answer["tool_calls"]] == [
        ("count", "12"),
        ("code_interpreter", '{"stdout":"12"}'),
    ]
    assert session.messages[1].usage == {"input_tokens": 30, "output_tokens": 11}
    assert session.messages[1].timestamp == "2026-01-01T10:06:41.000Z"
    assert session.messages[2].inactive  # the chat says that it ends before it


def test_what_the_client_says_to_itself_is_left_out(home: dict[str, Session]) -> None:
    assert set(home) == {KEY + "1", KEY + "2"}


@pytest.mark.parametrize("table", ["chat", "chat_message"])
def test_rows_come_back(table: str) -> None:
    for path in (DATABASE, OLD / ".open-webui/webui.db"):
        held = (
            [row for row in rows_of(path, table) if row["id"][-1] not in "34"]
            if table == "chat" or path == DATABASE
            else []
        )
        assert as_set(given_back(webui, [read(path)], table)) == as_set(held)


def test_the_list_beside_the_tree_is_not_stored_again(home: dict[str, Session]) -> None:
    assert codec.dumps(home[KEY + "1"]).count(b"Why are there two tides a day?") == 1


def test_accounts_are_not_read(home: dict[str, Session]) -> None:
    assert b"notapassword" in DATABASE.read_bytes()
    assert not any(b"notapassword" in codec.dumps(session) for session in home.values())


def test_a_list_of_before() -> None:
    (session,) = harvest(webui, OLD).values()
    assert (said(session, "user"), said(session, "assistant")) == (["Is this an old chat?"], ["It is."])


def test_an_export_is_the_same_session(home: dict[str, Session]) -> None:
    harvested = home[KEY + "1"]
    (imported, _), *_ = pairs("open-webui-export", fixture("open-webui-export") / "chat-export-1767262000000.json")
    assert (imported.id, imported.provider) == (harvested.id, "open-webui")
    assert imported.messages == harvested.messages
    early = codec.dumps(harvested)
    merged = absorb(early, early, codec.dumps(imported))
    assert merged.conflicts == [] and len(codec.loads(merged.data).messages) == len(harvested.messages)


def test_lines_of_objects(tmp_path: Path) -> None:
    objects = json.loads((fixture("open-webui-export") / "chat-export-1767262000000.json").read_bytes())
    path = written(tmp_path / "all-chats-export.jsonl", b"".join(json.dumps(one).encode() + b"\n" for one in objects))
    assert [session.title for session in exported("open-webui-export", path).values()] == ["Tides", "Tides, again"]


def test_an_export_of_others(tmp_path: Path) -> None:
    path = SHARED / "synthetic" / "openwebui_export.json"
    if not path.exists():
        pytest.skip("no files of others here")
    (session,) = exported("open-webui-export", path).values()
    assert said(session, "assistant") == ["Hello"]


def chat(**messages: Any) -> bytes:
    return json.dumps(
        [{"id": "c", "title": "", "chat": {"history": {"messages": messages, "currentId": "z"}}}]
    ).encode()


def test_trees_that_are_none(tmp_path: Path) -> None:
    circle = chat(
        a={"id": "a", "parentId": "b", "role": "user", "content": "one"},
        b={"id": "b", "parentId": "a", "role": "assistant", "content": "two", "childrenIds": ["a", "b", 7]},
        c={"id": "other", "parentId": "gone", "role": "user", "content": "three"},
        d=None,
    )
    ((session, reading),) = pairs("open-webui-export", written(tmp_path / "a.json", circle))
    assert sorted(m.id for m in session.messages) == ["a", "b", "c", "d"]
    (data,) = webui.export(session, reading.attachments.__getitem__).values()
    back, (first,) = json.loads(data), json.loads(circle)
    assert back["chat"]["history"]["messages"] == first["chat"]["history"]["messages"]


DETAILS = (
    '<details type="reasoning">never closed',
    '<details type="x" a=b>odd</details> after',
    "<details " * 3000,
    '<details type="reasoning">\n&gt; a</details>' * 2000,
)


@pytest.mark.parametrize("text", DETAILS)
def test_details_that_are_none(text: str, tmp_path: Path) -> None:
    data = chat(a={"id": "a", "role": "assistant", "content": text})
    ((session, reading),) = pairs("open-webui-export", written(tmp_path / "a.json", data))
    (back,) = webui.export(session, reading.attachments.__getitem__).values()
    assert json.loads(back)["chat"]["history"]["messages"]["a"]["content"] == text


def test_strange_rows(tmp_path: Path) -> None:
    path = build(
        tmp_path / "webui.db",
        """CREATE TABLE chat (id, chat); INSERT INTO chat VALUES ('c', x'00ff'), (NULL, '{}'), ('d', NULL), (7, '[]');
        CREATE TABLE chat_message (id, chat_id, role, content, created_at);
        INSERT INTO chat_message VALUES (NULL, 'c', 'user', 'plain', 'never'), ('m', 'c', 7, NULL, 1),
          ('m', 'c', 'user', '"half', 2), ('n', 'gone', 'assistant', '{"a":1}', 1e99);""",
    )
    reading = read(path)
    assert [problem.reason for problem in reading.problems] == [
        "table chat: 2 rows belong to nothing that is there, and cannot be read",
        "chat c: not a JSON object",
    ]
    assert [(s.id, len(s.messages)) for s in reading.sessions] == [("c", 2), ("gone", 1)]


@pytest.mark.parametrize("chat", ['{"history": {"mess', "[]", "5", '"x"', b"\xff"])
def test_a_chat_that_cannot_be_read_is_named(chat: Any, tmp_path: Path) -> None:
    path = build(tmp_path / "webui.db", "CREATE TABLE chat (id, chat)")
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("INSERT INTO chat VALUES ('c', ?)", (chat,))
    reading = read(path)
    (problem,) = reading.problems
    assert (reading.sessions, problem.reason, problem.fatal) == ([], "chat c: not a JSON object", False)


def test_places(tmp_path: Path) -> None:
    for name in ("one/webui.db", "two/my data.db", ".open-webui/webui.db"):
        build(tmp_path / name, "CREATE TABLE chat (id)")
    variables = {"DATA_DIR": str(tmp_path / "one"), "DATABASE_URL": f"sqlite:///{tmp_path}/two/my%20data.db"}
    assert len(sources(webui, tmp_path, **variables)) == 3
    assert len(sources(webui, tmp_path, DATABASE_URL="postgresql://ana:secret@localhost/webui")) == 1


@pytest.mark.parametrize("listed", [-1, {}, [], [{"id": "b", "role": "user", "content": "x", "n": True}], [None]])
def test_whatever_stands_beside_the_tree_comes_back(listed: Any, tmp_path: Path) -> None:
    tree = json.loads(
        chat(
            a={"id": "a", "role": "user", "content": "x"},
            b={"id": "b", "role": "user", "content": "x", "n": 1},
            c={"id": "c", "role": "assistant", "content": "y", "parentId": "a"},  # below the first, behind the second
        )
    )
    tree[0]["chat"]["messages"] = listed
    ((session, reading),) = pairs("open-webui-export", written(tmp_path / "a.json", tree))
    again = codec.loads(codec.dumps(session))
    (data,) = webui.export(again, reading.attachments.__getitem__).values()
    assert json.dumps(json.loads(data)) == json.dumps(tree[0])


def test_a_chat_without_its_cell_keeps_none(tmp_path: Path) -> None:
    (tmp_path / "webui.db").touch()
    with closing(sqlite3.connect(tmp_path / "webui.db")) as writer, writer:
        writer.executescript(
            """CREATE TABLE chat (id, title, chat); INSERT INTO chat VALUES ('c', 'Rows', NULL);
            CREATE TABLE chat_message (id, chat_id, role, content, created_at);
            INSERT INTO chat_message VALUES ('m', 'c', 'user', 'How many?', 1767261600);"""
        )
    (session,) = OpenWebUI().read(Source("open-webui", "k", tmp_path / "webui.db", "")).sessions
    (given,) = OpenWebUI().export(codec.loads(codec.dumps(session)), {}.__getitem__).values()
    assert json.loads(given)["chat"] == [{"id": "c", "title": "Rows", "chat": None}]
