"""Chatbox: sessions, as the app exports all it keeps: one object, with a key for each of them and for its settings.

::

    {"session:<id>": {…}, …, "settings": {…}, "__exported_at": …}    or {"chat-sessions": [{…}, …]} before

Settings hold keys of services and are not looked at. A session has its messages, contexts that were put away
(``threads``) and what was said instead of them (``messageForksHash``); a record says where its message stood::

    {"message": {…}}, {"thread": 0, "message": {…}}, {"fork": ["<message>", 1], "message": {…}}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.reading import document, thoughts
from chasm_git.providers.reading.conversation import finished, records_of
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.openai_chat import arguments_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_PREFIX, _BEFORE = "session:", "chat-sessions"
_MESSAGES, _THREADS, _FORKS, _LISTS = "messages", "threads", "messageForksHash", "lists"


class Chatbox(Export):
    """Sessions of Chatbox."""

    name = "chatbox"
    title = "Chatbox"
    note = "chatbox-exported-data-….json, its config backups too, without settings and keys (chasm harvest import)"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        top = shape_of(sample).top
        if any(key.startswith(_PREFIX) for key in top) or _BEFORE in top:
            return 0.95
        return 0.9 if top & {"__exported_items", "chat-sessions-list"} else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                if element.error is not None:
                    yield Reading(problems=[file.problem(element.error, element.number)])
                for name, value in _sessions(as_dict(element.value)):
                    if type(value) is dict:
                        yield _Conversation(value).reading()
                    elif value is not None:
                        yield Reading(problems=[file.problem(f"{name[:120]} is no session", element.number)])

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's object. See `Provider.export`."""
        value = as_dict(document.unfolded(as_dict(session.native).get("session"), load))
        for record in map(as_dict, records_of(session, load)):
            into = _place(value, record)
            if into is not None:
                into.append(record.get("message"))
        return {"session.json": jsonio.dumps(value)}


def _sessions(value: dict[str, Any]) -> Iterator[tuple[str, Json]]:
    """What should be sessions, with the keys they stand at."""
    for key, item in value.items():
        if key.startswith(_PREFIX):
            yield key, item
        elif key == _BEFORE:
            yield from ((key, one) for one in (item if type(item) is list else [item]))


def _place(value: dict[str, Any], record: dict[str, Any]) -> list[Any] | None:
    """The list of a session that a record's message belongs in; None where there is none any more."""
    holder: Any = value
    try:
        if "thread" in record:
            holder = value[_THREADS][record["thread"]]
        elif "fork" in record:
            key, number = record["fork"]
            holder = value[_FORKS][key][_LISTS][number]
        found = holder[_MESSAGES]
    except (LookupError, TypeError, ValueError):
        return None
    return found if type(found) is list else None


class _Conversation:
    """Reads one session."""

    def __init__(self, value: dict[str, Any]) -> None:
        self._value = value
        self._builder = Builder()
        own = identity(value.get("id")) or record_id([value.get("name"), *as_list(value.get(_MESSAGES))[:1]])
        self._session = Session(own, Chatbox.name, text(value.get("name")))

    def reading(self) -> Reading:
        """The session, or none where nobody said anything."""
        rest = dict(self._value)
        if type(rest.get(_THREADS)) is list:
            rest[_THREADS] = [self._emptied(thread, {"thread": number}) for number, thread in enumerate(rest[_THREADS])]
        rest = self._emptied(rest, {})
        if type(rest.get(_FORKS)) is dict:
            rest[_FORKS] = {key: self._forks(key, fork) for key, fork in rest[_FORKS].items()}
        native = {"session": document.folded(rest, self._builder.attachments)}
        return finished(self._session, self._builder, native)

    def _forks(self, key: str, fork: Any) -> Any:
        if type(fork) is not dict or type(fork.get(_LISTS)) is not list:
            return fork
        lists = [self._emptied(one, {"fork": [key, number]}) for number, one in enumerate(fork[_LISTS])]
        return fork | {_LISTS: lists}

    def _emptied(self, holder: Any, place: dict[str, Json]) -> Any:
        """Add the messages of a holder; gives the holder without them."""
        if type(holder) is not dict or type(holder.get(_MESSAGES)) is not list:
            return holder
        for item in holder[_MESSAGES]:
            message = as_dict(item)
            own = identity(message.get("id")) or scoped_id(self._session.id, item)
            fields = _fields(message)
            self._builder.message(place | {"message": item}, id=own, inactive="fork" in place, **fields)
        return holder | {_MESSAGES: []}


def _fields(message: dict[str, Any]) -> dict[str, Any]:
    role = message.get("role")
    parts: list[Part] = []
    texts: dict[str, str] = {}
    derived: dict[str, Json] = {}
    for item in as_list(message.get("files")):
        name = text(as_dict(item).get("name"))
        parts.append({"type": "file"} | ({"name": name} if name is not None else {}))
    if (thought := text(message.get("reasoningContent"))) is not None:
        parts.append({"type": "thinking", "text": thought})
    for item in map(as_dict, as_list(message.get("contentParts"))):
        _add(parts, texts, item)
    if (said := text(message.get("content"))) is not None and not any(part["type"] == "text" for part in parts):
        answer, derived = thoughts.split(said, len(parts))
        parts += answer
    fields: dict[str, Any] = {"role": role if role in ("user", "assistant", "system", "tool") else "event"}
    if role == "assistant":
        fields["model"] = text(message.get("model"))
        fields["usage"] = tokens(message.get("usage"), "inputTokens", "outputTokens")
        fields["status"] = "partial" if message.get("generating") is True else None
    if (error := text(message.get("error"))) is not None:
        parts.append({"type": "error", "text": error})
        fields["status"] = "failed"
    fields["injected"] = role == "system"
    made = parts if derived else plain(parts)
    return fields | {
        "timestamp": iso(message.get("timestamp")),
        "content": made,
        "json_texts": texts,
        "derived": derived,
    }


def _add(parts: list[Part], texts: dict[str, str], item: dict[str, Any]) -> None:
    """Add a piece of the content."""
    kind, said = item.get("type"), text(item.get("text"))
    if kind == "text" and said is not None:
        parts.append({"type": "text", "text": said})
    elif kind == "reasoning" and said is not None:
        parts.append({"type": "thinking", "text": said})
    elif kind == "image":
        name = text(item.get("storageKey"))
        parts.append({"type": "image"} | ({"name": name} if name is not None else {}))
    elif kind == "tool-call":
        own: Part = {"id": key} if type(key := item.get("toolCallId")) is str else {}
        stored = item.get("args")
        value = arguments_of(stored)
        if type(stored) is str and value is not stored:
            texts[f"content.{len(parts)}.arguments"] = stored
        parts.append({"type": "tool_call"} | own | {"name": text(item.get("toolName")) or "", "arguments": value})
        if item.get("state") in ("result", "error"):
            result = item.get("result")
            found = result if type(result) is str else "" if result is None else jsonio.dumps(result).decode()
            failed = {"is_error": True} if item["state"] == "error" else {}
            parts.append({"type": "tool_result"} | own | {"content": found} | failed)
