"""opencode, and Kilo CLI which grew out of it: a database since 1.2, a tree of JSON files before that.

::

    $XDG_DATA_HOME/opencode/opencode.db      session, message, part, todo … (SQLite, WAL)
    $XDG_DATA_HOME/opencode/storage/         session/<project>/<id>.json, message/<session>/, part/<message>/

The client took the files over into the database when it first met one, and left them where they were: a session that
is in both is read from the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats import opencode_files
from chasm_git.providers.formats.opencode_parts import fields_of
from chasm_git.providers.reading import folders, sqlite_copy, table_rows
from chasm_git.providers.reading.cells import value_of
from chasm_git.providers.reading.sqlite_copy import Row, grouped, indexed, key_of, order_of, unplaced
from chasm_git.providers.reading.taken_over import TakenOver
from chasm_git.providers.reading.values import as_dict, origin_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Session
from chasm_git.session.times import iso

_JSON = frozenset({"data", "revert", "permission", "metadata", "model", "summary_diffs", "prompt"})
_SESSION_TABLES = ("todo", "session_input", "session_message")
"""Tables with rows of one session that are kept. Never read: accounts, credentials, shares (they hold secrets), and the
log of events, which has everything again."""


class OpenCode(Provider):
    """Sessions of opencode, of its terminal, desktop and server programs."""

    name = "opencode"
    title = "opencode"
    note = "the database of 1.2 and later, and the JSON files before it ($XDG_DATA_HOME/opencode, OPENCODE_DB)"
    app: ClassVar[str] = "opencode"
    """The client's name in its folders and files."""

    def __init__(self) -> None:
        self._taken_over = TakenOver("session")

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The databases, then the sessions that are files. See `Provider.discover`."""
        faults: list[Problem] = []
        home = sqlite_copy.data_home(env) / self.app
        paths = [Path(entry.path) for entry in folders.listed(home, faults) if self._is_database(entry.name)]
        named = env.variables.get(f"{self.app.upper()}_DB")
        if named and named != ":memory:":
            paths.insert(0, home / named)  # one that is not absolute lies there
        databases: list[Source] = []
        for path in dict.fromkeys(paths):
            key = path.name if path.parent == home else str(path)
            for found in sqlite_copy.source(self.name, key, path):
                if isinstance(found, Source):
                    databases.append(found)
                yield found
        beside = databases[0].path if databases else None
        yield from opencode_files.sources(self.name, home / "storage", beside, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """All sessions of a database, or the one of a file. See `Provider.read`."""
        if source.path.suffix != ".json":
            return self._database(source.path)
        extra = as_dict(source.extra)
        if source.path.stem in self._taken_over.ids(extra.get("database")):
            return Reading()
        return opencode_files.read(self.name, source.path, extra.get("messages"))

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The files of a session, as JSON; of one that was in a database, its rows. See `Provider.export`."""
        if opencode_files.is_from_files(session):
            return opencode_files.export(session, load)
        return table_rows.export(session, load)

    def _is_database(self, name: str) -> bool:
        """Whether a file is a database of the client; each release channel has its own."""
        return name.endswith(".db") and (name == f"{self.app}.db" or name.startswith(f"{self.app}-"))

    def _database(self, path: Path) -> Reading:
        reading = Reading()
        try:
            with sqlite_copy.opened(path, reading.problems) as database:
                sessions = indexed(database.rows("session", _JSON))
                messages = grouped(database.rows("message", _JSON), "session_id")
                parts = grouped(database.rows("part", _JSON), "message_id")
                beside = {table: grouped(database.rows(table, _JSON), "session_id") for table in _SESSION_TABLES}
        except sqlite_copy.Unreadable as error:
            reading.problems.append(Problem(str(path), str(error)))
            return reading
        known = {key_of(row.get("id")) for key, rows in messages.items() if type(key) is str for row in rows}
        reading.problems += unplaced(path, "message", messages)
        reading.problems += unplaced(path, "part", parts, known)
        for key in dict.fromkeys([*sessions, *messages]):
            if type(key) is not str:
                continue
            own = messages.get(key, [])
            if not own and not beside["session_message"].get(key):
                continue  # opened, and nothing was said
            rows: dict[str, Json] = {"session": sessions[key]} if key in sessions else {}
            rows |= {table: found for table, groups in beside.items() if (found := groups.get(key))}
            reading.sessions.append(self._session(key, rows, own, parts, reading.attachments))
        return reading

    def _session(
        self, key: str, rows: dict[str, Json], messages: list[Row], parts: dict[Json, list[Row]], into: dict[str, bytes]
    ) -> Session:
        row = as_dict(rows.get("session"))
        session = Session(key, self.name, text(row.get("title")), text(row.get("directory")))
        session.parent = text(row.get("parent_id"))
        builder = Builder()
        undone = as_dict(value_of(row.get("revert")))
        is_undone = False
        for message in sorted(messages, key=lambda row: order_of(row.get("time_created"), row.get("id"))):
            name = message.get("id")
            own = sorted(parts.get(key_of(name), ()), key=lambda row: order_of(row.get("id")))
            record: dict[str, Any] = {"message": message, "part": own} if own else {"message": message}
            info = as_dict(value_of(message.get("data")))
            session.forked_from = session.forked_from or origin_id(info)
            fields = fields_of(info, [as_dict(value_of(r.get("data"))) for r in own])
            fields["timestamp"] = fields["timestamp"] or iso(message.get("time_created"))
            if name is not None and name == undone.get("messageID"):
                is_undone = True
                fields["inactive"] = "partID" not in undone
            elif is_undone:
                fields["inactive"] = True
            builder.message(record, id=name if type(name) is str else None, **fields)
        session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
        session.created_at = session.created_at or iso(row.get("time_created"))
        session.native = table_rows.kept(rows, into)
        session.messages = builder.messages
        into.update(builder.attachments)
        return session


class KiloCLI(OpenCode):
    """Sessions of Kilo's terminal agent, which keeps them as opencode does."""

    name = "kilo-cli"
    title = "Kilo CLI"
    note = "kilo.db in $XDG_DATA_HOME/kilo (KILO_DB)"
    app = "kilo"
