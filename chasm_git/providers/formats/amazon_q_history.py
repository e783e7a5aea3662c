"""The history of a conversation as Amazon Q and Kiro keep it: pairs of what went to the model and what came back.

A pair is an object ``{user, assistant, request_metadata}``, or in older versions a list of two. It becomes two
messages: the first has the pair up to what the user sent, the second the rest of it.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part
from chasm_git.session.times import iso

FIRST, REST, WHOLE = "first", "rest", "whole"
"""Keys of records: the part of a pair that a message has, or a pair nobody knows."""


def add_history(builder: Builder, session: str, history: Json) -> None:
    """Add the messages of a history."""
    for pair in as_list(history):
        if type(pair) is dict and next(iter(pair), None) == "user" and "assistant" in pair:
            _add(builder, session, {"user": pair["user"]}, {key: pair[key] for key in pair if key != "user"}, pair)
        elif type(pair) is list and len(pair) == 2:
            _add(builder, session, pair[:1], pair[1:], {"user": pair[0], "assistant": pair[1]})
        else:
            builder.message({WHOLE: pair}, id=scoped_id(session, pair), role="event")


def history_of(records: list[Any]) -> list[Json]:
    """The history that records were made of."""
    made: list[Json] = []
    for record in map(as_dict, records):
        if WHOLE in record:
            made.append(record[WHOLE])
        elif FIRST in record:
            made.append(record[FIRST])
        elif made and type(made[-1]) is type(record.get(REST)):
            made[-1] = made[-1] | record[REST] if type(made[-1]) is dict else made[-1] + record[REST]
    return made


def _add(builder: Builder, session: str, first: Json, rest: Json, pair: dict[str, Any]) -> None:
    user, metadata = as_dict(pair["user"]), as_dict(pair.get("request_metadata"))
    sent = iso(user.get("timestamp")) or iso(metadata.get("request_start_timestamp_ms"))
    key = identity(user.get("message_id")) or scoped_id(session, pair["user"])
    builder.message({FIRST: first}, id=key, timestamp=sent, **_sent(user))
    answered = iso(metadata.get("stream_end_timestamp_ms")) or sent
    model = text(metadata.get("model_id"))
    answer = _answer(as_dict(pair["assistant"]))
    own = answer.pop("id") or scoped_id(session, [key, "assistant"])
    builder.message({REST: rest}, id=own, timestamp=answered, role="assistant", model=model, **answer)


def _sent(user: dict[str, Any]) -> dict[str, Any]:
    """What went to the model: a prompt, or what its tools gave back."""
    content = as_dict(user.get("content"))
    prompt = as_dict(content.get("Prompt"))
    used = as_dict(content.get("ToolUseResults")) or as_dict(content.get("CancelledToolUses"))
    parts = [_result(as_dict(item)) for item in as_list(used.get("tool_use_results"))]
    said = text(prompt.get("prompt")) or text(used.get("prompt"))
    role = "tool" if parts and said is None else "user"
    if said is not None:
        parts.append({"type": "text", "text": said})
    parts += [image for item in as_list(user.get("images")) if (image := _image(as_dict(item))) is not None]
    return {"role": role if content else "event", "content": plain(parts)}


def _result(item: dict[str, Any]) -> Part:
    texts = []
    for block in map(as_dict, as_list(item.get("content"))):
        if type(said := block.get("Text")) is str:
            texts.append(said)
        elif "Json" in block:
            texts.append(_said(block["Json"]))
    made: Part = {"type": "tool_result"} | ({"id": key} if type(key := item.get("tool_use_id")) is str else {})
    made["content"] = "\n".join(texts)
    return made | ({"is_error": True} if item.get("status") == "Error" else {})


def _said(value: Json) -> str:
    """What a command gave back is an object with its two streams and its exit status."""
    streams = [text(as_dict(value).get(name)) for name in ("stdout", "stderr")]
    if any(streams):
        return "\n".join(said for said in streams if said)
    return value if type(value) is str else jsonio.dumps(value).decode()


def _image(item: dict[str, Any]) -> Part | None:
    kind = text(item.get("format"))
    octets = as_dict(item.get("source")).get("Bytes")
    if type(octets) is str:
        return {"type": "image", "media_type": f"image/{kind or 'png'}", "data": octets}
    return {"type": "image"} if octets is not None else None


def _answer(assistant: dict[str, Any]) -> dict[str, Any]:
    said = as_dict(assistant.get("ToolUse")) or as_dict(assistant.get("Response"))
    parts: list[Part] = []
    if (content := text(said.get("content"))) is not None:
        parts.append({"type": "text", "text": content})
    for use in map(as_dict, as_list(said.get("tool_uses"))):
        known = {name: value for name in ("id", "name") if type(value := use.get(name)) is str}
        parts.append({"type": "tool_call", **known, "arguments": use.get("args")})
    return {"id": identity(said.get("message_id")), "content": plain(parts)}
