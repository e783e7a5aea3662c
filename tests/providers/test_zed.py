"""The Zed reader: threads of every version, threads that cannot be unpacked, text threads."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Reading
from chasm_git.providers.reading import zstd
from chasm_git.providers.zed import Zed
from chasm_git.session import codec
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, harvest, parts, said, shown, sources

zed = Zed()
KNOWN: dict[str, Any] = json.loads((FIXTURES / "zed" / "threads.json").read_bytes())


def database(home: Path, rows: dict[str, tuple[str, bytes]], **more: str) -> None:
    """A database of threads: kind and data by id, further columns with one value for all."""
    path = home / ".local" / "share" / "zed" / "threads" / "threads.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = "".join(f", {name} TEXT" for name in more)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE threads (id TEXT PRIMARY KEY, summary TEXT NOT NULL, updated_at TEXT NOT NULL,"
            f" data_type TEXT NOT NULL, data BLOB NOT NULL{columns})"
        )
        for key, (kind, data) in rows.items():
            values = (key, "A thread", "2026-01-10T12:00:09Z", kind, data, *more.values())
            connection.execute(f"INSERT INTO threads VALUES ({', '.join('?' * len(values))})", values)


def compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    home = tmp_path_factory.mktemp("zed")
    rows = {name: ("json", compact(value)) for name, value in KNOWN.items()}
    database(home, rows, folder_paths="/home/ana/shop\n/home/ana/lib", created_at="2026-01-10T12:00:00Z")
    return harvest(zed, home)


def read(home: Path) -> Reading:
    (source,) = sources(zed, home)
    return zed.read(source)


def test_a_thread(found: dict[str, Session]) -> None:
    session = found["new"]
    assert (session.title, session.workspace) == ("The cart's total", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:00.000Z"
    assert said(session, "user") == ["Why is the total wrong? "]
    assert [part["uri"] for _, part in parts(session, "reference")] == ["/home/ana/shop/cart.py"]
    (answer,) = [m for m in shown(session) if m["role"] == "assistant"]
    assert answer["content"] == "Let me look.\n\n`cart.py` rounds too early.\n\nDone."
    assert (answer["thinking"], answer["model"]) == (["Rounding, I guess."], "claude-sonnet-4-5")
    assert [(call["name"], call["result"], call["is_error"]) for call in answer["tool_calls"]] == [
        ("read_file", "12:    return round(total)\n", False),
        ("terminal", "Tool canceled by user", True),
    ]
    assert universal(session)["metadata"]["total_tokens"] == {"input": 900, "output": 40}


def test_a_thread_of_before(tmp_path: Path) -> None:
    database(tmp_path, {"old": ("json", compact(KNOWN["old"]))})
    session = harvest(zed, tmp_path)["old"]
    assert (session.title, session.workspace) == ("An old one", "/home/ana/shop")
    assert session.git == {"branch": "main", "commit": "9f1c2d3", "remote": "git@example.org:ana/shop.git"}
    assert (said(session, "user"), said(session, "assistant")) == (["Add a readme"], ["There it is."])
    assert [call["result"] for m in shown(session) for call in m["tool_calls"]] == ["ok"]
    assert universal(session)["metadata"]["total_tokens"] == {"input": 5, "output": 2}


def test_threads_come_back(found: dict[str, Session]) -> None:
    for name, session in found.items():
        again = codec.loads(codec.dumps(session))
        assert again == session
        assert zed.export(again, dict[str, bytes]().__getitem__) == {"thread.json": compact(KNOWN[name])}


def test_an_answer_that_grows_stays_the_same(found: dict[str, Session], tmp_path: Path) -> None:
    cut = json.loads(compact(KNOWN["new"]))
    cut["messages"] = cut["messages"][:2]
    cut["messages"][1]["Agent"]["content"].pop()
    database(tmp_path, {"new": ("json", compact(cut))})
    before = harvest(zed, tmp_path)["new"]
    assert [m.id for m in before.messages] == [m.id for m in found["new"].messages][:2]


@pytest.mark.parametrize("data", [b"\x28\xb5\x2f\xfd", b"no zstd", b""])
def test_a_thread_that_cannot_be_unpacked_is_kept(data: bytes, tmp_path: Path) -> None:
    database(tmp_path, {"a": ("zstd", data), "b": ("json", compact(KNOWN["old"]))})
    reading = read(tmp_path)
    assert [problem.fatal for problem in reading.problems] == [False]
    assert "thread a" in reading.problems[0].reason
    opaque = next(session for session in reading.sessions if session.id == "a")
    assert (opaque.title, opaque.messages) == ("A thread", [])
    assert codec.loads(codec.dumps(opaque)) == opaque
    assert zed.export(opaque, reading.attachments.__getitem__) == {"thread.zst": data}


def test_compressed_threads(tmp_path: Path) -> None:
    if zstd.reader() is None:
        pytest.skip("this Python cannot read zstd")
    packed = subprocess.run(["zstd", "-c"], input=compact(KNOWN["new"]), capture_output=True, check=True).stdout
    database(tmp_path, {"new": ("zstd", packed)})
    assert said(harvest(zed, tmp_path)["new"], "user") == ["Why is the total wrong? "]


def test_rows_that_are_something_else(tmp_path: Path) -> None:
    odd: list[Any] = [[], {}, {"messages": [None, 5, "Resume", {"User": 5}, {"Agent": {"content": {}}}]}, 5, "x"]
    database(tmp_path, {f"t{n}": ("json", compact(value)) for n, value in enumerate(odd)} | {"\n": ("json", b"{}")})
    reading = read(tmp_path)
    assert {problem.fatal for problem in reading.problems} == {False}
    by_id = {session.id: session for session in reading.sessions}
    assert sorted(by_id) == ["t0", "t2", "t3", "t4"]
    assert json.loads(zed.export(by_id["t2"], reading.attachments.__getitem__)["thread.json"]) == odd[2]


def test_files_that_are_no_database(tmp_path: Path) -> None:
    path = tmp_path / ".local" / "share" / "zed" / "threads" / "threads.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database" * 200)
    assert [problem.fatal for problem in read(tmp_path).problems] == [True]


def test_text_threads() -> None:
    found = harvest(zed, FIXTURES / "zed" / "texts")
    session = found.pop("2f0e3a52-0000-4000-8000-000000000001")
    assert session.title == "Greetings"
    assert [(m.role, m.content, m.status) for m in session.messages[:3]] == [
        ("user", "Say hi ✨", None),
        ("assistant", "Hi.", None),
        ("user", "And again", None),
    ]
    assert [m["error"] for m in shown(session) if "error" in m] == ["overloaded"]
    ((older),) = found.values()
    assert (older.title, [m.status for m in older.messages]) == ("Older", [None, "interrupted"])


@pytest.mark.parametrize(
    "about",
    [{}, {"messages": {"0": []}}, {"messages": [7]}, {"messages": [{"id": 1, "start": 0}], "message_metadata": 5}],
)
def test_a_text_of_nobody_is_kept(about: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / ".local/share/zed/conversations/Notes.zed.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(compact({"text": "Why is the sky blue?", "summary": "Sky"} | about))
    reading = read(tmp_path)
    (session,) = reading.sessions
    assert [(m.role, m.content) for m in session.messages if m.content] == [("event", "Why is the sky blue?")]
    (problem,) = reading.problems
    assert (problem.path, problem.fatal) == (str(path), False)
    ((_, data),) = zed.export(session, reading.attachments.__getitem__).items()
    assert data == path.read_bytes()
