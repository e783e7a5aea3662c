"""A home with a VS Code in it that has a workspace, for tests of what is written there."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env
from chasm_git.providers.writers.vscode_index import KEY
from chasm_git.providers.writers.vscode_workspaces import Store, store_for, workspace_json
from chasm_git.session import jsonio

OTHER_KEYS = {"memento/interactive-session": '{"history":{"copilot":[]}}', "workbench.panel.alignment": b"center"}


def home_of(folder: Path, editor: str = "Code") -> Env:
    """A home with an editor that was started, and a folder ``shop``."""
    (folder / "shop").mkdir(parents=True, exist_ok=True)
    (folder / ".config" / editor / "User" / "globalStorage").mkdir(parents=True)
    return Env(folder)


def opened(env: Env, **sessions: Any) -> Store:
    """The store of ``shop``, once the editor has opened it, with these session files in it (bytes or an object)."""
    store = store_for(env, str(env.home / "shop"))
    store.sessions.mkdir(parents=True, exist_ok=True)
    said = workspace_json(store)
    if said is not None:
        said[0].write_bytes(said[1])
    for name, content in sessions.items():
        put(store, name, content)
    return store


def put(store: Store, name: str, content: Any) -> Path:
    """A session file: of bytes a log, of an object the object."""
    path = store.sessions / (name + (".jsonl" if isinstance(content, bytes) else ".json"))
    path.write_bytes(content if isinstance(content, bytes) else jsonio.dumps(content))
    return path


def fill(store: Store, index: str | bytes | None) -> None:
    """Make the database as the editor makes it, with the text of an index in it."""
    with closing(sqlite3.connect(store.database)) as database, database:
        database.execute("PRAGMA user_version = 1")
        database.execute("CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
        rows = [*OTHER_KEYS.items(), *([(KEY, index)] if index is not None else [])]
        database.executemany("INSERT INTO ItemTable VALUES (?, ?)", rows)


def rows(path: Path) -> dict[str, Any]:
    """All rows of a database."""
    with closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT key, value FROM ItemTable"))


def listed(store: Store) -> dict[str, Any]:
    """The entries of a store's index."""
    value = rows(store.database)[KEY]
    index = json.loads(value)
    assert index["version"] == 1
    entries: dict[str, Any] = index["entries"]
    return entries
