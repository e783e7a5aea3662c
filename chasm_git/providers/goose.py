"""Goose: a database with all sessions, and before 1.10 a JSON-lines file for each.

::

    <data>/sessions/sessions.db        sessions, messages (SQLite, WAL)
    <data>/sessions/<name>.jsonl       a row about the session, then a row for each message

``<data>`` is ``$GOOSE_PATH_ROOT/data``, else ``goose`` below the data folder of the platform. Goose counts sessions per
machine and day, so its id alone would mix up those of two machines: the time the session was made is part of ours.
Compacting or editing deletes all messages of a session and inserts them again, so the number of a row says nothing: a
message is known by its own id (later versions), or by its role, time and content.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.goose_content import fields_of
from chasm_git.providers.reading import folders, jsonl, sqlite_copy, table_rows
from chasm_git.providers.reading.cells import value_of
from chasm_git.providers.reading.sqlite_copy import Row, grouped, indexed, order_of, unplaced
from chasm_git.providers.reading.taken_over import TakenOver
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, identity, scoped_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Session
from chasm_git.session.times import iso

_DATABASE = "sessions.db"
_SESSION_JSON = ("extension_data", "recipe_json", "user_recipe_values_json", "model_config_json")
_MESSAGE_JSON = ("content_json", "metadata_json")
_BY_TIME = re.compile(r"\d{8}_\d{6}")
"""Names that Goose gave by the second."""


class Goose(Provider):
    """Sessions of Goose, of its command line and its desktop app."""

    name = "goose"
    title = "Goose"
    note = "sessions.db, and the .jsonl files before it (GOOSE_PATH_ROOT)"

    def __init__(self) -> None:
        self._taken_over = TakenOver("sessions")

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The database, then the files. See `Provider.discover`."""
        faults: list[Problem] = []
        place = _data(env) / "sessions"
        databases = list(sqlite_copy.source(self.name, _DATABASE, place / _DATABASE))
        yield from databases
        extra = str(place / _DATABASE) if databases else None
        for folder, prefix in ((place, ""), (env.home / ".goose" / "sessions", "old/")):
            for entry in folders.listed(folder, faults):
                if entry.name.endswith(".jsonl") and folders.is_file(entry):
                    yield from folders.source(self.name, prefix + entry.name, entry, faults, extra=extra)
        yield from faults

    def read(self, source: Source) -> Reading:
        """All sessions of the database, or the one of a file. See `Provider.read`."""
        path = source.path
        if path.name == _DATABASE:
            return self._database(path)
        if path.stem in self._taken_over.ids(source.extra):
            return Reading()
        return _File(path, Session(path.stem, self.name)).reading()

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The file of a session, byte for byte; of one that was in the database, its rows. See `Provider.export`."""
        name = session.native.get("name") if type(session.native) is dict else None
        if type(name) is str and name == Path(name).name and "\0" not in name:
            return {name: jsonl.export(session, load)}
        return table_rows.export(session, load)

    def _database(self, path: Path) -> Reading:
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
                reading.sessions.append(self._session(key, sessions.get(key, {}), rows, reading))
        return reading

    def _session(self, key: str, row: Row, messages: list[Row], reading: Reading) -> Session:
        made = row.get("created_at")
        session = Session(f"{key}-{_hash(made)}" if type(made) is str else key, self.name)
        session.title = text(row.get("name")) or text(row.get("description"))
        session.workspace = text(row.get("working_dir"))
        builder = Builder()
        for message in sorted(messages, key=lambda one: order_of(one.get("id"))):
            stored = (message.get("role"), message.get("created_timestamp"), message.get("content_json"))
            metadata = as_dict(value_of(message.get("metadata_json")))
            builder.message(
                {"messages": message},
                id=identity(message.get("message_id")) or scoped_id(session.id, stored),
                timestamp=iso(message.get("created_timestamp")) or iso(message.get("timestamp")),
                **fields_of(message.get("role"), value_of(message.get("content_json")), metadata),
            )
        session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None) or iso(made)
        session.messages = builder.messages
        if row:
            session.native = table_rows.kept({"sessions": row}, builder.attachments)
        reading.attachments.update(builder.attachments)
        return session


class _File(Transcript):
    """A session of the time before the database."""

    _is_named = False

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self._scope = path.stem
        """What ids are made with: the file keeps its name, whatever the session is called."""

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        if "role" not in record:
            if self.session.title is None and self.session.workspace is None:
                self.session.title = text(record.get("description"))
                self.session.workspace = text(record.get("working_dir"))
            self.keep(record, line)
            return
        time = iso(record.get("created"))
        fields = fields_of(record.get("role"), record.get("content"), as_dict(record.get("metadata")))
        stored = (record.get("role"), record.get("created"), record.get("content"))
        key = identity(record.get("id")) or scoped_id(self._scope, stored)
        if not self._is_named:
            self._name(record)
        self.keep(record, line, id=key, time=time, **fields)

    def _name(self, first: dict[str, Any]) -> None:
        """A name that a person gave may be given on another machine too."""
        self._is_named = True
        if not _BY_TIME.fullmatch(self.path.stem):
            self.session.id = f"{self.path.stem}-{_hash(str(first.get('created')))}"

    def finish(self) -> None:
        self.native["name"] = self.path.name


def _data(env: Env) -> Path:
    root = env.variables.get("GOOSE_PATH_ROOT")
    if root:
        return Path(root) / "data"
    if env.platform == "win32":
        return env.config_home() / "Block" / "goose" / "data"
    return sqlite_copy.data_home(env) / "goose"


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:8]
