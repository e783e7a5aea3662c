"""Open WebUI: chats in its database, and the same chats as its users export them.

::

    <data>/webui.db      chat: a row per chat with the tree of its messages; chat_message (2026): a row per message
    chat-export-….json   chats as its API gives them: a list of such rows as objects, or one on each line

``<data>`` is ``$DATA_DIR``, or the database is what ``$DATABASE_URL`` says (``sqlite:///…``), else in
``~/.open-webui``. Accounts, keys and tokens stand in tables that are not read. See `open_webui_chat` for the records.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from chasm_git.providers.base import Env, Export, Problem, Provider, Reading, Source
from chasm_git.providers.formats.open_webui_chat import CHAT, PROVIDER, given_back, kept, session_of
from chasm_git.providers.reading import sqlite_copy
from chasm_git.providers.reading.cells import says_no_object, stored, value_of
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.sqlite_copy import Row, grouped, indexed, unplaced
from chasm_git.providers.reading.table_rows import file_name
from chasm_git.providers.reading.values import as_dict
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Session

_DATABASE = "webui.db"
_URL = "sqlite:///"
_MARK, _ROW = "written", "row"
_MESSAGE_JSON = ("content", "output", "files", "sources", "embeds", "meta", "status_history", "error", "usage")
_CHAT_JSON = ("chat", "meta", "variables", "tasks")


class OpenWebUI(Provider):
    """Chats of Open WebUI."""

    name = PROVIDER
    title = "Open WebUI"
    note = "webui.db (DATA_DIR, DATABASE_URL, ~/.open-webui), not accounts, not PostgreSQL; else import its JSON export"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The database, where it is a file. See `Provider.discover`."""
        url, folder = env.variables.get("DATABASE_URL") or "", env.variables.get("DATA_DIR")
        named = unquote(url.removeprefix(_URL).partition("?")[0]) if url.startswith(_URL) else ""
        places = {str(Path(named)): Path(named)} if named and named != ":memory:" else {}
        if folder:
            places[str(Path(folder) / _DATABASE)] = Path(folder) / _DATABASE
        own = env.home / ".open-webui" / _DATABASE
        if str(own) not in places:
            places[_DATABASE] = own
        for key, path in places.items():
            yield from sqlite_copy.source(self.name, key, path)

    def read(self, source: Source) -> Reading:
        """All chats of a database. See `Provider.read`."""
        reading = Reading()
        try:
            with sqlite_copy.opened(source.path, reading.problems) as database:
                messages = grouped(database.rows("chat_message", _MESSAGE_JSON), "chat_id")
                listed = database.rows("chat", _CHAT_JSON)
        except sqlite_copy.Unreadable as error:
            reading.problems.append(Problem(str(source.path), str(error)))
            return reading
        chats = indexed(listed)
        reading.problems += unplaced(source.path, "chat", grouped(listed, "id"))
        reading.problems += unplaced(source.path, "chat_message", messages)
        for key in dict.fromkeys([*chats, *messages]):
            if type(key) is str:
                _add_row(chats.get(key) or {"id": key}, messages.get(key, []), source.path, reading)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The rows of a chat; of one that was exported by Open WebUI, its object. See `Provider.export`."""
        about, chat, rows = given_back(session, load)
        if not as_dict(session.native).get(_ROW):
            return {file_name(session): jsonio.dumps(about | {CHAT: chat} if CHAT in about else chat)}
        made: dict[str, list[Row]] = {"chat": [], "chat_message": [_as_stored(row) for row in rows]}
        if len(about) > 1:
            if chat and about.get(CHAT, chat) is None:  # a cell without anything stays one
                mark = as_dict(session.native).get(_MARK)
                about[CHAT] = {mark: chat} if type(mark) is str else chat
            made["chat"].append(_as_stored(about))
        return {file_name(session): jsonio.dumps(made)}


class OpenWebUIExport(Export):
    """Chats of Open WebUI as a person exported them; they are the same sessions that a harvest finds."""

    name = "open-webui-export"
    title = "Open WebUI (export)"
    note = "chat-export-….json and all-chats-export-….json (chasm harvest import)"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        return 0.95 if "chat" in shape.top and {"id", "title"} <= shape.top and "history" in shape.all else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                chat = as_dict(element.value).get(CHAT)
                if type(chat) is not dict:
                    yield Reading(problems=[file.problem(element.error or "no chat", element.number)])
                    continue
                about, builder = element.value | {CHAT: None}, Builder()
                session = session_of(about, chat, [], builder)
                if session is not None:
                    session.native = kept(session, about, chat, builder.attachments)
                    yield Reading([session], builder.attachments)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The chat's object. See `Provider.export`."""
        return OpenWebUI().export(session, load)


def _add_row(row: Row, rows: list[Row], path: Path, reading: Reading) -> None:
    cell, builder = row.get(CHAT), Builder()
    chat = as_dict(value_of(cell))
    if says_no_object(cell):
        reading.problems.append(Problem(str(path), f"chat {row['id']}: not a JSON object", fatal=False))
    session = session_of(row, chat, rows, builder)
    if session is None:
        return
    about: dict[str, Any] = row | {CHAT: None} if chat and type(cell) is dict else row
    native: dict[str, Json] = {_ROW: True} | kept(session, about, chat, builder.attachments)
    if type(cell) is dict and cell is not chat:
        native[_MARK] = next(iter(cell))
    session.native = native
    reading.sessions.append(session)
    reading.attachments |= builder.attachments


def _as_stored(row: Row) -> Row:
    return {name: stored(cell) for name, cell in row.items()}
