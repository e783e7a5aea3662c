"""Messages of opencode and Kilo, which are the same in files and in the database: what they say.

A message is an object (role, times, model, tokens) with parts: texts, thoughts, tool calls with what came of them,
files, marks of steps. Pure functions; everything else these objects hold stays in the message's `native`.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list, plain, text, tokens
from chasm_git.session.model import Json, Part
from chasm_git.session.times import iso

NOT_KNOWN = "unknown"
"""Model and provider of an answer that was put there from another tool: the client insists on some."""
_ABORTED = "MessageAbortedError"
_ENDED = frozenset({"completed", "success", "error"})


def fields_of(info: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The fields of the message an object and its parts become, see `Builder.message`."""
    role = info.get("role")
    if role == "assistant":
        return _answer(info, parts)
    if role == "user":
        return _prompt(info, parts)
    return {"role": "event", "timestamp": time_of(info, "created")}


def time_of(info: dict[str, Any], *names: str) -> str | None:
    """The first of these times that an object has."""
    times = as_dict(info.get("time"))
    return next((found for name in names if (found := iso(times.get(name))) is not None), None)


def _prompt(info: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
    typed: list[Part] = []
    added: list[Part] = []
    for part in parts:
        made = _prompt_part(part)
        if made is not None:
            (added if part.get("synthetic") or part.get("ignored") else typed).append(made)
    if not parts and (body := text(as_dict(info.get("summary")).get("body"))) is not None:
        typed.append({"type": "text", "text": body})  # the first versions had no parts of prompts
    fields: dict[str, Any] = {"role": "user", "timestamp": time_of(info, "created"), "content": plain(typed or added)}
    if not typed:
        fields["injected"] = True
        if not added:  # a mark: compact the conversation here
            fields["role"] = "event"
    return fields


def _prompt_part(part: dict[str, Any]) -> Part | None:
    kind = part.get("type")
    if kind == "text":
        return {"type": "text", "text": said} if type(said := part.get("text")) is str else None
    if kind == "file":
        return _file(part)
    if kind == "subtask":
        return {"type": "text", "text": said} if (said := text(part.get("prompt"))) is not None else None
    return None


def _answer(info: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
    content: list[Part] = []
    for part in parts:
        content += _answer_parts(part)
    fields: dict[str, Any] = {
        "role": "assistant",
        "timestamp": time_of(info, "completed", "created"),
        "model": _model(info),
        "usage": _usage(info.get("tokens")),
    }
    error = info.get("error")
    if error:
        content.append(_error(error))
        fields["status"] = "interrupted" if as_dict(error).get("name") == _ABORTED else "failed"
    elif time_of(info, "completed") is None and not info.get("finish"):
        fields["status"] = "partial"
    return fields | {"content": plain(content)}


def _model(info: dict[str, Any]) -> str | None:
    named = text(info.get("modelID")) or text(as_dict(info.get("model")).get("modelID"))
    return named if named != NOT_KNOWN or info.get("providerID") != NOT_KNOWN else None


def _answer_parts(part: dict[str, Any]) -> list[Part]:
    kind = part.get("type")
    said = part.get("text")
    if kind == "text":
        return [{"type": "text", "text": said}] if type(said) is str else []
    if kind == "reasoning":
        return [{"type": "thinking", "text": said}] if type(said) is str else []
    if kind == "tool":
        return _tool(part)
    if kind == "file":
        return [_file(part)]
    if kind == "patch":
        return [{"type": "edit", "uri": path} for path in as_list(part.get("files")) if type(path) is str]
    if kind == "retry":
        return [_error(part.get("error"))]
    return []


def _tool(part: dict[str, Any]) -> list[Part]:
    """A tool call, and what came of it once it has ended."""
    state = as_dict(part.get("state"))
    key = {"id": key} if type(key := part.get("callID")) is str else {}
    call: Part = {"type": "tool_call", **key}
    if type(name := part.get("tool")) is str:
        call["name"] = name
    call["arguments"] = state.get("input")
    if text(state.get("status")) not in _ENDED:
        return [call]
    failed = state.get("status") == "error"
    output = state.get("error" if failed else "output")
    result: Part = {"type": "tool_result", **key, "content": output if type(output) is str else ""}
    files = [_file(item) for item in as_list(state.get("attachments")) if type(item) is dict]
    if files:
        result["content"] = [{"type": "text", "text": result["content"]}, *files]
    if failed:
        result["is_error"] = True
    return [call, result]


def _file(part: dict[str, Any]) -> Part:
    """A file by its address, which may hold the file itself (``data:``)."""
    media_type, url = part.get("mime"), part.get("url")
    made: Part = {"type": "image" if type(media_type) is str and media_type.startswith("image/") else "file"}
    if type(media_type) is str:
        made["media_type"] = media_type
    if type(name := part.get("filename")) is str:
        made["name"] = name
    if type(url) is str:
        head, _, data = url.partition(",") if url.startswith("data:") else ("", "", "")
        made |= {"data": data} if head.endswith(";base64") and data else {"uri": url}
    return made


def _error(error: Json) -> Part:
    said = as_dict(error)
    message = text(as_dict(said.get("data")).get("message")) or text(said.get("message"))
    code = text(said.get("name"))
    made: Part = {"type": "error", "text": message or code or (error if type(error) is str else "")}
    return made | ({"code": code} if code is not None else {})


def _usage(counts: Json) -> dict[str, Json] | None:
    made = tokens(counts, "input", "output")
    if made is None:
        return None
    cache = as_dict(as_dict(counts).get("cache"))
    for ours, theirs in (("cache_read_input_tokens", "read"), ("cache_creation_input_tokens", "write")):
        if type(count := cache.get(theirs)) in (int, float):
            made[ours] = count
    return made
