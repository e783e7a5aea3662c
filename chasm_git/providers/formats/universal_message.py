"""What a message in universal JSON says: our own export's names, OpenAI's, and ShareGPT's."""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.openai_chat import calls_of, content_of
from chasm_git.providers.reading.values import as_dict, as_list, plain, text
from chasm_git.session.model import Part
from chasm_git.session.times import iso

_ROLES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "model": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
_TIMES = ("timestamp", "created_at", "createdAt", "create_time", "time")
_BESIDE = frozenset({"references", "edits", "images", "files", "error"})
"""Keys of what is said beside the text."""


def fields_of(record: Any) -> dict[str, Any]:
    """Role, content and the like, for `Builder.message`."""
    message = as_dict(record)
    named = message.get("role", message.get("from"))
    role = _ROLES.get(named.lower()) if type(named) is str else None
    if role is None:
        return {"role": "event"}
    said = content_of(message.get("content", message.get("value", message.get("text"))))
    parts: list[Part] = [{"type": "text", "text": said}] if type(said) is str and said else list(as_list(said))
    fields: dict[str, Any] = {"role": role, "timestamp": _time(message), "model": text(message.get("model"))}
    if role == "tool":
        return fields | {"content": [_result(message, parts), *_rest(message)]}
    thoughts = message.get("thinking", message.get("reasoning_content"))
    thoughts = [thoughts] if type(thoughts) is str else as_list(thoughts)
    thinking: list[Part] = [{"type": "thinking", "text": thought} for thought in thoughts if text(thought)]
    parts = thinking + parts
    calls = as_list(message.get("tool_calls"))
    if any("function" in as_dict(call) for call in calls):
        made, fields["json_texts"] = calls_of(calls, len(parts))
        parts += made
    else:
        parts += [part for call in calls for part in _call(as_dict(call))]
    parts += _rest(message)
    if not parts:
        return {"role": "event", "timestamp": fields["timestamp"]}
    fields["injected"] = message.get("injected") is True
    fields["sidechain"] = message.get("sidechain") is True
    fields["inactive"] = message.get("inactive") is True
    if message.get("status") in ("partial", "interrupted", "failed"):
        fields["status"] = message["status"]
    return fields | {"content": plain(parts)}


def _time(message: dict[str, Any]) -> str | None:
    for name in _TIMES:
        if name in message and (found := iso(message[name])) is not None:
            return found
    return None


def _result(message: dict[str, Any], parts: list[Part]) -> Part:
    key = text(message.get("tool_call_id"))
    part: Part = {"type": "tool_result"} | ({"id": key} if key is not None else {}) | {"content": plain(parts)}
    return part | ({"is_error": True} if message.get("is_error") is True else {})


def _call(call: dict[str, Any]) -> list[Part]:
    """A call of our own export, which carries its result."""
    own: Part = {"id": call["id"]} if text(call.get("id")) else {}
    made: list[Part] = [
        {"type": "tool_call", **own, "name": text(call.get("name")), "arguments": call.get("arguments")}
    ]
    result, images = call.get("result"), _named("image", call.get("images"))
    if own and (type(result) is str or images):
        said: list[Part] = [{"type": "text", "text": result}] if text(result) else []
        answer: Part = {"type": "tool_result", **own, "content": plain(said + images)}
        made.append(answer | ({"is_error": True} if call.get("is_error") is True else {}))
    return made


def _rest(message: dict[str, Any]) -> list[Part]:
    made: list[Part] = []
    if _BESIDE.isdisjoint(message):
        return made
    for kind in ("reference", "edit"):
        found = [item for item in as_list(message.get(f"{kind}s")) if text(as_dict(item).get("uri"))]
        made += [{"type": kind, **{name: value for name, value in item.items() if name != "type"}} for item in found]
    made += _named("image", message.get("images")) + _named("file", message.get("files"))
    if (fault := text(message.get("error"))) is not None:
        made.append({"type": "error", "text": fault})
    return made


def _named(kind: str, names: Any) -> list[Part]:
    return [{"type": kind, "name": name} for name in as_list(names) if text(name)]
