"""Where the names of Codex's sessions come from, and that looking for them changes nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Reading
from chasm_git.providers.codex import Codex
from tests.providers.codex_case import ID, META, harvest, lay, only, row, said, sources


@pytest.fixture
def state(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A client's database with a client that has it open: what was written last is in the log only."""
    (tmp_path / ".codex").mkdir()
    connection = sqlite3.connect(tmp_path / ".codex/state_5.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE threads (id TEXT PRIMARY KEY, title TEXT, first_user_message TEXT, name TEXT)")
    yield connection
    connection.close()


def folder_bytes(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


@pytest.mark.parametrize(
    ("title", "prompt", "name", "expected"),
    [
        ("hi", "hi", None, None),
        ("please do\n this", "please  do this", None, None),
        ("a long prompt…", "a long prompt that goes on", None, None),
        ("Greeting", "hi", None, "Greeting"),
        ("hi", "hi", "Greeting", "Greeting"),
        ("hi", "hi", "hi", "hi"),
        (b"\xff", None, None, None),
    ],
)
def test_name_from_the_database(
    tmp_path: Path, state: sqlite3.Connection, title: Any, prompt: Any, name: Any, expected: str | None
) -> None:
    state.execute("INSERT INTO threads VALUES (?, ?, ?, ?)", (ID, title, prompt, name))
    lay(tmp_path, "sessions")
    before = folder_bytes(tmp_path / ".codex")
    assert before["state_5.sqlite-wal"]
    assert harvest(tmp_path)[ID].title == expected
    assert folder_bytes(tmp_path / ".codex") == before


def test_database_of_the_newest_client(tmp_path: Path, state: sqlite3.Connection) -> None:
    lay(tmp_path, "sessions")
    state.execute("INSERT INTO threads VALUES ('x', '', '', CAST(X'FF' AS TEXT)), (?, '', '', 'five')", (ID,))
    assert harvest(tmp_path)[ID].title == "five"
    for number in (3, 7, 12, 4, 6, 8):
        with sqlite3.connect(tmp_path / f".codex/state_{number}.sqlite") as other:
            other.execute("CREATE TABLE threads (id TEXT, name TEXT)")  # the columns are not always the same
            other.execute("INSERT INTO threads VALUES (?, ?)", (ID, f"number {number}"))
    assert harvest(tmp_path)[ID].title == "number 12"


def test_names_are_read_again_when_they_change(tmp_path: Path, state: sqlite3.Connection) -> None:
    lay(tmp_path, "sessions")
    reader = Codex()
    (source,) = sources(tmp_path, reader)
    assert only(reader.read(source)).title is None
    state.execute("INSERT INTO threads VALUES (?, 'hi', 'hi', 'Greeting')", (ID,))
    assert only(reader.read(source)).title == "Greeting"
    state.close()
    for file in (tmp_path / ".codex").glob("state_5.sqlite*"):
        file.write_bytes(b"not a database" * 100)
    reading = reader.read(source)
    assert only(reading).title == "Greeting"  # trouble with the database takes no name away
    (problem,) = reading.problems
    assert not problem.fatal
    assert problem.path.endswith("state_5.sqlite")
    assert reader.read(source).problems == []  # said once


def test_database_is_not_touched_without_need(tmp_path: Path) -> None:
    path = lay(tmp_path, "sessions", META)
    (tmp_path / ".codex/state_5.sqlite").write_bytes(b"not a database")
    reader = Codex()
    (source,) = sources(tmp_path, reader)
    assert reader.read(source) == Reading()  # no conversation, nobody to name
    path.write_bytes(META + said("user", "hi"))
    assert [problem.fatal for problem in reader.read(source).problems] == [False]


def test_latest_name_counts(tmp_path: Path) -> None:
    event = {"type": "thread_name_updated", "thread_id": ID, "thread_name": "in the rollout"}
    foreign = event | {"thread_id": "another", "thread_name": "of the parent"}
    lay(tmp_path, "sessions", META + said("user", "hi") + row("event_msg", event) + row("event_msg", foreign))
    assert harvest(tmp_path)[ID].title == "in the rollout"
    index = tmp_path / ".codex/session_index.jsonl"
    for moment, expected in (("2025-12-31", "in the rollout"), ("2026-01-02", "in the index")):
        entry = {"id": ID, "thread_name": " in the index ", "updated_at": f"{moment}T00:00:00Z"}
        index.write_bytes(json.dumps(entry).encode() + b"\n[]\ntorn")
        assert harvest(tmp_path)[ID].title == expected
