"""LibreChat: a conversation as its page exports it (JSON); its server keeps them in MongoDB, which is not read.

With all branches or the standing one alone, as a list (``messages``) or each message within the one above it
(``messagesTree``). Of the latter a record is ``{"depth": 2, "node": {…, "children": []}}``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Reading
from chasm_git.providers.reading.conversation import given_back
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.listed import Listed
from chasm_git.providers.reading.openai_chat import arguments_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_LIST, _TREE, _CHILDREN = "messages", "messagesTree", "children"


class LibreChat(Listed):
    """Conversations of LibreChat."""

    name = "librechat"
    title = "LibreChat"
    note = "conversations exported as JSON (chasm harvest import); not its database"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        top = shape_of(sample).top
        return 0.95 if {"conversationId", "exportAt"} <= top and top & {_LIST, _TREE} else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                value = as_dict(element.value)
                session, key = self.session_of(value), _TREE if type(value.get(_TREE)) is list else _LIST
                if session is None or type(value.get(key)) is not list:
                    yield Reading(problems=[file.problem(element.error or "no conversation", element.number)])
                    continue
                flat = value | {_TREE: list(_flat(value[_TREE]))} if key == _TREE else value
                yield self.read_conversation(flat, session, key)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The conversation's object. See `Provider.export`."""
        data = given_back(session, load)
        if as_dict(session.native).get("list") == _TREE:
            value = as_dict(jsonio.loads(data))
            data = jsonio.dumps(value | {_TREE: _nested(as_list(value.get(_TREE)))})
        return {"conversation.json": data}

    def session_of(self, value: dict[str, Any]) -> Session | None:
        """See `Listed.session_of`."""
        key = identity(value.get("conversationId"))
        return Session(key, self.name, text(value.get("title"))) if key is not None else None

    def id_of(self, record: dict[str, Any]) -> str | None:
        """See `Listed.id_of`."""
        return identity(_node(record).get("messageId"))

    def above(self, record: dict[str, Any]) -> str | None:
        """See `Listed.above`."""
        return identity(_node(record).get("parentMessageId"))

    def leaf(self, value: dict[str, Any], above: dict[str, str | None]) -> str | None:
        """The message that came last: which branch a person looked at is not said."""
        times: dict[str, str] = {}
        for item in as_list(value.get(_TREE)) or as_list(value.get(_LIST)):
            if (key := self.id_of(as_dict(item))) is not None:
                times[key] = iso(_node(as_dict(item)).get("createdAt")) or ""
        for key, parent in above.items():
            if parent not in above:
                above[key] = None  # the root is named, and is none of the messages
        return max(reversed(times), key=lambda key: times[key], default=None)

    def fields_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """See `Listed.fields_of`."""
        node = _node(record)
        is_user = node.get("isCreatedByUser")
        if type(is_user) is not bool:
            return {"role": "event"}
        parts = [_file(as_dict(item)) for item in as_list(node.get("files"))]
        texts: dict[str, str] = {}
        for item in map(as_dict, as_list(node.get("content"))):
            _add(parts, texts, item)
        said = text(node.get("text"))
        if said is not None and not any(part["type"] == "text" for part in parts):
            parts.append({"type": "error" if node.get("error") is True else "text", "text": said})
        fields: dict[str, Any] = {"role": "user" if is_user else "assistant", "timestamp": iso(node.get("createdAt"))}
        if not is_user:
            unfinished = "partial" if node.get("unfinished") is True else None
            fields["status"] = "failed" if node.get("error") is True else unfinished
            fields["model"] = text(node.get("model"))
        return fields | {"content": plain(parts), "json_texts": texts}


def _node(record: dict[str, Any]) -> dict[str, Any]:
    """A message, whether or not it came out of a tree."""
    return as_dict(record["node"]) if record.keys() == {"depth", "node"} else record


def _add(parts: list[Part], texts: dict[str, str], item: dict[str, Any]) -> None:
    """Add a piece of the content."""
    kind = item.get("type")
    if kind == "text":
        said: Json = item.get("text")
        said = said.get("value") if type(said) is dict else said
        parts += [{"type": "text", "text": said}] if text(said) else []
    elif kind == "think" and (thought := text(item.get("think"))) is not None:
        parts.append({"type": "thinking", "text": thought})
    elif kind == "error":
        parts.append({"type": "error", "text": text(item.get("error")) or ""})
    elif kind == "tool_call":
        call = as_dict(item.get("tool_call"))
        own: Part = {"id": key} if type(key := call.get("id")) is str else {}
        function = as_dict(call.get("function"))
        name = text(call.get("name")) or text(function.get("name")) or text(call.get("type")) or ""
        stored = call["args"] if "args" in call else function.get("arguments")
        value = arguments_of(stored)
        if type(stored) is str and value is not stored:
            texts[f"content.{len(parts)}.arguments"] = stored
        parts.append({"type": "tool_call"} | own | {"name": name, "arguments": value})
        if type(output := call.get("output", function.get("output"))) is str:
            parts.append({"type": "tool_result"} | own | {"content": output})
    elif kind == "image_file":
        parts.append(_file(as_dict(item.get("image_file"))))


def _file(item: dict[str, Any]) -> Part:
    kind, name, uri = text(item.get("type")), text(item.get("filename")), text(item.get("filepath"))
    is_image = kind is not None and kind.startswith("image/")
    part: Part = {"type": "image" if is_image or "width" in item else "file"}
    part |= {"name": name} if name is not None else {}
    part |= {"media_type": kind} if kind is not None and "/" in kind else {}
    return part | ({"uri": uri} if uri is not None else {})


def _flat(tree: list[Any]) -> Iterator[dict[str, Any]]:
    """The messages of a tree, each followed by those below it."""
    stack = [(0, node) for node in reversed(tree)]
    while stack:
        depth, node = stack.pop()
        below = node.get(_CHILDREN) if type(node) is dict else None
        if type(below) is list:
            stack += [(depth + 1, child) for child in reversed(below)]
            node = node | {_CHILDREN: []}
        yield {"depth": depth, "node": node}


def _nested(records: list[Any]) -> list[Any]:
    """The tree that `_flat` took apart."""
    roots: list[Any] = []
    levels: list[list[Any] | None] = [roots]
    for record in map(as_dict, records):
        depth, node = record.get("depth"), record.get("node")
        at = depth if type(depth) is int and 0 <= depth < len(levels) else 0
        into = levels[at]
        below: list[Any] | None = None
        if type(node) is dict and type(node.get(_CHILDREN)) is list:
            below = []
            node = node | {_CHILDREN: below}
        (roots if into is None else into).append(node)
        levels[at + 1 :] = [below]
    return roots
