"""Where Cline, Roo Code and Kilo Code list their tasks, and how one comes into the list.

::

    <storage>/state/taskHistory.json              Cline: a list of all tasks
    <storage>/tasks/<task>/history_item.json      Roo Code: each task says it of itself; ``_index.json`` repeats it
    <user>/globalStorage/state.vscdb              all of them before that: a list in the extension's own state

The database is written only where an extension's list is in it and nowhere else: newer versions have taken it over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chasm_git.providers.formats.vscode_places import DATABASE
from chasm_git.providers.writers import vscode_index as index
from chasm_git.providers.writers.vscode_index import Present
from chasm_git.providers.writing.applying import rows_of
from chasm_git.providers.writing.contract import INDEX, FileChange, WritePlan
from chasm_git.providers.writing.lists import add_to_list, with_entries
from chasm_git.session import jsonio
from chasm_git.session.model import Json

ABOUT = "history_item.json"
_HISTORY = "state/taskHistory.json"
_REPEATED = "tasks/_index.json"
_TASKS = "taskHistory"


@dataclass(frozen=True, slots=True)
class Storage:
    """Where an extension, or the terminal agent made from it, keeps tasks."""

    path: Path
    user: Path | None = None
    """The editor's ``User`` folder; None = a terminal agent's."""

    @property
    def state(self) -> Path | None:
        """The database with the states of the editor's extensions."""
        return self.user / "globalStorage" / DATABASE if self.user is not None else None


def add_to_lists(plan: WritePlan, storage: Storage, entries: Sequence[dict[str, Json]], *, is_in_task: bool) -> None:
    """Plan that tasks are listed, where their client looks. Raises OSError.

    Args:
        entries: what a list says of each task.
        is_in_task: their client is one whose tasks say it of themselves.
    """
    listed = storage.path / (_REPEATED if is_in_task else _HISTORY)
    if not listed.exists() and _is_in_state(plan, storage, entries):
        return
    if not is_in_task:
        add_to_list(plan, listed, "id", *entries)
        return
    for entry in entries:
        about = storage.path / "tasks" / entry["id"] / ABOUT
        if not about.exists() and all(change.path != about for change in plan.changes):
            plan.changes.append(FileChange(about, jsonio.dumps(entry), None, INDEX))


def _is_in_state(plan: WritePlan, storage: Storage, entries: Sequence[dict[str, Json]]) -> bool:
    """Whether the list stands in the extension's state; then the tasks come into it."""
    database = storage.state
    if database is None or not database.is_file():
        return False
    query = "SELECT key, typeof(value), CAST(value AS BLOB) FROM ItemTable WHERE lower(key) = ?"
    try:
        (rows,) = rows_of(database, (query, (storage.path.name.lower(),)))
    except sqlite3.Error as error:
        plan.notes.append(f"{database.name} cannot be read, and was left alone: {error}")
        return False
    for key, kind, data in rows:
        try:
            text = bytes(data or b"").decode()
            start, end = index.span(text, _TASKS)
            grown = with_entries(text[start:end].encode(), "id", entries)
        except (ValueError, KeyError):  # an extension that keeps its list somewhere else
            continue
        if grown is not None:
            present, new = Present(row=(kind, data)), text[:start] + grown.decode() + text[end:]
            plan.changes.append(index.change(database, present, new, INDEX, key))
        return True
    return False
