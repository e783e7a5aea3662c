"""Cursor's databases: its conversations ("composers") in the one for all windows, and older ones in a workspace's own.

::

    globalStorage/state.vscdb, table cursorDiskKV
        composerData:<composer>           a conversation; until its version 2 with all messages in it
        bubbleId:<composer>:<bubble>      a message, since
    workspaceStorage/<id>/state.vscdb, table ItemTable
        composer.composerData             which conversations this workspace has; until 0.45 the conversations
        workbench.panel.aichat.view.aichat.chatdata    the chats of before

The order of the messages is that of the conversation's list of headers. A bubble that is not in it was left behind
(tried again, edited, cut off) and is kept, off the conversation. A session's `native` is that of `table_rows` where its
messages are rows, that of `document` where they stand in one object (then ``list`` is the name of their list).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem, Reading
from chasm_git.providers.formats.cursor_bubbles import fields_of, model_of, role_of, time_of
from chasm_git.providers.formats.vscode_uris import path_of, uri_of
from chasm_git.providers.reading import document, table_rows
from chasm_git.providers.reading.cells import value_of
from chasm_git.providers.reading.sqlite_copy import Database, Row, Unreadable, opened
from chasm_git.providers.reading.values import as_dict, as_list, identity, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Session
from chasm_git.session.times import iso

TABLE = "cursorDiskKV"
_ITEMS = "ItemTable"
_COMPOSER, _BUBBLE = "composerData:", "bubbleId:"
_LISTED = "composer.composerData"
_CHATS = ("workbench.panel.aichat.view.aichat.chatdata", "aiChat.chatdata")
_TOOL = 15
"""The capability that holds the calls of a conversation."""


@dataclass(slots=True)
class _Item:
    """One message to be."""

    record: Json
    bubble: dict[str, Any]
    key: str | None
    is_left: bool = False
    """Not in the conversation's list of messages."""
    is_row: bool = False


def read_global(path: Path, reading: Reading) -> None:
    """Add all conversations of the database for all windows. Raises OSError where it cannot be opened."""
    with _reported(path, reading), opened(path, reading.problems) as database:
        places = _Places(path.parents[1], database, reading)
        heads = {str(row.get("composerId")): row for row in database.rows("composerHeaders", ("value",))}
        for key in _ids(database):
            _add_composer(database, key, heads.get(key), places, reading)
    parents = {
        child: session.id
        for session in reading.sessions
        for child in _children(session)
    }  # fmt: skip
    for session in reading.sessions:
        session.parent = parents.get(session.id, session.parent)


def read_workspace(path: Path, reading: Reading) -> None:
    """Add the conversations that stand in a workspace's own database. Raises OSError where it cannot be opened."""
    with _reported(path, reading), opened(path, reading.problems) as database:
        workspace = folder_of(path.parent, reading)
        listed = as_dict(_item(database, _LISTED, path, reading.problems))
        for composer in document.listed(listed, "allComposers", path, reading.problems, fatal=False):
            if type(composer) is dict and as_list(composer.get("conversation")):
                _add_document(composer, "conversation", text(composer.get("composerId")), workspace, reading)
        _add_chats(database, _CHATS[:1], path, workspace, reading)


def read_chats(path: Path, provider: str, reading: Reading) -> None:
    """Add the chats that stand in a workspace's own database, of an editor that kept them as Cursor did."""
    with _reported(path, reading), opened(path, reading.problems) as database:
        _add_chats(database, _CHATS, path, folder_of(path.parent, reading), reading)
    for session in reading.sessions:
        session.provider = provider


def _add_chats(database: Database, keys: Sequence[str], path: Path, workspace: str | None, reading: Reading) -> None:
    for key in keys:
        chats = as_dict(_item(database, key, path, reading.problems))
        for tab in document.listed(chats, "tabs", path, reading.problems, fatal=False):
            if type(tab) is dict and as_list(tab.get("bubbles")):
                _add_document(tab, "bubbles", text(tab.get("tabId")), workspace, reading)


@contextmanager
def _reported(path: Path, reading: Reading) -> Iterator[None]:
    """What makes the whole database unreadable is a problem of the reading; what was read before is kept."""
    try:
        yield
    except Unreadable as error:
        reading.problems.append(Problem(str(path), str(error), fatal=not reading.sessions))


def _ids(database: Database) -> Iterator[str]:
    """The ids of all conversations, also of those of which only messages are left. Looks at keys only."""
    seen: set[str] = set()
    for prefix in (_COMPOSER, _BUBBLE):
        key = database.first_from(TABLE, "key", prefix)
        while key is not None and key.startswith(prefix):
            found = key[len(prefix) :].partition(":")[0] if prefix == _BUBBLE else key[len(prefix) :]
            if found and found not in seen:
                seen.add(found)
                yield found
            behind = f"{prefix}{found};" if prefix == _BUBBLE else key + "\0"
            key = database.first_from(TABLE, "key", behind)


def _add_composer(database: Database, key: str, head: Row | None, places: _Places, reading: Reading) -> None:
    rows = database.between(TABLE, "key", _COMPOSER + key, _COMPOSER + key + "\0", ("value",))
    composer = as_dict(_value(rows[0], places.path, reading.problems)) if rows else {}
    bubbles = database.between(TABLE, "key", f"{_BUBBLE}{key}:", f"{_BUBBLE}{key};", ("value",))
    items = [item for row in bubbles if (item := _row_item(row, places.path, reading)) is not None]
    if as_list(composer.get("conversation")):
        _add_document(composer, "conversation", key, places.of(key, composer, head), reading, items)
        return
    items = _ordered(items, as_list(composer.get("fullConversationHeadersOnly"))) if composer else _by_time(items)
    if not items and not (text(composer.get("text")) or "").strip():
        return  # a window that was opened and never used
    session, builder = Session(key, "cursor"), Builder()
    _add_items(items, composer, session, builder)
    _tell(session, composer, builder, places.of(key, composer, head) or _workspace_of(items))
    kept: dict[str, Json] = {TABLE: list(rows)} if rows else {}
    if head is not None:
        kept["composerHeaders"] = [head]
    session.native = table_rows.kept(kept, builder.attachments)
    _finish(session, builder, reading)


def _row_item(row: Row, path: Path, reading: Reading) -> _Item | None:
    """The message of a row; None of one that was emptied."""
    if row.get("value") is None:
        return None
    bubble = _value(row, path, reading.problems)
    key = str(row.get("key")).rpartition(":")[2]
    return _Item({TABLE: row}, as_dict(bubble), identity(key), is_row=True)


def _value(row: Row, path: Path, problems: list[Problem]) -> Json:
    """What the value of a row says, be it stored as text or as bytes."""
    cell: Json = value_of(row.get("value"))
    if type(cell) is dict and "$base64" in cell and len(cell) == 1:
        try:
            cell = jsonio.loads(base64.b64decode(cell["$base64"]))
        except (ValueError, TypeError):
            cell = None
    if type(cell) is not dict and row.get("value") is not None:
        reason = f"{str(row.get('key'))[:120]} is not a JSON object"
        problems.append(Problem(str(path), reason, fatal=False))
    return cell


def _ordered(items: list[_Item], headers: list[Json]) -> list[_Item]:
    """The messages in the order of the headers, then those that are not among them."""
    by_key = {item.key: item for item in items}
    for item in items:
        by_key.setdefault(identity(item.bubble.get("bubbleId")), item)
    named: dict[int, _Item] = {}
    for header in headers:
        found = by_key.get(identity(as_dict(header).get("bubbleId")))
        if found is not None:
            named.setdefault(id(found), found)
            if "createdAt" not in found.bubble and "createdAt" in as_dict(header):
                found.bubble = found.bubble | {"createdAt": header["createdAt"]}
    left = [item for item in items if id(item) not in named]
    for item in left:
        item.is_left = True
    return [*named.values(), *_by_time(left)]


def _by_time(items: list[_Item]) -> list[_Item]:
    return sorted(items, key=lambda item: (time_of(item.bubble) or "", item.key or ""))


def _add_document(
    value: dict[str, Any],
    name: str,
    key: str | None,
    workspace: str | None,
    reading: Reading,
    rows: Sequence[_Item] = (),
) -> None:
    """Add a conversation with its messages in it, and what rows hold besides."""
    listed = [_Item(item, as_dict(item), _key_of(as_dict(item))) for item in as_list(value.get(name))]
    known = {item.key for item in listed if item.key is not None}
    more = [item for item in rows if item.key not in known]
    for item in more:
        item.is_left = True
    session, builder = Session(identity(key) or scoped_id("", value), "cursor"), Builder()
    _add_items([*listed, *_by_time(more)], value, session, builder)
    _tell(session, value, builder, workspace or _workspace_of(listed))
    session.native = {"list": name} | document.kept(value, name, builder.attachments)
    _finish(session, builder, reading)


def _key_of(bubble: dict[str, Any]) -> str | None:
    return identity(bubble.get("bubbleId")) or identity(bubble.get("id"))


def _add_items(items: list[_Item], composer: dict[str, Any], session: Session, builder: Builder) -> None:
    """Add the messages; what the model says between two prompts is one turn."""
    calls = _calls(composer)
    times = [time_of(item.bubble) for item in items]
    for number in range(len(items) - 2, -1, -1):  # prompts had no time before 2025-09
        if times[number] is None and role_of(items[number].bubble) == "user" and not items[number].is_left:
            times[number] = times[number + 1]
    model = None if any(model_of(item.bubble) for item in items) else model_of(composer)
    turn: str | None = None
    for item, time in zip(items, times, strict=True):
        fields = fields_of(item.bubble, calls.get(item.key) if item.key is not None else None)
        key = item.key if item.key is not None else scoped_id(session.id, item.record)
        if fields["role"] != "assistant" or item.is_left:
            turn = None
        elif turn is None:
            turn = key
        if fields["role"] == "assistant":
            fields["model"] = fields["model"] or model
        file = "bubbles" if item.is_row and item.is_left and as_list(composer.get("conversation")) else None
        builder.message(
            item.record,
            id=key,
            timestamp=time,
            turn=turn,
            inactive=item.is_left,
            file=file,
            line=document.line_of(item.record),
            **fields,
        )


def _calls(composer: dict[str, Any]) -> dict[str, Json]:
    """The calls of a conversation by bubble, as it kept them until its version 2."""
    found: dict[str, Json] = {}
    for capability in as_list(composer.get("capabilities")):
        stored = as_dict(as_dict(capability).get("data")).get("bubbleDataMap")
        if as_dict(capability).get("type") == _TOOL and type(stored) is str:
            found |= as_dict(value_of(stored))
    return found


def _tell(session: Session, composer: dict[str, Any], builder: Builder, workspace: str | None) -> None:
    session.title = text(composer.get("name")) or text(composer.get("chatTitle"))
    session.workspace = workspace
    session.created_at = iso(composer.get("createdAt"))
    if session.created_at is None:
        session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
    session.parent = identity(as_dict(composer.get("subagentInfo")).get("parentComposerId"))


def _finish(session: Session, builder: Builder, reading: Reading) -> None:
    session.messages = builder.messages
    reading.sessions.append(session)
    reading.attachments |= builder.attachments


def _children(session: Session) -> Iterator[str]:
    """The conversations of the agents that a conversation started."""
    native = as_dict(session.native)
    tables = as_dict(native.get("tables"))
    rows = as_list(tables.get(TABLE))
    composer = as_dict(value_of(as_dict(rows[0]).get("value"))) if rows else as_dict(native.get("document"))
    for name in ("subagentComposerIds", "subComposerIds"):
        yield from (child for child in as_list(composer.get(name)) if type(child) is str)


def _item(database: Database, key: str, path: Path, problems: list[Problem]) -> Json:
    rows = database.between(_ITEMS, "key", key, key + "\0", ("value",))
    return _value(rows[0], path, problems) if rows else None


def folder_of(storage: Path, reading: Reading) -> str | None:
    """The folder (or .code-workspace file) that a workspace's storage is for."""
    path = storage / "workspace.json"
    try:
        value = document.value_of(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reading.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))
        return None
    uri = uri_of(value.get("folder")) or uri_of(value.get("workspace")) or uri_of(value.get("configuration"))
    return path_of(uri) if uri is not None else None


def _workspace_of(items: list[_Item]) -> str | None:
    """The folder of the first message that names one."""
    for item in items:
        for uri in as_list(item.bubble.get("workspaceUris")):
            if (found := uri_of(uri)) is not None:
                return path_of(found)
    return None


class _Places:
    """Knows which folder a conversation was held in."""

    def __init__(self, user: Path, database: Database, reading: Reading) -> None:
        self.path = user / "globalStorage" / "state.vscdb"
        self._storage = user / "workspaceStorage"
        self._reading = reading
        self._by_composer: dict[str, str | None] | None = None
        heads = as_list(
            as_dict(_item(database, "composer.composerHeaders", self.path, reading.problems)).get("allComposers")
        )
        self._heads = {str(as_dict(head).get("composerId")): as_dict(head) for head in heads}

    def of(self, key: str, composer: dict[str, Any], head: Row | None) -> str | None:
        """The folder of a conversation, as far as anything says so."""
        for known in (composer, self._heads.get(key, {}), as_dict(value_of(as_dict(head).get("value")))):
            place = as_dict(known.get("workspaceIdentifier"))
            if (found := self._located(place.get("uri"), place.get("id"))) is not None:
                return found
        found = self._located(None, as_dict(head).get("workspaceId"))
        return found if found is not None else self._listed().get(key)

    def _located(self, uri: Json, workspace: Json) -> str | None:
        if (path := text(as_dict(uri).get("fsPath"))) is not None:
            return path
        if (found := uri_of(uri)) is not None:
            return path_of(found)
        if type(workspace) is str and workspace.isalnum():
            return folder_of(self._storage / workspace, self._reading)
        return None

    def _listed(self) -> dict[str, str | None]:
        """The folders by the conversations that the workspaces' own databases list; read when first asked."""
        if self._by_composer is None:
            self._by_composer = {}
            try:
                folders = sorted(self._storage.iterdir())
            except OSError:  # there is none, or the harvest of its own databases says why
                folders = []
            for folder in folders:
                place = folder_of(folder, self._reading)
                if place is not None:
                    self._list(folder / "state.vscdb", place, self._by_composer)
        return self._by_composer

    def _list(self, path: Path, place: str, into: dict[str, str | None]) -> None:
        try:
            with opened(path, []) as database:
                listed = as_dict(_item(database, _LISTED, path, []))
        except (OSError, Unreadable):  # it is a source of its own, and reported there
            return
        heads = [as_dict(head).get("composerId") for head in as_list(listed.get("allComposers"))]
        for key in [*heads, listed.get("selectedComposerId"), *as_list(listed.get("selectedComposerIds"))]:
            if type(key) is str:
                into.setdefault(key, place)
