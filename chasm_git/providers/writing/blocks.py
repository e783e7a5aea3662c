"""Content of messages as Anthropic's interface has it, which several tools keep just so."""

from __future__ import annotations

from typing import Any

from chasm_git.providers.writing.converting import IMAGE, Call
from chasm_git.session.model import Json, Part


def block(item: Part | Call) -> dict[str, Any]:
    """The block of a text, an image or a call."""
    if isinstance(item, Call):
        return {"type": "tool_use", "id": item.id, "name": item.name, "input": item.arguments}
    if item["type"] == IMAGE:
        source = {"type": "base64", "media_type": item["media_type"], "data": item["data"]}
        return {"type": "image", "source": source}
    return {"type": "text", "text": item["text"]}


def result_block(call: Call) -> dict[str, Json]:
    """The block of what came of a call."""
    made: dict[str, Json] = {"tool_use_id": call.id, "type": "tool_result", "content": call.result}
    return {**made, "is_error": True} if call.is_error else made
