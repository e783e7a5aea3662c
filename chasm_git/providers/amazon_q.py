"""Amazon Q Developer CLI, and Kiro CLI which it became: conversations in a table, and later a file for each session.

::

    <data>/amazon-q/data.sqlite3     conversations(key, value): one for each folder, the last one
    <data>/kiro-cli/data.sqlite3     the same, and conversations_v2 with all of them
    ~/.kiro/sessions/cli/            <id>.json and <id>.jsonl, since Kiro CLI 2 (`kiro_session`)

A new conversation in a folder takes the place of the one before it, which is then nowhere but in an archive. The same
database holds the tokens of the login: no other table is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats import kiro_session
from chasm_git.providers.formats.amazon_q_history import add_history, history_of
from chasm_git.providers.reading import document, folders, sqlite_copy, table_rows
from chasm_git.providers.reading.cells import says_no_object, stored, value_of
from chasm_git.providers.reading.sqlite_copy import Row
from chasm_git.providers.reading.values import as_dict, identity, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Session
from chasm_git.session.native import unfold
from chasm_git.session.times import iso

_TABLES = ("conversations_v2", "conversations")
_HISTORY = "history"
_AT = "history_at"


class AmazonQ(Provider):
    """Conversations of the Amazon Q Developer command line."""

    name = "amazon-q"
    title = "Amazon Q Developer CLI"
    note = "the last conversation of each folder (data.sqlite3 of amazon-q); the client overwrites it with the next one"
    app: ClassVar[str] = "amazon-q"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The database. See `Provider.discover`."""
        home = env.config_home() if env.platform == "darwin" else sqlite_copy.data_home(env)
        yield from sqlite_copy.source(self.name, "data.sqlite3", home / self.app / "data.sqlite3")

    def read(self, source: Source) -> Reading:
        """All conversations of the database. See `Provider.read`."""
        reading = Reading()
        try:
            with sqlite_copy.opened(source.path, reading.problems) as database:
                tables = {table: database.rows(table, ("value",)) for table in _TABLES}
        except sqlite_copy.Unreadable as error:
            reading.problems.append(Problem(str(source.path), str(error)))
            return reading
        known: set[str] = set()
        for table, rows in tables.items():
            for row in rows:
                session = self._session(table, row, source.path, reading)
                if session is not None and session.id not in known:  # the newer table comes first
                    known.add(session.id)
                    reading.sessions.append(session)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The row of a conversation, by its table. See `Provider.export`."""
        rows = table_rows.of_session(Session(session.id, session.provider, native=session.native), load)
        history = history_of([unfold(message, load) for message in session.messages if message.native is not None])
        native = as_dict(session.native)
        value = as_dict(document.unfolded(native.get("value"), load))
        at = native.get(_AT)
        if type(at) is int:
            items = [item for item in value.items() if item[0] != _HISTORY]
            items.insert(at, (_HISTORY, history))
            text_of = jsonio.dumps(dict(items)).decode()
            rows = {table: [row | {"value": text_of} for row in found] for table, found in rows.items()}
        return {table_rows.file_name(session): jsonio.dumps(rows)}

    def _session(self, table: str, row: Row, path: Path, reading: Reading) -> Session | None:
        """The conversation of a row; None where nobody said anything in it."""
        cell = row.get("value")
        value = as_dict(value_of(cell))
        if says_no_object(cell):
            reason = f"table {table}, {str(row.get('key'))[:120]}: not a JSON object"
            reading.problems.append(Problem(str(path), reason, fatal=False))
        key = identity(value.get("conversation_id")) or identity(row.get("conversation_id"))
        session = Session(key or scoped_id(table, row), self.name, workspace=text(row.get("key")))
        builder = Builder()
        add_history(builder, session.id, value.get(_HISTORY))
        if not any(message.role in ("user", "assistant") for message in builder.messages):
            return None
        session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
        session.created_at = session.created_at or iso(row.get("created_at"))
        session.messages = builder.messages
        into = builder.attachments
        is_exact = type(cell) is dict and stored(cell) == jsonio.dumps(value).decode()
        if is_exact:  # else the text is kept as it is, and the messages beside it
            rest = {name: item for name, item in value.items() if name != _HISTORY}
            session.native = table_rows.kept({table: row | {"value": None}}, into)
            session.native |= {"value": document.folded(rest, into), _AT: [*value].index(_HISTORY)}
        else:
            session.native = table_rows.kept({table: row}, into)
        reading.attachments.update(into)
        return session


class KiroCLI(AmazonQ):
    """Conversations of Kiro's command line."""

    name = "kiro-cli"
    title = "Kiro CLI"
    note = "sessions/cli in ~/.kiro (KIRO_HOME), and the database of versions before 2"
    app = "kiro-cli"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The database, then the sessions that are files. See `Provider.discover`."""
        yield from super().discover(env)
        faults: list[Problem] = []
        entries = {e.name: e for e in folders.listed(env.folder("KIRO_HOME", ".kiro") / "sessions" / "cli", faults)}
        for name, entry in entries.items():
            if name.endswith(".jsonl") and folders.is_file(entry):
                beside = [entries[about]] if (about := f"{name[:-1]}") in entries else []
                yield from folders.source(self.name, f"cli/{name}", entry, faults, beside)
        yield from faults

    def read(self, source: Source) -> Reading:
        """All conversations of the database, or the session of a file. See `Provider.read`."""
        if source.path.suffix == ".jsonl":
            return kiro_session.Log(source.path, Session(source.path.stem, self.name)).reading()
        return super().read(source)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The files of a session, byte for byte; of one in the database, its row. See `Provider.export`."""
        if kiro_session.is_from_file(session):
            return kiro_session.export(session, load)
        return super().export(session, load)
