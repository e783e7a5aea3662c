"""Rows of opencode's database: what is there of a session, and what is to stand there.

Only into tables whose columns we know: each column of a row must be there, and each that must be filled must be filled.
"""

from __future__ import annotations

import base64
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from chasm_git.providers import registry
from chasm_git.providers.reading import table_rows
from chasm_git.providers.reading.sqlite_copy import Row
from chasm_git.providers.writers._opencode_new import Made
from chasm_git.providers.writing import readback
from chasm_git.providers.writing.applying import rows_of
from chasm_git.providers.writing.contract import Expected, Query, RowsChange, Standing, Target, WritePlan
from chasm_git.providers.writing.restoring import given_up
from chasm_git.session import jsonio
from chasm_git.session.model import Session

_OWN = ("message", "part", "todo", "session_input", "session_message")
"""Tables with rows of one session, by ``session_id``; children before what they hang on is not needed in one go."""
_GLOBAL = "global"


def restore(plan: WritePlan, session: Session, target: Target, database: Path) -> None:
    """Plan the rows of a session as they were. Raises KeyError where an attachment is missing."""
    ours = readback.records(session, target.load)
    found = readback.held(registry.load(plan.provider), plan.env, database, session.id)
    plan.standing = readback.standing(readback.records(*found) if found is not None else None, ours)
    plan.expected.append(Expected(session.id, database, ours))
    plan.left_out = given_up(session)
    if plan.standing is Standing.SAME:
        return
    rows = table_rows.of_session(session, target.load)
    own = rows.get("session", [])
    if len(own) != 1 or own[0].get("id") != session.id or not set(rows) <= {"session", *_OWN}:
        plan.refused = f"{session.id} is not kept as {plan.provider} keeps sessions"
        return
    if any(row.get("session_id") != session.id for table in _OWN for row in rows.get(table, ())):
        plan.refused = f"{session.id} has rows of another session"
        return
    if plan.folder is not None and plan.folder != session.workspace:
        own[0]["directory"] = plan.folder
    _plan_rows(plan, database, rows)


def insert(plan: WritePlan, made: Made, database: Path, said: Counter[tuple[str, ...]]) -> None:
    """Plan the rows of a converted session."""
    plan.expected.append(Expected(plan.session_id, database, None, said))
    info = made.info
    begun, ended = info["time"]["created"], info["time"]["updated"]
    rows: dict[str, list[Row]] = {
        "session": [
            {
                "id": plan.session_id,
                "project_id": _GLOBAL,
                "slug": info["slug"],
                "directory": plan.folder,
                "title": info["title"],
                "version": info["version"],
                "time_created": begun,
                "time_updated": ended,
            }
        ],
        "message": [],
        "part": [],
    }
    for message, parts in made.messages:
        time = message["time"]["created"]
        common = {"session_id": plan.session_id, "time_created": time, "time_updated": time}
        rows["message"].append({"id": message["id"], **common, "data": _data(message)})
        for part in parts:
            of = {"id": part["id"], "message_id": message["id"]}
            rows["part"].append({**of, **common, "data": _data(part)})
    found = readback.held(registry.load(plan.provider), plan.env, database, plan.session_id)
    if found is not None:
        plan.standing = Standing.SAME  # a copy made before, perhaps gone on with
        return
    _plan_rows(plan, database, rows, optional=frozenset({"slug", "version"}))


def _data(value: dict[str, Any]) -> str:
    """An object as the database holds it: without the ids that have columns of their own."""
    kept = {key: item for key, item in value.items() if key not in ("id", "sessionID", "messageID")}
    return jsonio.dumps(kept).decode()


def _plan_rows(
    plan: WritePlan, database: Path, rows: dict[str, list[Row]], *, optional: frozenset[str] = frozenset()
) -> None:
    """Plan that a session's rows stand there, in the place of those it has.

    Args:
        optional: columns of the session that some versions do not have.
    """
    key = plan.session_id
    try:
        store = _Store(database)
        there = {column[1] for column in store.columns("session")}
        rows["session"] = [
            {name: value for name, value in row.items() if name in there or name not in optional}
            for row in rows["session"]
        ]
        project, no_project = store.project(plan, rows["session"][0])
        places = [(table, "session_id" if table in _OWN else "id") for table in ("session", *_OWN)]
        places = [(table, column) for table, column in places if store.columns(table)]
        held = {table: store.rows(table, column, key) for table, column in places}
        expected = [
            (store.query(table, column, key), [tuple(row.values()) for row in held[table]]) for table, column in places
        ]
        deletes: list[Query] = [(f"DELETE FROM {table} WHERE {column} = ?", (key,)) for table, column in places]
        inserts = [store.insert(table, row) for table in ("session", *_OWN) for row in rows.get(table, ())]
        before = [store.insert(table, row) for table, listed in held.items() for row in listed]
    except _Unknown as error:
        plan.refused = f"{database.name} is of a kind we do not know ({error}): nothing is written into it"
        return
    except sqlite3.Error as error:
        plan.refused = f"{database.name} cannot be read: {error}"
        return
    undo = (*deletes, *before, *no_project)
    plan.changes.append(RowsChange(database, (*project, *deletes, *inserts), tuple(expected), undo))


class _Unknown(Exception):
    """A table is not what we know; says what of it."""


class _Store:
    """The database as it stands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._columns: dict[str, list[tuple[Any, ...]]] = {}

    def columns(self, table: str) -> list[tuple[Any, ...]]:
        """What SQLite says of a table's columns; nothing of one that is not there."""
        if table not in self._columns:
            (self._columns[table],) = rows_of(self._path, (f"PRAGMA table_info({table})", ()))
        return self._columns[table]

    def query(self, table: str, column: str, value: str) -> Query:
        """What gives the rows of a table that have a value."""
        quoted = ", ".join(f'"{item[1]}"' for item in self.columns(table))
        return f"SELECT {quoted} FROM {table} WHERE {column} = ?", (value,)

    def rows(self, table: str, column: str, value: str) -> list[Row]:
        """The rows of a table that have a value."""
        (found,) = rows_of(self._path, self.query(table, column, value))
        return [dict(zip((item[1] for item in self.columns(table)), row, strict=True)) for row in found]

    def insert(self, table: str, row: Row) -> Query:
        """The statement that adds a row. Raises _Unknown."""
        columns = self.columns(table)
        there = {item[1] for item in columns}
        if missing := sorted(row.keys() - there):
            raise _Unknown(f"{table} has no column {', '.join(missing)}")
        for _, name, _, required, default, is_key in columns:
            if required and not is_key and default is None and row.get(name) is None:
                raise _Unknown(f"{table}.{name} must be filled")
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        return f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(_cell(value) for value in row.values())

    def project(self, plan: WritePlan, session: Row) -> tuple[list[Query], list[Query]]:
        """Give the session's row a project that is there: its own, the folder's, or the one for all other folders.

        Returns:
            What makes it where it is not there, and what takes it back.
        """
        there = {item[1] for item in self.columns("project")}
        if not there:
            return [], []
        if plan.is_converted and "worktree" in there and (found := self.rows("project", "worktree", plan.folder or "")):
            session["project_id"] = found[0]["id"]
        key = session["project_id"]
        if self.rows("project", "id", str(key)):
            return [], []
        worktree = "/" if key == _GLOBAL else plan.folder or "/"
        times = {"time_created": session["time_created"], "time_updated": session["time_created"]}
        row = {"id": key, "worktree": worktree, "sandboxes": "[]", **times}
        unused = "DELETE FROM project WHERE id = ? AND NOT EXISTS (SELECT 1 FROM session WHERE project_id = ?)"
        return [self.insert("project", {name: value for name, value in row.items() if name in there})], [
            (unused, (key, key))
        ]


def _cell(value: Any) -> Any:
    """A cell as SQLite takes it. Raises _Unknown for what a database of the client cannot hold."""
    if type(value) is dict and len(value) == 1:
        mark, inner = next(iter(value.items()))
        if mark == "$base64":
            return base64.b64decode(inner)
        if mark == "$real":
            return float(inner)
        raise _Unknown("a text that is not UTF-8")
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Unknown("a text that UTF-8 cannot hold") from None
    return value
