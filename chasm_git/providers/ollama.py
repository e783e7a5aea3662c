"""Ollama: chats of its desktop app in a database, and the lines typed at the prompt of ``ollama run``.

::

    <app>/db.sqlite       chats, messages, tool_calls, attachments (SQLite, WAL)
    ~/.ollama/history     the last 100 lines typed, one a line, of all chats together

``<app>`` is the platform's folder for application data; its server keeps no chats. The app deletes and inserts all
messages of a chat on each change, so the number of a row says nothing: a message is known by its role and time. A
result does not say whose it is: results follow the calls in their order. The history says neither times, models nor
answers: all of it is one session.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.reading import sqlite_copy, table_rows
from chasm_git.providers.reading.export_file import media_type_of
from chasm_git.providers.reading.jsonl import tail_value
from chasm_git.providers.reading.openai_chat import arguments_of
from chasm_git.providers.reading.sqlite_copy import Database, Row, grouped, indexed, key_of, order_of, unplaced
from chasm_git.providers.reading.values import as_dict, plain, scoped_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.native import kept_line, unfold
from chasm_git.session.times import iso

_DATABASE = "db.sqlite"
_HISTORY = "history"
_ROLES = frozenset({"user", "assistant", "system", "tool"})
_COMMAND = re.compile(r'/(?:\?|help|set|show|load|save|clear|bye|exit)(?:\s|\Z)|"""\Z')
"""Lines that say something to the program alone; quotes on a line of their own begin and end a text of several."""
_GO_TIME = re.compile(r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?) ?(Z|[+-]\d\d:?\d\d)?(?: .*)?", re.DOTALL)


class Ollama(Provider):
    """Chats of Ollama's desktop app, and what was typed at its command line."""

    name = "ollama"
    title = "Ollama"
    note = "chats of the desktop app, prompts of `ollama run` (it keeps no answers); the server keeps nothing"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The app's database, then the history of the command line. See `Provider.discover`."""
        yield from sqlite_copy.source(self.name, _DATABASE, _app(env) / _DATABASE)
        yield from sqlite_copy.source(self.name, _HISTORY, env.home / ".ollama" / _HISTORY)

    def read(self, source: Source) -> Reading:
        """All chats of the database, or the history. See `Provider.read`."""
        if source.path.name == _HISTORY:
            return _history(source.path)
        reading = Reading()
        try:
            with sqlite_copy.opened(source.path, reading.problems) as database:
                chats = _Chats(database)
        except sqlite_copy.Unreadable as error:
            reading.problems.append(Problem(str(source.path), str(error)))
            return reading
        reading.problems += chats.unplaced(source.path)
        reading.sessions += chats.sessions(reading.attachments)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The rows of a chat; the lines of the history, byte for byte. See `Provider.export`."""
        if as_dict(session.native).get("name") != _HISTORY:
            return table_rows.export(session, load)
        lines = [_line(unfold(m, load), kept_line(m.native, load)) for m in session.messages if m.native is not None]
        tail = kept_line(as_dict(session.native).get("tail"), load) or b""
        return {_HISTORY: b"".join(line + b"\n" for line in lines) + tail}


def _app(env: Env) -> Path:
    if env.platform == "darwin":
        return env.config_home() / "Ollama"
    if env.platform == "win32":
        return env.folder("LOCALAPPDATA", "AppData/Local") / "Ollama"
    return env.home / ".ollama"


# --- what was typed at the command line -------------------------------------------------------------------------------


def _history(path: Path) -> Reading:
    *lines, tail = path.read_bytes().split(b"\n")
    builder = Builder()
    for line in lines:
        try:
            typed = line.decode()
        except UnicodeDecodeError:
            typed = line.decode("utf-8", "replace")
            builder.message(None, id=scoped_id(_HISTORY, None, line), role="user", content=typed, line=line)
            continue
        said = typed.strip()
        role = "event" if not said or _COMMAND.match(said) else "user"
        content = "" if role == "event" else said
        builder.message(typed, id=scoped_id(_HISTORY, typed), role=role, content=content)
    if not any(message.role == "user" for message in builder.messages):
        return Reading()
    native: dict[str, Json] = {"name": _HISTORY} | (tail_value(tail, builder.attachments) if tail else {})
    session = Session(_HISTORY, Ollama.name, native=native, messages=builder.messages)
    return Reading([session], builder.attachments)


def _line(typed: Any, kept: bytes | None) -> bytes:
    """The line of a message; what is no text (it was changed since) is none of the history's lines."""
    if kept is not None:
        return kept
    return typed.encode("utf-8", "surrogatepass") if type(typed) is str else b""


# --- the app's chats --------------------------------------------------------------------------------------------------


class _Chats:
    """The chats of a database."""

    def __init__(self, database: Database) -> None:
        self._chats = indexed(database.rows("chats"))
        self._messages = grouped(database.rows("messages"), "chat_id")
        self._calls = grouped(database.rows("tool_calls"), "message_id")
        self._files = grouped(database.rows("attachments"), "message_id")

    def unplaced(self, path: Path) -> Iterator[Problem]:
        """What to say of the rows that belong to no chat, or to no message."""
        yield from unplaced(path, "messages", self._messages)
        known = {key_of(row.get("id")) for key, rows in self._messages.items() if type(key) is str for row in rows}
        for table, groups in (("tool_calls", self._calls), ("attachments", self._files)):
            yield from unplaced(path, table, groups, known)

    def sessions(self, into: dict[str, bytes]) -> Iterator[Session]:
        """Each chat in which something was said."""
        for key, rows in self._messages.items():
            if type(key) is str and key:
                yield self._session(key, self._chats.get(key, {}), rows, into)

    def _session(self, key: str, chat: Row, rows: list[Row], into: dict[str, bytes]) -> Session:
        session = Session(key, Ollama.name, text(chat.get("title")))
        builder = Builder()
        pending: deque[str] = deque()
        """Ids of the calls whose results have not come yet."""
        ordered = sorted(rows, key=lambda row: order_of(row.get("id")))
        for row, behind in zip(ordered, [*ordered[1:], {}], strict=True):
            self._add(builder, row, pending, session.id, has_results=behind.get("role") == "tool")
        session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
        session.created_at = session.created_at or _time(chat.get("created_at"))
        session.native = table_rows.kept({"chats": chat}, builder.attachments) if chat else None
        session.messages = builder.messages
        into.update(builder.attachments)
        return session

    def _add(self, builder: Builder, row: Row, pending: deque[str], chat: str, *, has_results: bool) -> None:
        number, role, made = key_of(row.get("id")), row.get("role"), row.get("created_at")
        own = scoped_id(chat, [role, made if _time(made) is not None else row.get("content")])
        record: dict[str, Json] = {"messages": row}
        calls = sorted(self._calls.get(number, ()), key=lambda call: order_of(call.get("id")))
        files = sorted(self._files.get(number, ()), key=lambda file: order_of(file.get("id")))
        record |= {name: found for name, found in (("tool_calls", calls), ("attachments", files)) if found}
        content = row.get("content") if type(row.get("content")) is str else ""
        parts: list[Part] = [_file(file) for file in files]
        if thought := text(row.get("thinking")):
            parts.append({"type": "thinking", "text": thought})
        if role == "tool":
            result: Part = {"type": "tool_result", **({"id": pending.popleft()} if pending else {})}
            parts.append(result | {"content": content or text(row.get("tool_result")) or ""})
        elif content:
            parts.append({"type": "text", "text": content})
        texts: dict[str, str] = {}
        if role != "tool":
            pending.clear()
        for place, call in enumerate(calls):
            key, stored = f"{own}.{place}", call.get("function_arguments")
            value = arguments_of(stored)
            if type(stored) is str and value is not stored:
                texts[f"content.{len(parts)}.arguments"] = stored
            parts.append({"type": "tool_call", "id": key, "name": call.get("function_name"), "arguments": value})
            if has_results:
                pending.append(key)
            elif (found := text(call.get("function_result"))) is not None:
                parts.append({"type": "tool_result", "id": key, "content": found})
        builder.message(
            record,
            id=own,
            role=role if type(role) is str and role in _ROLES else "event",
            timestamp=_time(made),
            content=plain(parts),
            model=text(row.get("model_name")) if role == "assistant" else None,
            injected=role == "system",
            json_texts=texts,
        )


def _file(row: Row) -> Part:
    """An attached file, which the app takes for an image by its name."""
    name = text(row.get("filename"))
    data = as_dict(row.get("data")).get("$base64")
    media_type = _IMAGES.get((name or "").rpartition(".")[2].lower()) or media_type_of(name or "", b"")
    made: Part = {"type": "image" if media_type is not None and media_type.startswith("image/") else "file"}
    for key, value in (("name", name), ("media_type", media_type), ("data", data)):
        if type(value) is str:
            made[key] = value
    return made


_IMAGES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}


def _time(stored: Json) -> str | None:
    """A time as Go or SQLite writes it."""
    if type(stored) is not str or (found := _GO_TIME.fullmatch(stored)) is None:
        return iso(stored)
    return iso(found[1] + (found[2] or ""))
