"""A chat of Open WebUI, as its database and its exports have it: a tree of messages in one JSON value.

A message's record is the node of the tree, with the row of ``chat_message`` where the database has one::

    {"message": {"id": …}}                  a node; with "key" where it is not called as it says itself
    {"linear": {…}}                         an item of the list that chats had before the tree
    {"message": …, "chat_message": {…}}     with its row; a row may stand alone

The session's `native` has the chat without its messages (`CHAT`), and the messages on the branch that stands, which are
stored a second time as a list, by their ids alone (`LINEAR`); and the order of the tree's nodes where it is another.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.formats.open_webui_message import fields_of
from chasm_git.providers.reading import document, node_tree
from chasm_git.providers.reading.branches import abandoned
from chasm_git.providers.reading.cells import value_of
from chasm_git.providers.reading.sqlite_copy import Row, order_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Json, Session
from chasm_git.session.native import unfold
from chasm_git.session.times import iso

CHAT, LINEAR, _ORDER = "chat", "linear", "order"
PROVIDER = "open-webui"
_LINKS = {"parent": ("parentId", "parent_id"), "children": ("childrenIds",)}


def session_of(about: dict[str, Any], chat: dict[str, Any], rows: list[Row], builder: Builder) -> Session | None:
    """The session of a chat, its messages in `builder`; None where nobody said anything, or the client talks to itself.

    Args:
        about: the row, or the object of an export: id, title and so on.
        chat: the value with the messages.
        rows: of ``chat_message``.
    """
    key = identity(about.get("id")) or identity(chat.get("id"))
    if as_dict(value_of(about.get("meta"))).get("internal") is True:
        return None
    if key is None:
        key = record_id([about.get("created_at"), about.get("title"), chat.get("timestamp")])
    session = Session(key, PROVIDER, text(about.get("title")) or text(chat.get("title")))
    nodes, records = _nodes(chat), {}
    for name, node in nodes.items():
        records[name] = {"message": node} if as_dict(node).get("id") == name else {"key": name, "message": node}
    linear = [] if nodes else as_list(chat.get("messages"))
    for number, item in enumerate(linear):
        own = identity(as_dict(item).get("id")) or scoped_id(key, item)
        name = own if own not in records else f"{own} {number}"
        nodes[name], records[name] = {"parentId": next(reversed(nodes), None)} | as_dict(item), {"linear": item}
    for row in sorted(rows, key=lambda row: order_of(row.get("created_at"), row.get("id"))):
        name = _bare(row.get("id"), key) or scoped_id(key, row)
        said = {field: value for field, value in as_dict(nodes.get(name)).items() if value not in (None, "", [])}
        nodes[name] = _node_of(row, key) | said
        records[name] = records.get(name, {}) | {"chat_message": row}
    _add(session, builder, nodes, records, text(about.get("current_message_id")) or _leaf(chat))
    if not any(message.role == "user" or message.role == "assistant" for message in builder.messages):
        return None
    session.messages = builder.messages
    session.created_at = iso(about.get("created_at")) or iso(chat.get("timestamp"))
    return session


def _add(session: Session, builder: Builder, nodes: Any, records: Any, leaf: str | None) -> None:
    """Add the messages of a tree, those on other branches as inactive."""
    mapping = {
        name: {link: _first(as_dict(node), keys) for link, keys in _LINKS.items()} for name, node in nodes.items()
    }
    above = node_tree.parents(mapping)
    order = node_tree.depth_first(mapping, above)
    off = abandoned(above, leaf if leaf in mapping else node_tree.last_leaf(mapping, above, order))
    for name in order:
        own = identity(name) or scoped_id(session.id, name)
        builder.message(records[name], id=own, inactive=name in off, **fields_of(as_dict(nodes[name])))


def _first(node: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((node[key] for key in keys if key in node), None)


def _nodes(chat: dict[str, Any]) -> dict[str, Any]:
    return dict(as_dict(as_dict(chat.get("history")).get("messages")))


def _leaf(chat: dict[str, Any]) -> str | None:
    return text(as_dict(chat.get("history")).get("currentId"))


def _bare(name: Json, chat: str) -> str | None:
    """The id of a message: rows may have that of the chat before it."""
    return identity(name.removeprefix(f"{chat}-")) if type(name) is str else None


def _node_of(row: Row, chat: str) -> dict[str, Any]:
    """A row as the node of a tree."""
    node = {name: _value(cell) for name, cell in row.items()}
    return node | {
        "parentId": _bare(row.get("parent_id"), chat),
        "timestamp": row.get("created_at"),
        "model": row.get("model_id"),
        "done": False if row.get("done") == 0 else None,
    }


def _value(cell: Json) -> Json:
    """What a cell says that may hold the JSON of a text."""
    if type(cell) is str and cell[:1] == '"' and cell[-1:] == '"':
        try:
            return jsonio.loads(cell.encode("utf-8", "surrogatepass"))
        except ValueError:
            return cell
    return value_of(cell)


# --- giving back ------------------------------------------------------------------------------------------------------


def kept(session: Session, about: dict[str, Any], chat: dict[str, Any], into: dict[str, bytes]) -> dict[str, Json]:
    """What a session's `native` keeps of a chat; long texts go to `into`, the attachments.

    Args:
        about: what stands beside the chat.
    """
    rest = dict(chat)
    linear: list[str] | None = None
    nodes = _nodes(chat)
    if nodes:
        rest["history"] = chat["history"] | {"messages": None}
        if (names := _names(chat.get("messages"), nodes)) is not None:
            rest["messages"], linear = None, names
    elif type(chat.get("messages")) is list:
        rest["messages"] = None
    made: dict[str, Json] = {"about": document.folded(about, into), CHAT: document.folded(rest, into)}
    if list(nodes) != [message.id for message in session.messages if message.id in nodes]:
        made[_ORDER] = list(nodes)  # branches do not stand one behind the other
    return made | ({LINEAR: linear} if linear is not None else {})


def _names(listed: Json, nodes: dict[str, Any]) -> list[str] | None:
    """The ids of listed messages where all of them are nodes again; None for any other list."""
    if type(listed) is not list or not listed:
        return None
    names = [text(as_dict(item).get("id")) for item in listed]
    is_same = all(
        name in nodes and jsonio.dumps(nodes[name]) == jsonio.dumps(item)
        for name, item in zip(names, listed, strict=True)
    )
    return [name for name in names if name is not None] if is_same else None


def given_back(session: Session, load: Load) -> tuple[dict[str, Any], dict[str, Any], list[Row]]:
    """What stood beside the chat, the chat, and the rows of its messages. Raises KeyError for a missing attachment."""
    native = as_dict(session.native)
    about = as_dict(document.unfolded(native.get("about"), load))
    chat = as_dict(document.unfolded(native.get(CHAT), load))
    nodes: dict[str, Any] = {}
    linear: list[Any] = []
    rows: list[Row] = []
    for message in session.messages:
        record = as_dict(unfold(message, load)) if message.native is not None else {}
        if "message" in record:
            nodes[str(record.get("key", as_dict(record["message"]).get("id", message.id)))] = record["message"]
        if "linear" in record:
            linear.append(record["linear"])
        if "chat_message" in record:
            rows.append(as_dict(record["chat_message"]))
    if type(chat.get("history")) is dict and chat["history"].get("messages", 0) is None and (nodes or not linear):
        order = [name for name in as_list(native.get(_ORDER)) if type(name) is str and name in nodes]
        chat["history"] = chat["history"] | {"messages": {name: nodes[name] for name in [*order, *nodes]}}
    if type(names := native.get(LINEAR)) is list:
        chat["messages"] = [nodes[name] for name in names if type(name) is str and name in nodes]
    elif linear:
        chat["messages"] = linear
    return about, chat, rows
