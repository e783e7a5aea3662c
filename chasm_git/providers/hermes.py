"""Hermes: a database with all sessions, and before it (or besides, where asked for) a file for each.

::

    <home>/state.db                        sessions, messages (SQLite, WAL)
    <home>/sessions/session_<id>.json      a session as one object, written anew on each change
    <home>/sessions/<id>.jsonl             a session of its gateway, a row for each message

``<home>`` is ``$HERMES_HOME``, else ``~/.hermes``; each of ``<home>/profiles/<name>`` is such a home, too. A session
that is in the database is read there alone. The numbers of its rows change when Hermes writes a session anew, and files
have none: a message is known by its role, its text and its calls, which are the same in all three.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.hermes_message import SESSION_META, about, fields_of, key_of
from chasm_git.providers.reading import document, folders, jsonl, sqlite_copy, table_rows
from chasm_git.providers.reading.cells import value_of
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.sqlite_copy import Row, grouped, indexed, order_of, unplaced
from chasm_git.providers.reading.taken_over import TakenOver, id_of
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, identity, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Session
from chasm_git.session.times import iso

_DATABASE = "state.db"
_MESSAGES = "messages"
_FILE = re.compile(r"session_.+\.json|.+\.jsonl")
_SAFE = re.compile(r"[A-Za-z0-9_-][^/\\\0]{0,240}\.jsonl?")
_SESSION_JSON = ("model_config",)
_MESSAGE_JSON = ("tool_calls", "reasoning_details", "codex_reasoning_items", "codex_message_items")
_CONTINUES = frozenset({"compression", "branched"})
"""How a session ended that another one goes on from."""
_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


def _spoken_in(row: Row) -> str | None:
    """The id of a session of the database, unless it is known that nothing of it was written there."""
    return id_of(row) if row.get("message_count") != 0 else None


class Hermes(Provider):
    """Sessions of the Hermes agent, of its command line and of its gateway to messengers."""

    name = "hermes"
    title = "Hermes"
    note = "state.db, and session files before it, in ~/.hermes and its profiles (HERMES_HOME)"

    def __init__(self) -> None:
        self._taken_over = TakenOver("sessions", _spoken_in)

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The database, then the files; then those of each profile. See `Provider.discover`."""
        faults: list[Problem] = []
        home = env.folder("HERMES_HOME", ".hermes")
        profiles = folders.folders(home / "profiles", faults)
        homes = [("", home), *((f"profiles/{entry.name}/", Path(entry.path)) for entry in profiles)]
        for mark, place in homes:
            databases = list(sqlite_copy.source(self.name, mark + _DATABASE, place / _DATABASE))
            yield from databases
            extra = str(place / _DATABASE) if databases else None
            for entry in folders.listed(place / "sessions", faults):
                if _FILE.fullmatch(entry.name) and folders.is_file(entry):
                    yield from folders.source(self.name, mark + entry.name, entry, faults, extra=extra)
        yield from faults

    def read(self, source: Source) -> Reading:
        """All sessions of the database, or the one of a file. See `Provider.read`."""
        path = source.path
        if path.suffix == ".db":
            return _database(path)
        known = self._taken_over.ids(source.extra)
        if path.suffix == ".jsonl":
            return Reading() if path.stem in known else _Log(path, Session(path.stem, self.name)).reading()
        try:
            value = document.load(path.read_bytes())
        except ValueError as error:
            return Reading(problems=[Problem(str(path), str(error))])
        session = Session(identity(value.get("session_id")) or path.stem.removeprefix("session_"), self.name)
        return Reading() if session.id in known else _document(value, session, path)

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`."""
        return 0.95 if {"session_id", "session_start", _MESSAGES} <= shape_of(sample).top else 0.0

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The file of a session; of one that was in the database, its rows. See `Provider.export`."""
        native = as_dict(session.native)
        name = native.get("name")
        if type(name) is not str or not _SAFE.fullmatch(name):
            return table_rows.export(session, load)
        if "messages_at" in native:
            return {name: document.given_back(session, _MESSAGES, load)}
        return {name: jsonl.export(session, load)}


def _document(value: dict[str, Any], session: Session, path: Path) -> Reading:
    """The session of a file that is one object."""
    builder, problems = Builder(), list[Problem]()
    model = text(value.get("model"))
    for item in document.listed(value, _MESSAGES, path, problems):
        message = as_dict(item)
        fields = fields_of(message, model)
        key = key_of(session.id, message)
        builder.message(item, id=key, timestamp=iso(message.get("timestamp")), line=document.line_of(item), **fields)
    if not any(message.role in ("user", "assistant") for message in builder.messages):
        return Reading(problems=problems or document.not_understood(builder.messages, path))
    about(session, value, value.get("model_config"))
    session.created_at = iso(value.get("session_start"))
    session.native = {"name": path.name} | document.kept(value, _MESSAGES, builder.attachments)
    session.messages = builder.messages
    return Reading([session], builder.attachments)


class _Log(Transcript):
    """The rows of a session of the gateway."""

    _model: str | None = None

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what a row says."""
        if record.get("role") == SESSION_META:
            self._model = text(record.get("model")) or self._model
            about(self.session, record, record.get("model_config"))
        fields = fields_of(record, self._model)
        self.keep(record, line, id=key_of(self.session.id, record), time=iso(record.get("timestamp")), **fields)

    def finish(self) -> None:
        self.native["name"] = self.path.name


def _database(path: Path) -> Reading:
    """All sessions of a database in which anything was written."""
    reading = Reading()
    try:
        with sqlite_copy.opened(path, reading.problems) as database:
            sessions = indexed(database.rows("sessions", _SESSION_JSON))
            messages = grouped(database.rows("messages", _MESSAGE_JSON), "session_id")
    except sqlite_copy.Unreadable as error:
        reading.problems.append(Problem(str(path), str(error)))
        return reading
    reading.problems += unplaced(path, "messages", messages)
    for key, rows in messages.items():
        if type(key) is str and key:
            row = sessions.get(key, {})
            reading.sessions.append(_session(key, row, sessions.get(_above(row), {}), rows, reading))
    return reading


def _above(row: Row) -> str | None:
    return text(row.get("parent_session_id"))


def _session(key: str, row: Row, above: Row, messages: list[Row], reading: Reading) -> Session:
    session, builder = Session(key, Hermes.name), Builder()
    model = text(row.get("model"))
    for stored in sorted(messages, key=lambda one: order_of(one.get("timestamp"), one.get("id"))):
        message = stored | {name: value_of(stored.get(name)) for name in _MESSAGE_JSON}
        fields = fields_of(message, model)
        if stored.get("active") == 0:
            fields["inactive"] = True
        builder.message({"messages": stored}, id=key_of(key, message), timestamp=iso(stored.get("timestamp")), **fields)
    usage: dict[str, Json] = {name: row[name] for name in _COUNTS if type(row.get(name)) is int and row[name]}
    if usage:  # of all answers together: what they are of one answer is nowhere
        builder.message(None, id="usage", role="event", usage=usage)
    about(session, row, value_of(row.get("model_config")))
    session.title = text(row.get("title"))
    session.created_at = iso(row.get("started_at")) or next(
        (m.timestamp for m in builder.messages if m.timestamp), None
    )
    ended = iso(above.get("ended_at")) or ""  # what was sent out before that is a sub-agent
    if text(above.get("end_reason")) in _CONTINUES and (iso(row.get("started_at")) or "") >= ended:
        session.forked_from = _above(row)
    else:
        session.parent = _above(row)
    if row:
        session.native = table_rows.kept({"sessions": row}, builder.attachments)
    session.messages = builder.messages
    reading.attachments.update(builder.attachments)
    return session
