"""Le Chat: the data export of Mistral, a zip with one ``chat-<id>.json`` a conversation: the bare list of its messages.

The list is in no sure order, and an answer that was made again stands beside the first with a higher ``version``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.reading.conversation import finished, given_back
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Part, Session
from chasm_git.session.times import iso


class LeChat(Export):
    """Conversations of a Mistral data export."""

    name = "le-chat"
    title = "Le Chat"
    note = "data exports: chat-<id>.json (chasm harvest import)"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        return 0.95 if {"chatId", "contentChunks"} <= shape_of(sample).top else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        chats: dict[str, list[Any]] = {}
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                if element.error is not None:
                    yield Reading(problems=[file.problem(element.error, element.number)])
                    continue
                key = identity(as_dict(element.value).get("chatId")) or ""
                chats.setdefault(key, []).append(element.value)
        for key, records in chats.items():
            yield _read(key, records)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The list of messages. See `Provider.export`."""
        return {"chat.json": given_back(session, load)}


def _read(key: str, records: list[Any]) -> Reading:
    session = Session(key or record_id(records[0]), LeChat.name)
    builder = Builder()
    ordered = sorted(records, key=lambda record: iso(as_dict(record).get("createdAt")) or "")
    for record in ordered:
        fields = _fields(as_dict(record))
        builder.message(record, id=identity(as_dict(record).get("id")) or scoped_id(session.id, record), **fields)
    return finished(session, builder, {"list": None})


def _fields(message: dict[str, Any]) -> dict[str, Any]:
    parts: list[Part] = []
    texts: dict[str, str] = {}
    for item in as_list(message.get("contentChunks")):
        chunk = as_dict(item)
        said = text(chunk.get("text"))
        if chunk.get("type") == "tool_call":
            if (arguments := text(chunk.get("publicArguments"))) is not None:
                texts[f"content.{len(parts)}.arguments"] = arguments
            parts += _call(chunk)
        elif chunk.get("type") == "image_url" and (uri := text(chunk.get("imageUrl"))) is not None:
            parts.append({"type": "image", "uri": uri})
        elif said is not None:
            parts.append(
                {"type": "thinking" if chunk.get("type") in ("thinking", "reasoning") else "text", "text": said}
            )
    if not any(part["type"] == "text" for part in parts) and (said := text(message.get("content"))) is not None:
        parts.append({"type": "text", "text": said})
    for item in as_list(message.get("files")):
        if (name := text(as_dict(item).get("name"))) is not None:
            parts.append({"type": "image" if item.get("type") == "image" else "file", "name": name})
    role, time = message.get("role"), iso(message.get("createdAt"))
    if role not in ("user", "assistant", "system") or not parts:
        return {"role": "event", "timestamp": time}
    return {"role": role, "timestamp": time, "content": plain(parts), "json_texts": texts or None}


def _call(chunk: dict[str, Any]) -> list[Part]:
    own: Part = {"id": chunk["id"]} if text(chunk.get("id")) else {}
    arguments = chunk.get("publicArguments")
    if type(arguments) is str:
        try:
            arguments = jsonio.loads(arguments.encode())
        except ValueError:
            arguments = chunk["publicArguments"]  # a plain text, or one that holds half a character
    made: list[Part] = [{"type": "tool_call", **own, "name": text(chunk.get("name")) or "tool", "arguments": arguments}]
    if (result := chunk.get("publicResult")) is not None:
        said = result if type(result) is str else jsonio.dumps(result).decode()
        answer: Part = {"type": "tool_result", **own, "content": said}
        made.append(answer | ({"is_error": True} if chunk.get("success") is False else {}))
    return made
