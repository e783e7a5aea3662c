"""Whatever stands in the rows of a database: it is read, shown, stored and given back."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Source
from chasm_git.session import codec
from chasm_git.session.universal import universal
from tests.providers.databases import built, rows_of
from tests.providers.reading import FIXTURES

TABLES = {
    "opencode/v1.18/opencode.db": ("message", "part", "session", "todo"),
    "llm/v0.36/logs.db": ("messages", "parts", "turns", "threads", "fragments", "part_fragments", "attachments"),
    "llm/v0.27/logs.db": ("responses", "tool_calls", "tool_results", "prompt_fragments", "prompt_attachments"),
    "goose/v1.20/sessions.db": ("messages", "sessions"),
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
        before = {table: {json.dumps(row) for row in rows_of(path, table)} for table in TABLES[name]}
        reading = provider.read(Source(client, "k", path, ""))
        assert reading.problems == []
    load = reading.attachments.__getitem__
    for session in reading.sessions:
        again = codec.loads(codec.dumps(session))
        assert again == session
        universal(session, load)
        given = json.loads(next(iter(provider.export(again, load).values())))
        for table, rows in given.items():
            for row in rows:
                assert table not in before or json.dumps(row) in before[table] or '"$' in json.dumps(row)
