"""Databases in which clients list sessions that are files: the archive has all they say, but for what is named here."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Source
from chasm_git.session import codec
from tests.conftest import SHARED

OWNERS = ("session_id", "thread_id", "root_session_id", "child_thread_id", "id")
"""Columns that say whose a row is."""

LISTS: dict[tuple[str, str], dict[str, set[str]]] = {
    ("cline-3.0.65", ".cline/data/db/sessions.db"): {
        # of a process, and of a sub-agent's, which has no file about itself: when and as which it ran
        "sessions": {"updated_at", "messages_path", "team_name", "conversation_id", "parent_agent_id"}
        | {"started_at", "ended_at", "status"},
        "subagent_spawn_queue": {"created_at", "parent_agent_id"},
    },
    ("copilot-cli-1.0.102", ".copilot/session-store.db"): {
        "sessions": {"updated_at"},
        "turns": {"timestamp"},
        "session_files": {"first_seen_at"},
        "assistant_usage_events": {"created_at"},
        "search_index": {"source_id"},  # the row of another table
        "search_index_content": {"c3"},
    },
    ("codex-0.169.0", ".codex/state_5.sqlite"): {
        "threads": {"rollout_path", "preview"},
        "thread_read_receipts": {"revision"},
    },
    ("codex-0.169.0", ".codex/thread_history_1.sqlite"): {},
}
"""What the archive lacks: columns of texts, by client, database and table. Numbers are the client's own: row numbers,
places in files, versions, and times in another form."""

APPS_OWN = re.compile(r"/bin/bash -lc .*|[a-z]+(?:[A-Z][a-z]+)*", re.DOTALL)
"""How Codex's app says what a rollout says: names of kinds and states, and a command with the shell in front of it."""


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str) and value:
        yield value


def parsed(cell: str) -> Any:
    """The value of a cell that holds JSON, else the text."""
    try:
        return json.loads(cell) if cell[:1] in ("{", "[") else cell
    except ValueError:
        return cell


def archived(client: str, home: Path) -> dict[str, str]:
    """All that the archive says of each session, as text: its file, and the files it gives back."""
    provider = registry.load(client)
    found: dict[str, str] = {}
    for source in provider.discover(Env(home)):
        assert isinstance(source, Source)
        reading = provider.read(source)
        for session in reading.sessions:
            again = codec.loads(codec.dumps(session))
            files = provider.export(again, reading.attachments.__getitem__).values()
            values = [parsed(line) for data in files for line in [data.decode(), *data.decode().splitlines()]]
            own = [session.id, session.title, session.workspace, session.created_at, session.parent, session.git]
            found[session.id] = "\n".join([*texts_in(values), *texts_in(own), *map(str, values)])
    return found


@pytest.mark.parametrize(("client", "place"), LISTS)
def test_rows_of_sessions(client: str, place: str, tmp_path: Path) -> None:
    home = SHARED / "realdata" / client / "home"
    if not home.is_dir():
        pytest.skip("no client data beside the checkout")
    for suffix in ("", "-wal"):
        if (home / (place + suffix)).exists():
            shutil.copyfile(home / (place + suffix), tmp_path / f"copy.db{suffix}")
    said = archived(client.rpartition("-")[0], home)
    lacking: dict[str, set[str]] = {}
    rows = 0
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.row_factory = sqlite3.Row
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in map(dict, connection.execute(f'SELECT * FROM "{table}"')):
                owner = next((row[name] for name in (*OWNERS, "c1") if row.get(name) in said), None)
                rows += owner is not None
                for column, cell in row.items() if owner is not None else ():
                    texts = set(texts_in(parsed(cell))) if isinstance(cell, str) else set()
                    if client.startswith("codex"):
                        texts = {text for text in texts if not APPS_OWN.fullmatch(text)}
                    if any(not is_said(text, said[owner]) for text in texts):
                        lacking.setdefault(table, set()).add(column)
    assert rows > 5 and lacking == LISTS[client, place]


def is_said(text: str, there: str) -> bool:
    return all(line.strip() in there for line in text.splitlines())
