"""Sessions of OpenClaw since it keeps them in a database, one for each agent.

::

    transcript_events    an entry of a session in each row, in pi's format: JSON, compressed (zstd) where it is large
    session_windows      a row per session: its model, when it began, who started it
    session_nodes        a row per chat, which goes through many sessions

A message's record is its row, ``{"transcript_events": {…}}``; a compressed entry stands there as ``{"$unpacked": …}``
and is given back as JSON. None of the other tables is read: keys and tokens are among them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem, Reading, Source
from chasm_git.providers.pi import PiLog
from chasm_git.providers.reading import sqlite_copy, table_rows, zstd
from chasm_git.providers.reading.cells import json_cell, says_no_object, stored, value_of
from chasm_git.providers.reading.sqlite_copy import Row, grouped, indexed, order_of, unplaced
from chasm_git.providers.reading.values import as_dict, identity, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import record_id
from chasm_git.session.model import Json, Message, Part, Session
from chasm_git.session.native import unfold
from chasm_git.session.times import iso

NAME = "openclaw-agent.sqlite"
_EVENTS, _WINDOWS, _NODES = "transcript_events", "session_windows", "session_nodes"
_JSON, _PACKED, _UNPACKED = "event_json", "event_zstd", "$unpacked"


def read(path: Path, provider: str) -> Reading:
    """All sessions of a database. Raises OSError."""
    reading = Reading()
    try:
        with sqlite_copy.opened(path, reading.problems) as database:
            events = grouped(database.rows(_EVENTS, (_JSON,)), "session_id")
            windows = indexed(database.rows(_WINDOWS), "session_id")
            nodes = indexed(database.rows(_NODES), "session_key")
    except sqlite_copy.Unreadable as error:
        reading.problems.append(Problem(str(path), str(error)))
        return reading
    placed = {key for key in events if identity(key) is not None}
    reading.problems += unplaced(path, _EVENTS, events, placed)
    for key, rows in events.items():
        if key not in placed:
            continue
        log = Log(path, Session(str(key), provider))
        log.take_rows(sorted(rows, key=lambda row: order_of(row.get("seq"))))
        window = windows.get(key, {})
        log.describe(window, nodes.get(sqlite_copy.key_of(window.get("session_key")), {}), windows, nodes)
        reading.problems += log.problems
        if log.is_conversation:
            log.session.messages = log.builder.messages
            reading.sessions.append(log.session)
            reading.attachments |= log.builder.attachments
    return reading


def is_from_database(session: Session) -> bool:
    """Whether a session stands in a database, not in a file."""
    return "tables" in as_dict(session.native)


def export(session: Session, load: Load) -> dict[str, bytes]:
    """The rows of a session, also of entries that were read from a file. Raises KeyError for a missing attachment."""
    tables = table_rows.of_session(Session(session.id, session.provider, native=session.native), load)
    tables[_EVENTS] = [_row_of(unfold(m, load)) for m in session.messages if m.native is not None]
    return {table_rows.file_name(session): jsonio.dumps(tables)}


def _row_of(record: Any) -> Row:
    row = as_dict(record).get(_EVENTS)
    if type(row) is not dict:
        return {_JSON: jsonio.dumps(record).decode()}
    packed = as_dict(row.get(_PACKED))
    if next(iter(packed), None) == _UNPACKED:
        row = row | {_JSON: packed[_UNPACKED], _PACKED: None}
    return {name: stored(cell) for name, cell in row.items()}


class Log(PiLog):
    """The entries of one session."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self._row: Row = {}

    def take_rows(self, rows: list[Row]) -> None:
        """Take in all rows, in their order."""
        for row in rows:
            entry, self._row = self._entry(row)
            if type(entry) is dict:
                self.take(entry, None)
            else:
                self.keep(self._row, None, id=scoped_id(self.session.id, self._row), time=iso(row.get("created_at")))
        self.finish()

    def _entry(self, row: Row) -> tuple[Json, Row]:
        """What a row says, and the row as it is kept."""
        cell = as_dict(row.get(_PACKED)).get("$base64")
        if type(cell) is not str:
            if says_no_object(row.get(_JSON)):
                reason = f"session {self.session.id}, entry {row.get('seq')}: not a JSON object; kept as it is"
                self.problems.append(Problem(str(self.path), reason, fatal=False))
            return value_of(row.get(_JSON)), row
        try:
            entry = zstd.unpacked(base64.b64decode(cell)).decode()
        except ValueError as error:
            reason = f"session {self.session.id}, entry {row.get('seq')}: {error}; kept as it is"
            self.problems.append(Problem(str(self.path), reason, fatal=False))
            return None, row
        kept = json_cell(entry)
        return value_of(kept), row | {_PACKED: {_UNPACKED: kept}}

    def keep(
        self,
        record: Any,
        line: bytes | None,
        role: str = "event",
        content: str | list[Part] = "",
        *,
        id: str | None = None,
        time: str | None = None,
        **fields: Any,
    ) -> Message:
        """Add the message an entry stands for, under the id it has in a file."""
        if id is None:
            id = record_id(record) if time is not None else scoped_id(self.session.id, record)
        return super().keep({_EVENTS: self._row}, None, role, content, id=id, time=time, **fields)

    def describe(self, window: Row, node: Row, windows: dict[Json, Row], nodes: dict[Json, Row]) -> None:
        """Add what other tables say of the session."""
        session = self.session
        session.id = identity(window.get("session_id")) or session.id
        session.title = session.title or text(window.get("display_name")) or text(node.get("label"))
        session.created_at = session.created_at or iso(window.get("started_at"))
        session.forked_from = session.forked_from or identity(node.get("fork_source_session_id"))
        starter = text(window.get("spawned_by")) or text(window.get("parent_session_key"))
        if starter is not None:
            held = windows.values() if starter not in windows else [windows[starter]]
            session.parent = _session_of(starter, window, list(held)) or identity(
                as_dict(nodes.get(starter)).get("current_session_id")
            )
        rows = {name: row for name, row in ((_WINDOWS, window), (_NODES, node)) if row}
        session.native = table_rows.kept(rows, self.builder.attachments)


def _session_of(chat: str, window: Row, windows: list[Row]) -> str | None:
    """The session a chat was in when another one was started from it."""
    began = order_of(window.get("started_at"))
    before = [row for row in windows if chat in (row.get("session_key"), row.get("session_id"))]
    earlier = [row for row in before if order_of(row.get("started_at")) <= began]
    found = max(earlier or before, key=lambda row: order_of(row.get("started_at")), default={})
    return identity(found.get("session_id"))


def databases(folder: Path, provider: str, key: str) -> Iterator[Source | Problem]:
    """The source of an agent's database; once Python can read what is compressed in it, it counts as changed."""
    for found in sqlite_copy.source(provider, f"{key}/{NAME}", folder / NAME):
        hindrance = "" if zstd.reader() else " packed"
        yield found if isinstance(found, Problem) else replace(found, stamp=found.stamp + hindrance)
