"""ChatGPT: the data export that OpenAI mails, a zip::

    conversations.json                         all conversations, in one list (until 2026)
    conversations-000.json, …-001.json         the same in pieces
    file-<id>-<name>, <id>.dat, dalle-…/…      what was uploaded, spoken and drawn
    chat.html, user.json, …                    the same again, the account: not read

A conversation is a tree of nodes (``mapping``), each with one message or none. Every node becomes a message; what is
not on the way to ``current_node`` is an abandoned branch. A single conversation as the site's own API gives it is read
too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.formats.chatgpt_content import Content
from chasm_git.providers.reading import document, node_tree
from chasm_git.providers.reading.branches import abandoned
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.values import as_dict, as_list, identity, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Session
from chasm_git.session.native import unfold
from chasm_git.session.times import iso

_MAPPING = "mapping"
_UNFINISHED = {"in_progress": "partial", "finished_partial_completion": "interrupted"}


class ChatGPT(Export):
    """Conversations of an OpenAI data export."""

    name = "chatgpt"
    title = "ChatGPT"
    note = "data exports: conversations.json, also in pieces, with the files in the zip (chasm harvest import)"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        if _MAPPING not in shape.top or shape.all & {"inserted_at", "fragments"}:
            return 0.0
        return 0.95 if shape.all & {"author", "content_type", "current_node"} else 0.4

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                if element.error is not None:
                    yield Reading(problems=[file.problem(element.error, element.number)])
                elif type(as_dict(element.value).get(_MAPPING)) is not dict:
                    yield Reading(problems=[file.problem("no conversation", element.number)])
                else:
                    yield _Conversation(element.value, file).reading()

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The conversation's object. See `Provider.export`."""
        native = as_dict(session.native)
        rest = as_dict(document.unfolded(native.get("document"), load))
        mapping = node_tree.given_back([unfold(m, load) for m in session.messages if m.native is not None])
        made = list(rest.items())
        at = native.get("mapping_at")
        made.insert(at if type(at) is int else len(made), (_MAPPING, mapping))
        return {"conversation.json": jsonio.dumps(dict(made))}


class _Conversation:
    """Reads one conversation."""

    def __init__(self, value: dict[str, Any], file: ExportFile) -> None:
        self._value = value
        self._mapping: dict[str, Any] = value[_MAPPING]
        self._builder = Builder()
        self._reading = Reading()
        self._content = Content(file, self._reading.problems)
        self._turns: dict[str, str] = {}
        """The model answer a node belongs to."""
        self._calls: dict[str, str] = {}
        """The tool call that stands above a node."""

    def reading(self) -> Reading:
        """The session, or none where nobody said anything."""
        value, mapping = self._value, self._mapping
        above = node_tree.parents(mapping)
        order = node_tree.depth_first(mapping, above)
        leaf = value.get("current_node")
        if type(leaf) is not str or leaf not in mapping:
            leaf = node_tree.last_leaf(mapping, above, order)
        off = abandoned(above, leaf)
        for key in order:
            self._node(key, above[key], key in off)
        if not any(message.role in ("user", "assistant") for message in self._builder.messages):
            return self._reading
        session = Session(self._id(), ChatGPT.name, title=text(value.get("title")))
        session.messages = self._builder.messages
        session.created_at = iso(value.get("create_time")) or next(
            (message.timestamp for message in session.messages if message.timestamp is not None), None
        )
        rest = {name: item for name, item in value.items() if name != _MAPPING}
        session.native = {
            "document": document.folded(rest, self._builder.attachments),
            "mapping_at": [*value].index(_MAPPING),
        }
        self._reading.sessions.append(session)
        self._reading.attachments = self._builder.attachments
        return self._reading

    def _id(self) -> str:
        for name in ("conversation_id", "id"):
            if (found := identity(self._value.get(name))) is not None:
                return found
        return record_id([self._value.get("create_time"), self._value.get("title"), sorted(self._mapping)[:1]])

    def _node(self, key: str, parent: str | None, is_off: bool) -> None:
        node = self._mapping[key]
        message = as_dict(as_dict(node).get("message"))
        own = identity(message.get("id")) or identity(key)
        fields: dict[str, Any] = {"role": "event"}
        if message:
            call = self._calls.get(parent) if parent is not None else None
            fields = self._content.fields(message, call)
            self._relate(key, parent, own, message, fields)
        made = self._builder.message(
            node_tree.record_of(key, node),
            id=own,
            timestamp=iso(message.get("create_time")),
            inactive=is_off,
            status=_UNFINISHED.get(status) if type(status := message.get("status")) is str else None,
            **fields,
        )
        if fields.pop("turn", None) is not None:
            self._turns[key] = made.turn or made.id

    def _relate(self, key: str, parent: str | None, own: str | None, message: dict[str, Any], fields: Any) -> None:
        """Join a node to the answer and the tool call it belongs to; both are passed on to the nodes below."""
        role = fields["role"]
        if role == "user" and not fields.get("injected"):
            return
        turn = self._turns.get(parent) if parent is not None else None
        if role == "assistant":
            turn = turn or own
            fields["turn"] = turn
        if turn is not None:
            self._turns[key] = turn
        calls = [part for part in as_list(fields.get("content")) if part["type"] == "tool_call"]
        if calls and type(called := calls[0].get("id")) is str:
            self._calls[key] = called
        elif role in ("tool", "event", "system") and parent in self._calls:
            self._calls[key] = self._calls[parent]
