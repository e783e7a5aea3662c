"""What one entry of a pi session says; OpenClaw, which is built on pi, writes the same entries.

Pure functions of one entry. Everything an entry holds beyond that stays in the message's `native`.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text, tokens
from chasm_git.session.model import Json, Part

_INJECTED = frozenset({"custom", "compactionSummary", "branchSummary"})
"""Roles of messages that extensions and the client itself put into the conversation."""


def fields_of(entry: dict[str, Json]) -> dict[str, Json]:
    """The fields of the message an entry becomes: ``role`` and ``content`` always, others where they say something."""
    kind = entry.get("type")
    if kind == "message":
        return _message(as_dict(entry.get("message")), entry.get("id"))
    if kind == "custom_message":
        return {"role": "user", "content": content_of(entry.get("content")), "injected": True}
    if kind == "compaction" or kind == "branch_summary":
        summary = entry.get("summary")
        return {"role": "user", "content": summary if type(summary) is str else "", "injected": True}
    return {"role": "event", "content": ""}


def _message(message: dict[str, Json], entry_id: Json) -> dict[str, Json]:
    role = message.get("role")
    if role == "user":
        return {"role": "user", "content": content_of(message.get("content"))}
    if role == "assistant":
        return _answer(message)
    if role == "toolResult":
        return {"role": "tool", "content": [_result(message)]}
    if role == "system":
        return {"role": "system", "content": content_of(message.get("content"))}
    if role == "bashExecution":
        return _command(message, entry_id)
    if type(role) is str and role in _INJECTED:
        said = message.get("summary" if role != "custom" else "content")
        return {"role": "user", "content": content_of(said), "injected": True}
    return {"role": "event", "content": ""}


def _answer(message: dict[str, Json]) -> dict[str, Json]:
    content = content_of(message.get("content"))
    fields: dict[str, Json] = {"role": "assistant", "content": content}
    if model := text(message.get("model")):
        fields["model"] = model
    if usage := tokens(message.get("usage"), "input", "output"):
        fields["usage"] = usage
    reason, error = message.get("stopReason"), text(message.get("errorMessage"))
    if reason == "error":
        fields["status"] = "failed"
    elif reason == "aborted":
        fields["status"] = "interrupted"
    if error is not None:
        parts = [{"type": "text", "text": content}] if type(content) is str and content else as_list(content)
        fields["content"] = [*parts, {"type": "error", "text": error}]
    return fields


def _command(message: dict[str, Json], entry_id: Json) -> dict[str, Json]:
    """A command the user ran in the client: the model sees it, nobody typed it as a prompt."""
    call: Part = {"type": "tool_call", "name": "bash", "arguments": {"command": message.get("command")}}
    result: Part = {"type": "tool_result", "content": text(message.get("output")) or ""}
    if key := identity(entry_id):
        call["id"] = result["id"] = key
    if message.get("exitCode") not in (0, None):
        result["is_error"] = True
    fields: dict[str, Json] = {"role": "user", "content": [call, result], "injected": True}
    if message.get("cancelled") is True:
        fields["status"] = "interrupted"
    return fields


def _result(message: dict[str, Json]) -> Part:
    part: Part = {"type": "tool_result"}
    if type(key := message.get("toolCallId")) is str:
        part["id"] = key
    part["content"] = content_of(message.get("content"))
    if message.get("isError") is True:
        part["is_error"] = True
    return part


def content_of(stored: Json) -> str | list[Part]:
    """A message's content as typed parts, or as its text where it is nothing else."""
    if type(stored) is str:
        return stored
    return plain([part for block in as_list(stored) if (part := _part(block)) is not None])


def _part(block: Json) -> Part | None:
    """The part a content block is; None for a block of a kind we do not know."""
    block = as_dict(block)
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": said} if type(said := block.get("text")) is str else None
    if kind == "thinking":
        return {"type": "thinking", "text": said if type(said := block.get("thinking")) is str else ""}
    if kind == "toolCall":
        part: Part = {"type": "tool_call"}
        part.update((key, value) for key in ("id", "name") if type(value := block.get(key)) is str)
        part["arguments"] = block.get("arguments")
        return part
    if kind == "image":
        return _image(block)
    return None


def _image(block: dict[str, Any]) -> Part:
    part: Part = {"type": "image"}
    if type(kind := block.get("mimeType")) is str:
        part["media_type"] = kind
    if type(data := block.get("data")) is str:
        part["data"] = data
    return part
