"""What a message of Claude.ai says: its ``content`` blocks, with its ``text`` where there are none."""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list, plain, text
from chasm_git.session.model import Json, Part
from chasm_git.session.times import iso

_SEPARATORS = ("\n\n", "\n", "")
"""What may stand between the blocks in ``text``, which holds them all."""


def fields_of(record: Any) -> dict[str, Any]:
    """Role, content, time and the like of one of ``chat_messages``, for `Builder.message`."""
    message = as_dict(record)
    sender = message.get("sender")
    if sender not in ("human", "assistant"):
        return {"role": "event"}
    blocks = [part for block in as_list(message.get("content")) for part in parts_of(as_dict(block))]
    _pair(blocks, text(message.get("uuid")) or "call")
    said = text(message.get("text"))
    if not blocks and said is not None:
        blocks = [{"type": "text", "text": said}]
    derived = _derived(said, blocks)
    blocks += _attached(message)
    fields: dict[str, Any] = {
        "role": "user" if sender == "human" else "assistant",
        "timestamp": iso(message.get("created_at")),
        "model": text(message.get("model")),
        "derived": derived,
    }
    if not blocks:
        return {"role": "event", "timestamp": fields["timestamp"]}
    if message.get("truncated") is True:
        fields["status"] = "partial"
    return fields | {"content": plain(blocks)}


def parts_of(block: dict[str, Any]) -> list[Part]:
    """One block as parts; none for what says nothing."""
    kind = block.get("type")
    if kind in ("text", "voice_note"):
        said = text(block.get("text"))
        return [{"type": "text", "text": said}] if said is not None else []
    if kind == "thinking":
        summaries = [text(as_dict(item).get("summary")) for item in as_list(block.get("summaries"))]
        said = text(block.get("thinking")) or next((summary for summary in summaries if summary), None)
        return [{"type": "thinking", "text": said}] if said is not None else []
    if kind == "tool_use":
        call: Part = {"type": "tool_call"} | _id(block.get("id"))
        return [call | {"name": text(block.get("name")) or "tool", "arguments": block.get("input")}]
    if kind == "tool_result":
        result: Part = {"type": "tool_result"} | _id(block.get("tool_use_id")) | {"content": _result(block)}
        return [result | ({"is_error": True} if block.get("is_error") is True else {})]
    if kind == "image":
        source = as_dict(block.get("source"))
        image: Part = {"type": "image"}
        for ours, theirs in (("media_type", "media_type"), ("data", "data"), ("uri", "url")):
            if (value := text(source.get(theirs))) is not None:
                image[ours] = value
        return [image]
    return []


def _pair(parts: list[Part], owner: str) -> None:
    """Give calls without an id one, and the result that follows each the same: they belong together by their order."""
    waiting: list[str] = []
    for number, part in enumerate(parts):
        if "id" in part:
            continue
        if part["type"] == "tool_call":
            part["id"] = f"{owner}-{number}"
            waiting.append(part["id"])
        elif part["type"] == "tool_result" and waiting:
            part["id"] = waiting.pop(0)


def _id(value: Json) -> Part:
    return {"id": value} if type(value) is str else {}


def _result(block: dict[str, Any]) -> str | list[Part]:
    content = block.get("content")
    if type(content) is str:
        return content
    made: list[Part] = []
    for item in as_list(content):
        record = as_dict(item)
        said = text(record.get("text"))
        if record.get("type") == "image":
            made += parts_of(record)
        elif said is not None:
            made.append({"type": "text", "text": said})
        elif (name := text(record.get("file_path")) or text(record.get("url"))) is not None:
            made.append({"type": "text", "text": name})
    return plain(made)


def _attached(message: dict[str, Any]) -> list[Part]:
    """Files that came with the message: their text where the export has it, else their name."""
    made: list[Part] = []
    names: set[str] = set()
    for item in as_list(message.get("attachments")):
        record = as_dict(item)
        name, said = text(record.get("file_name")), text(record.get("extracted_content"))
        if name is not None:
            names.add(name)
            made.append({"type": "file", "name": name})
        if said is not None:
            made.append({"type": "text", "text": said})
    for item in as_list(message.get("files")):
        record = as_dict(item)
        name = text(record.get("file_name"))
        if name is not None and name not in names:
            names.add(name)
            kind = "image" if record.get("file_kind") == "image" else "file"
            made.append({"type": kind, "name": name})
    return made


def _derived(said: str | None, parts: list[Part]) -> dict[str, Json] | None:
    """How ``text`` comes back from the blocks it was joined from."""
    texts = [(number, part["text"]) for number, part in enumerate(parts) if part["type"] == "text"]
    if said is None or len(texts) < 2:
        return None
    for separator in _SEPARATORS:
        if separator.join(one for _, one in texts) == said:
            pieces: list[Json] = []
            for number, _ in texts:
                pieces += [separator, {"$": f"content.{number}.text"}] if pieces else [{"$": f"content.{number}.text"}]
            return {said: {"$cat": [piece for piece in pieces if piece]}}
    return None
