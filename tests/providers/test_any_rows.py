"""Whatever stands in the rows of a database: it is read, shown, stored and given back."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Provider, Reading, Source
from chasm_git.session import codec
from chasm_git.session.universal import universal
from tests.providers.databases import built, rows_of
from tests.providers.reading import FIXTURES

TABLES = {
    "opencode/v1.18/opencode.db": ("message", "part", "session", "todo"),
    "llm/v0.36/logs.db": ("messages", "parts", "turns", "threads", "fragments", "part_fragments", "attachments"),
    "llm/v0.27/logs.db": ("responses", "tool_calls", "tool_results", "prompt_fragments", "prompt_attachments"),
    "goose/v1.20/sessions.db": ("messages", "sessions"),
    "hermes/database/state.db": ("messages", "sessions"),
    "amazon-q/v1/data.sqlite3": ("conversations",),
    "kiro-cli/v1/data.sqlite3": ("conversations", "conversations_v2"),
    "crush/v1/crush.db": ("messages", "sessions"),
    "copilot-chat-store/v3/session-store.db": ("turns", "sessions", "session_files"),
    "ollama/v18/db.sqlite": ("messages", "tool_calls", "attachments", "chats"),
    "openclaw/database/openclaw-agent.sqlite": ("transcript_events", "session_windows"),
    "open-webui/v0.12/webui.db": ("chat", "chat_message"),
    "anythingllm/v1.8/anythingllm.db": ("workspace_chats",),
}
"""Databases of the fixtures, and the tables of theirs that sessions are made of."""

SPOKEN = {
    "opencode": ("message", "part"),
    "goose": ("messages",),
    "hermes": ("messages",),
    "crush": ("messages",),
    "copilot-chat-store": ("turns",),
    "ollama": ("messages", "tool_calls", "attachments"),
    "llm": ("responses", "turns"),
    "open-webui": ("chat_message",),
    "anythingllm": ("workspace_chats",),
}
"""Tables whose rows are given back, or are named as unread."""

VALUES = st.one_of(
    st.none(),
    st.sampled_from([0, 1, -1, 2**63 - 1, 1e300, float("inf"), 0.5, b"", b"\x00\xff", "", "x", "\x00", "[]", "{}"]),
    st.sampled_from(
        ['{"$base64":"AA=="}', '{"$": "x"}', "[[1],[2]]", '[{"type":[]}]', '{"role":{}}', '"x"', "[" * 600]
    ),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["a", "text", "é\ud83d", "user"])),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["type", "text", "role", "data", "id", "state", "toolCall", "value", "content"]),
                inner,
                max_size=3,
            ),
        ),
        max_leaves=6,
    ).map(json.dumps),
)


def places_in(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for key, item in items for found in places_in(item, (*place, key)))]


def replaced(value: Any, place: tuple[Any, ...], by: Any) -> Any:
    if not place:
        return by
    made = value.copy()
    made[place[0]] = replaced(value[place[0]], place[1:], by)
    return made


def change(data: st.DataObject, stored: Any) -> Any:
    """Another value for a cell: any at all, or its own JSON with something else in it."""
    value = data.draw(VALUES, label="value")
    try:
        parsed = json.loads(stored)
    except (TypeError, ValueError):
        return value
    if not isinstance(parsed, dict | list) or not isinstance(value, str) or data.draw(st.booleans(), label="whole"):
        return value
    try:
        by = json.loads(value)
    except ValueError:
        by = value
    return json.dumps(replaced(parsed, data.draw(st.sampled_from(places_in(parsed)), label="place"), by))


def rows_in(path: Path, table: str) -> set[str]:
    return {json.dumps(row) for row in rows_of(path, table)}


def given_back(provider: Provider, reading: Reading) -> dict[str, set[str]]:
    """The rows of all sessions by table, after these were stored."""
    found: dict[str, set[str]] = {}
    for session in reading.sessions:
        again = codec.loads(codec.dumps(session))
        assert again == session
        given = json.loads(next(iter(provider.export(again, reading.attachments.__getitem__).values())))
        for table, rows in given.items():
            found.setdefault(table, set()).update(map(json.dumps, rows))
    return found


@cache
def _read(client: str, path: Path) -> tuple[int, dict[str, set[str]]]:
    provider = registry.load(client)
    reading = provider.read(Source(client, "k", path, ""))
    return len(reading.sessions), given_back(provider, reading)


def as_it_was(source: Source) -> tuple[int, dict[str, set[str]]]:
    """How many sessions a database of the fixtures holds, and their rows."""
    return _read(source.provider, source.path)


@pytest.mark.parametrize("name", TABLES)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50, deadline=None)
@given(data=st.data())
def test_values_nobody_expects(name: str, data: st.DataObject) -> None:
    client, case, file = name.split("/")
    provider = registry.load(client)
    home = built(FIXTURES / client / case)
    source = next(s for s in provider.discover(Env(home)) if isinstance(s, Source) and s.path.name == file)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copyfile(source.path, Path(folder) / file))
        with closing(sqlite3.connect(path)) as writer, writer:
            for table in TABLES[name]:  # without keys, anything can stand anywhere
                writer.execute(f"ALTER TABLE {table} RENAME TO strict_{table}")
                writer.execute(f"CREATE TABLE {table} AS SELECT * FROM strict_{table}")
            table = data.draw(st.sampled_from(TABLES[name]), label="table")
            cells = writer.execute(f"SELECT rowid, * FROM {table}").fetchall()
            number, *row = data.draw(st.sampled_from(cells), label="row")
            columns = [column[1] for column in writer.execute(f"PRAGMA table_info({table})")]
            at = data.draw(st.integers(0, len(row) - 1), label="column")
            writer.execute(f'UPDATE {table} SET "{columns[at]}" = ? WHERE rowid = ?', (change(data, row[at]), number))
        before = {table: rows_in(path, table) for table in TABLES[name]}
        reading = provider.read(Source(client, "k", path, ""))
        assert not any(problem.fatal for problem in reading.problems)
    told = json.dumps([problem.reason for problem in reading.problems])
    for session in reading.sessions:
        universal(session, reading.attachments.__getitem__)
    given = given_back(provider, reading)
    for table, rows in given.items():
        assert [row for row in rows - before.get(table, rows) if '"$' not in row] == []
    whole, known = as_it_was(source)
    if len(reading.sessions) < whole:
        return
    for table in {*SPOKEN.get(client, ())} & before.keys():
        lost = [
            row
            for row in before.get(table, set()) - given.get(table, set())
            if '"$' not in row and ": Infinity" not in row
        ]
        assert table in told or len(lost) <= len(rows_in(source.path, table) - known.get(table, set())), lost


@pytest.mark.parametrize(
    ("name", "table", "column"),
    [
        ("opencode/v1.18/opencode.db", "message", "session_id"),
        ("opencode/v1.18/opencode.db", "part", "message_id"),
        ("llm/v0.36/logs.db", "turns", "thread_id"),
        ("goose/v1.20/sessions.db", "messages", "session_id"),
        ("hermes/database/state.db", "messages", "session_id"),
        ("crush/v1/crush.db", "messages", "session_id"),
        ("copilot-chat-store/v3/session-store.db", "turns", "session_id"),
        ("ollama/v18/db.sqlite", "messages", "chat_id"),
        ("ollama/v18/db.sqlite", "tool_calls", "message_id"),
        ("openclaw/database/openclaw-agent.sqlite", "transcript_events", "session_id"),
        ("open-webui/v0.12/webui.db", "chat_message", "chat_id"),
    ],
)
def test_rows_that_belong_to_nothing_are_named(name: str, table: str, column: str, tmp_path: Path) -> None:
    client, case, file = name.split("/")
    provider = registry.load(client)
    home = built(FIXTURES / client / case)
    source = next(s for s in provider.discover(Env(home)) if isinstance(s, Source) and s.path.name == file)
    path = Path(shutil.copyfile(source.path, tmp_path / file))
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute(f'CREATE TABLE loose AS SELECT * FROM "{table}"')
        writer.execute(f'DROP TABLE "{table}"')
        writer.execute(f'ALTER TABLE loose RENAME TO "{table}"')
        writer.execute(f'UPDATE "{table}" SET {column} = NULL WHERE rowid = (SELECT min(rowid) FROM "{table}")')
    reading = provider.read(Source(client, "k", path, ""))
    assert reading.sessions
    # what hangs on such a row belongs to nothing either, and is named after it
    problem, *_ = (problem for problem in reading.problems if problem.reason.startswith("table"))
    assert (problem.path, problem.fatal) == (str(path), False)
    assert problem.reason.startswith(f"table {table}: 1 row belongs to nothing")
