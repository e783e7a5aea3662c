"""What a message of Claude Design says: text, or blocks with the tools' answers in the calls."""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list, plain, text
from chasm_git.session.model import Part
from chasm_git.session.times import iso


def design_fields(record: Any) -> dict[str, Any]:
    """Role, content and time of one message, for `Builder.message`."""
    outer = as_dict(record)
    message = as_dict(outer.get("content"))
    role = text(outer.get("role")) or message.get("role")
    time = iso(message.get("timestamp")) or iso(outer.get("created_at"))
    parts = [part for block in as_list(message.get("contentBlocks")) for part in _block(as_dict(block))]
    said = text(message.get("content")) or text(outer.get("content"))
    if said is not None and not any(part["type"] == "text" for part in parts):
        parts.insert(0, {"type": "text", "text": said})
    names = [text(as_dict(item).get("name")) for item in as_list(message.get("attachments"))]
    parts += [{"type": "file", "name": name} for name in names if name is not None]
    if role not in ("user", "assistant", "system") or not parts:
        return {"role": "event", "timestamp": time}
    return {"role": role, "timestamp": time, "injected": role == "system", "content": plain(parts)}


def _block(block: dict[str, Any]) -> list[Part]:
    kind = block.get("type")
    if kind in ("text", "thinking") and (said := text(block.get("text"))) is not None:
        return [{"type": kind, "text": said}]
    if kind == "error" and (said := text(block.get("message"))) is not None:
        return [{"type": "error", "text": said}]
    if kind == "tool_call":
        call = as_dict(block.get("toolCall"))
        own: Part = {"id": call["id"]} if type(call.get("id")) is str else {}
        made: list[Part] = [
            {"type": "tool_call", **own, "name": text(call.get("name")) or "tool", "arguments": call.get("input")}
        ]
        if (output := call.get("output")) is not None:
            made.append({"type": "tool_result", **own, "content": output if type(output) is str else [_json(output)]})
        return made
    return []


def _json(value: Any) -> Part:
    from chasm_git.session import jsonio

    return {"type": "text", "text": jsonio.dumps(value).decode()}
