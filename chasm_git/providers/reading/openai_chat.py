"""Messages in the shape of OpenAI's chat API, which several clients store as they send them.

Pure functions of one message. Everything it holds beyond that stays in the message's `native`.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list, plain, text
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part

_ROLES = {"user": "user", "assistant": "assistant", "tool": "tool", "system": "system", "developer": "system"}


def fields_of(message: dict[str, Json]) -> dict[str, Json]:
    """The fields of the message it becomes: ``role`` and ``content`` always, ``json_texts`` where it calls tools.

    System messages are injected: nobody typed them.
    """
    role = _ROLES.get(kind) if type(kind := message.get("role")) is str else None
    if role is None:
        return {"role": "event", "content": ""}
    content = content_of(message.get("content"))
    if role == "tool":
        part: Part = {"type": "tool_result"}
        if type(key := message.get("tool_call_id")) is str:
            part["id"] = key
        return {"role": "tool", "content": [part | {"content": content}]}
    if role == "system":
        return {"role": "system", "content": content, "injected": True}
    if role == "user":
        return {"role": "user", "content": content}
    parts = [{"type": "text", "text": content}] if type(content) is str and content else as_list(content)
    if thought := text(message.get("reasoning_content")) or text(message.get("reasoning")):
        parts = [{"type": "thinking", "text": thought}, *parts]
    made, texts = calls_of(message.get("tool_calls"), len(parts))
    return {"role": role, "content": plain([*parts, *made]), "json_texts": texts}


def calls_of(calls: Json, at: int = 0) -> tuple[list[Part], dict[str, str]]:
    """The tool calls of an answer, and the texts their arguments were stored as, by their place in the content.

    Args:
        at: how many parts stand before them.
    """
    parts: list[Part] = []
    texts: dict[str, str] = {}
    for call in as_list(calls):
        if type(call) is not dict:
            continue
        function = as_dict(call.get("function"))
        part: Part = {"type": "tool_call"}
        if type(key := call.get("id")) is str:
            part["id"] = key
        if type(name := function.get("name")) is str:
            part["name"] = name
        stored = function.get("arguments")
        part["arguments"] = value = arguments_of(stored)
        if type(stored) is str and value is not stored:
            texts[f"content.{at + len(parts)}.arguments"] = stored
        parts.append(part)
    return parts, texts


def arguments_of(stored: Json) -> Json:
    """The value of arguments that may be stored as their JSON text; a text that is none stays as it is."""
    if type(stored) is not str or not stored.lstrip().startswith("{"):
        return stored
    try:
        return jsonio.loads(stored.encode())
    except ValueError:  # cut off while it was streamed
        return stored


def content_of(stored: Json) -> str | list[Part]:
    """A message's content as typed parts, or as its text where it is nothing else."""
    if type(stored) is str:
        return stored
    return plain([part for block in as_list(stored) if (part := _part(block)) is not None])


def _part(block: Json) -> Part | None:
    if type(block) is str:
        return {"type": "text", "text": block}
    block = as_dict(block)
    kind = block.get("type")
    if kind in ("text", "input_text", "output_text"):
        return {"type": "text", "text": said} if type(said := block.get("text")) is str else None
    if kind == "think":
        return {"type": "thinking", "text": said if type(said := block.get("think")) is str else ""}
    if kind == "image_url" or kind == "imageUrl":
        return image_of(block.get(kind))
    return None


def image_of(stored: Json) -> Part:
    """An image by its address, which may hold the image itself (``data:``)."""
    url: Any = stored.get("url") if type(stored) is dict else stored
    if type(url) is not str:
        return {"type": "image"}
    head = url[:200].partition(",")[0]
    if not (head.startswith("data:") and head.endswith(";base64")):
        return {"type": "image", "uri": url}
    media_type = head.removeprefix("data:").removesuffix(";base64")
    return {"type": "image", **({"media_type": media_type} if media_type else {}), "data": url[len(head) + 1 :]}
