"""Messages of Goose, which are the same in its database and in the files before it: what they say."""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list, plain, text
from chasm_git.session.model import Json, Part

_NOTES = frozenset({"systemNotification", "conversationCompacted", "contextLengthExceeded", "summarizationRequested"})


def fields_of(role: Json, content: Json, metadata: dict[str, Any]) -> dict[str, Any]:
    """The fields of the message it becomes, see `Builder.message`.

    Args:
        content: a list of blocks.
        metadata: who gets to see the message; what only the model sees, nobody typed.
    """
    blocks = [block for block in as_list(content) if type(block) is dict]
    parts = [part for block in blocks if (part := _part(block)) is not None]
    fields: dict[str, Any] = {
        "content": plain(parts),
        "role": role if role == "user" or role == "assistant" else "event",
    }
    if role == "user":
        if parts and all(part["type"] == "tool_result" for part in parts):
            fields["role"] = "tool"
        elif metadata.get("userVisible") is False:
            fields["injected"] = True
    if not parts and any(text(block.get("type")) in _NOTES for block in blocks):
        fields["role"] = "event"
    return fields


def _part(block: dict[str, Any]) -> Part | None:
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": said} if type(said := block.get("text")) is str else None
    if kind == "thinking":
        return {"type": "thinking", "text": said} if type(said := block.get("thinking")) is str else None
    if kind == "image":
        return _image(block)
    key = {"id": key} if type(key := block.get("id")) is str else {}
    if kind == "toolRequest" or kind == "frontendToolRequest":
        call = as_dict(block.get("toolCall"))
        value = as_dict(call.get("value")) or call
        name = {"name": name} if type(name := value.get("name")) is str else {}
        return {"type": "tool_call", **key, **name, "arguments": value.get("arguments")}
    if kind == "toolResponse":
        return {"type": "tool_result", **key, **_result(as_dict(block.get("toolResult")))}
    if kind == "error":
        return {"type": "error", "text": text(block.get("message")) or text(block.get("error")) or ""}
    return None


def _result(result: dict[str, Any]) -> Part:
    if result.get("status") == "error":
        return {"content": text(result.get("error")) or "", "is_error": True}
    value = result.get("value")
    content = value.get("content") if type(value) is dict else value
    parts = [part for block in as_list(content) if (part := _output(as_dict(block))) is not None]
    made: Part = {"content": plain(parts)}
    if as_dict(value).get("isError") is True:
        made["is_error"] = True
    return made


def _output(block: dict[str, Any]) -> Part | None:
    """One piece of what a tool gave back (MCP content)."""
    if block.get("type") == "image":
        return _image(block)
    if block.get("type") == "resource":
        block = as_dict(block.get("resource"))
    return {"type": "text", "text": said} if type(said := block.get("text")) is str else None


def _image(block: dict[str, Any]) -> Part:
    kind, data = block.get("mimeType"), block.get("data")
    made: Part = {"type": "image"} | ({"media_type": kind} if type(kind) is str else {})
    return made | ({"data": data} if type(data) is str else {})
