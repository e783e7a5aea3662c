"""AnythingLLM: one database with a row for each prompt and its answer.

::

    <storage>/anythingllm.db    workspace_chats, workspaces, workspace_threads (SQLite)

``<storage>`` is ``$STORAGE_DIR``, else that of the desktop app. A conversation is what one person said in one thread of
a workspace (or outside of its threads, or through its API). A row becomes two messages, the second with the columns
from the answer on. Settings, users and keys stand in tables that are not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.reading import sqlite_copy, table_rows, thoughts
from chasm_git.providers.reading.cells import value_of
from chasm_git.providers.reading.openai_chat import image_of
from chasm_git.providers.reading.sqlite_copy import Database, Row, indexed, key_of, order_of
from chasm_git.providers.reading.values import as_dict, as_list, plain, scoped_id, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_DATABASE = "anythingllm.db"
_CHATS, _SPACES, _THREADS = "workspace_chats", "workspaces", "workspace_threads"
_ANSWER = "response"
_ABOUT = ("id", "name", "slug", "createdAt", "chatProvider", "chatModel", "openAiPrompt", "openAiTemp", "chatMode")
"""What is taken of a workspace: all that is about its conversations."""


class AnythingLLM(Provider):
    """Conversations of AnythingLLM."""

    name = "anythingllm"
    title = "AnythingLLM"
    note = "anythingllm.db of the desktop app or of STORAGE_DIR; not chats of widgets on other sites"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The database of each place. See `Provider.discover`."""
        own = env.config_home() / "anythingllm-desktop" / "storage" / _DATABASE
        yield from sqlite_copy.source(self.name, _DATABASE, own)
        if (named := env.variables.get("STORAGE_DIR")) and Path(named) / _DATABASE != own:
            yield from sqlite_copy.source(self.name, str(Path(named) / _DATABASE), Path(named) / _DATABASE)

    def read(self, source: Source) -> Reading:
        """All conversations of a database. See `Provider.read`."""
        reading = Reading()
        try:
            with sqlite_copy.opened(source.path, reading.problems) as database:
                reading.sessions += _sessions(database, reading.attachments)
        except sqlite_copy.Unreadable as error:
            reading.problems.append(Problem(str(source.path), str(error)))
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The rows of a conversation. See `Provider.export`."""
        return table_rows.export(session, load)


def _sessions(database: Database, into: dict[str, bytes]) -> Iterator[Session]:
    spaces = indexed(database.rows(_SPACES))
    threads = indexed(database.rows(_THREADS))
    chats: dict[str, list[Row]] = {}
    for row in sorted(database.rows(_CHATS, (_ANSWER,)), key=lambda row: order_of(row.get("createdAt"), row.get("id"))):
        place = [row.get(name) for name in ("workspaceId", "thread_id", "user_id", "api_session_id")]
        chats.setdefault(jsonio.dumps(place).decode(), []).append(row)
    for mark, rows in chats.items():
        whole = spaces.get(key_of(rows[0].get("workspaceId")), {})
        space = {name: cell for name, cell in whole.items() if name in _ABOUT}
        thread = threads.get(key_of(rows[0].get("thread_id")), {})
        yield _session(mark, rows, space, thread, into)


def _session(place: str, rows: list[Row], space: Row, thread: Row, into: dict[str, bytes]) -> Session:
    # Numbers of rows are the same on every machine: the workspace and its time tell them apart.
    mark = jsonio.dumps([place, space.get("slug"), space.get("createdAt"), thread.get("slug")])
    own = hashlib.sha256(mark).hexdigest()[:12]
    slug = text(thread.get("slug")) or text(space.get("slug")) or "chat"
    session = Session(f"{slug[:100]}-{own}", AnythingLLM.name, text(thread.get("name")) or text(space.get("name")))
    builder = Builder()
    for row in rows:
        _add(builder, row, session.id)
    session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
    tables = {name: found for name, found in ((_SPACES, space), (_THREADS, thread)) if found}
    session.native = table_rows.kept(tables, builder.attachments) if tables else None
    session.messages = builder.messages
    into.update(builder.attachments)
    return session


def _add(builder: Builder, row: Row, session: str) -> None:
    """Add a prompt and its answer."""
    prompt = row.get("prompt")
    response = as_dict(value_of(row.get(_ANSWER)))
    time, columns = iso(row.get("createdAt")), list(row)
    at = columns.index(_ANSWER) if _ANSWER in row else len(columns)
    number = key_of(row.get("id"))
    own = f"{number}" if number is not None else scoped_id(session, [prompt, row.get("createdAt")])
    parts = [_attached(as_dict(item)) for item in as_list(response.get("attachments"))]
    parts += [{"type": "text", "text": prompt}] if text(prompt) else []
    record: dict[str, Json] = {_CHATS: {name: row[name] for name in columns[:at]}}
    builder.message(record, id=f"{own}:prompt", role="user", timestamp=time, content=plain(parts))
    said, metrics = response.get("text"), as_dict(response.get("metrics"))
    answer, derived = thoughts.split(said) if type(said) is str else ([], {})
    for item in map(as_dict, as_list(response.get("sources"))):
        if uri := text(item.get("url")) or text(item.get("title")):
            name = {"name": title} if (title := text(item.get("title"))) is not None else {}
            answer.append({"type": "reference", "uri": uri} | name)
    builder.message(
        {f"+{_CHATS}": {name: row[name] for name in columns[at:]}},
        id=own,
        role="assistant",
        timestamp=iso(metrics.get("timestamp")) or time,
        content=answer if derived else plain(answer),
        model=text(metrics.get("model")),
        usage=tokens(metrics, "prompt_tokens", "completion_tokens"),
        derived=derived,
    )


def _attached(item: dict[str, Any]) -> Part:
    """What was attached: a ``data:`` URL."""
    name, kind = text(item.get("name")), text(item.get("mime"))
    named: Part = {"name": name} if name is not None else {}
    if kind is not None and not kind.startswith("image/"):
        return {"type": "file"} | named | {"media_type": kind}
    return image_of(item.get("contentString")) | named
