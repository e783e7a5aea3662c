"""What a bubble says: Cursor's name for one piece of a conversation, a prompt, a text, a thought or a call.

Pure functions of one bubble, of every version there was. Everything it holds beyond that stays in `native`.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.formats.vscode_uris import reference_to
from chasm_git.providers.reading.openai_chat import image_of
from chasm_git.providers.reading.values import as_dict, as_list, plain, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part
from chasm_git.session.times import iso

_EPOCH = 946684800000
"""Smaller numbers are milliseconds since the editor was started."""
_ROLES = {1: "user", 2: "assistant", "user": "user", "ai": "assistant", "assistant": "assistant"}
_STATES = {"cancelled": "interrupted", "loading": "partial", "error": "failed"}
_MOST_NESTED = 60


def role_of(bubble: dict[str, Any]) -> str:
    """Who said it; ``event`` where that is not known."""
    kind = bubble.get("type")
    return _ROLES.get(kind, "event") if type(kind) is int or type(kind) is str else "event"


def time_of(bubble: dict[str, Any]) -> str | None:
    """When it was said: the bubble's own time, or that of the request it belongs to."""
    if (time := iso(bubble.get("createdAt"))) is not None:
        return time
    timing = as_dict(bubble.get("timingInfo"))
    for name in ("clientRpcSendTime", "clientStartTime", "clientSettleTime", "clientEndTime"):
        moment = timing.get(name)
        if (type(moment) is int or type(moment) is float) and moment >= _EPOCH:
            return iso(moment)
    return None


def model_of(value: dict[str, Any]) -> str | None:
    """The model a bubble (``modelInfo``) or a whole conversation (``modelConfig``) names."""
    for name in ("modelInfo", "modelConfig"):
        if (found := text(as_dict(value.get(name)).get("modelName"))) is not None:
            return found
    return text(value.get("modelType"))


def fields_of(bubble: dict[str, Any], tool: Json = None) -> dict[str, Any]:
    """The fields of the message a bubble becomes.

    Args:
        tool: what the conversation knows of the call in this bubble, where the bubble itself does not.
    """
    role = role_of(bubble)
    if role == "user":
        return {"role": role, "content": plain([*_said(bubble), *_given(bubble)])}
    if role == "event":
        return {"role": role, "content": plain(_said(bubble))}
    parts: list[Part] = [{"type": "thinking", "text": thought} for thought in _thoughts(bubble)]
    parts += _said(bubble)
    fields: dict[str, Any] = {"role": role}
    call = as_dict(bubble.get("toolFormerData")) or as_dict(tool)
    if call.get("name") or call.get("toolCallId"):
        fields["json_texts"] = _add_call(call, parts)
        state = call.get("status")
        fields["status"] = _STATES.get(state) if type(state) is str and state != "error" else None
    if (part := _error(bubble.get("errorDetails"))) is not None:
        parts.append(part)
        fields["status"] = "failed"
    counts = tokens(bubble.get("tokenCount"), "inputTokens", "outputTokens")
    if counts is not None and any(counts.values()):  # nearly all are zero
        fields["usage"] = counts
    return fields | {"content": plain(parts), "model": model_of(bubble)}


def _said(bubble: dict[str, Any]) -> list[Part]:
    for name in ("text", "rawText", "initText"):
        if (said := text(bubble.get(name))) is not None:
            return [{"type": "text", "text": _shown(said) or said if said.startswith('{"root"') else said}]
    said = text(bubble.get("richText"))
    shown = _shown(said) if said is not None else None
    return [{"type": "text", "text": shown}] if shown else []


def _shown(rich: str) -> str | None:
    """The plain text of an editor's document (Lexical); None where it is none."""
    try:
        root = as_dict(jsonio.loads(rich.encode("utf-8", "surrogatepass"))).get("root")
    except ValueError:
        return None
    if type(root) is not dict:
        return None
    return "\n".join(_inline(node, 0) for node in as_list(root.get("children")))


def _inline(node: Json, depth: int) -> str:
    node = as_dict(node)
    if node.get("type") == "linebreak":
        return "\n"
    if type(said := node.get("text")) is str:
        return said
    return "".join(_inline(child, depth + 1) for child in as_list(node.get("children"))) if depth < _MOST_NESTED else ""


def _thoughts(bubble: dict[str, Any]) -> list[str]:
    own = bubble.get("thinking")
    thought = text(own.get("text") if type(own) is dict else own)
    if thought is not None:
        return [thought]
    blocks = [as_dict(block) for block in as_list(bubble.get("allThinkingBlocks"))]
    return [found for block in blocks if (found := text(block.get("thinking")) or text(block.get("text"))) is not None]


def _add_call(call: dict[str, Any], parts: list[Part]) -> dict[str, str]:
    """Add a call and what it gave back; gives the texts its arguments were stored as."""
    texts: dict[str, str] = {}
    part: Part = {"type": "tool_call"}
    key = call.get("toolCallId")
    if type(key) is str and key:
        part["id"] = key
    part["name"] = text(call.get("name")) or "tool"
    stored = text(call.get("rawArgs")) or text(call.get("params"))
    arguments: Json = stored if stored is not None else call.get("params")
    if stored is not None and stored[0] == "{":
        try:
            arguments = jsonio.loads(stored.encode("utf-8", "surrogatepass"))
            texts[f"content.{len(parts)}.arguments"] = stored
        except ValueError:
            arguments = stored  # cut off while it was streamed
    parts.append(part | {"arguments": arguments})
    result, fault = text(call.get("result")), call.get("error")
    failure = _failure(fault)
    if result is None and failure is None:
        return texts
    answer: Part = {"type": "tool_result"} | ({"id": key} if "id" in part else {})
    answer["content"] = result if result is not None else failure
    if call.get("status") == "error" or failure is not None:
        answer["is_error"] = True
    parts.append(answer)
    return texts


def _failure(fault: Json) -> str | None:
    """What went wrong with a call: an object, or its JSON text."""
    if type(fault) is dict:
        said = text(fault.get("clientVisibleErrorMessage")) or text(fault.get("message"))
        return said or jsonio.dumps(fault).decode()
    return text(fault)


def _error(details: Json) -> Part | None:
    if type(details) is str and details:
        return {"type": "error", "text": details}
    value = as_dict(details)
    said = text(value.get("message")) or text(as_dict(value.get("error")).get("message")) or text(value.get("error"))
    return {"type": "error", "text": said} if said is not None else None


def _given(bubble: dict[str, Any]) -> list[Part]:
    """What the user gave along: files, selections, images."""
    parts: list[Part] = []
    context = as_dict(bubble.get("context"))
    places = [as_list(context.get(name)) for name in ("fileSelections", "folderSelections", "selections")]
    for item in [item for place in places for item in place] + as_list(bubble.get("attachedCodeChunks")):
        found = as_dict(item)
        part = reference_to(found if "range" in found else found.get("uri")) or _path(found)
        if part is not None and part not in parts:
            parts.append(part)
    for item in [*as_list(bubble.get("images")), *as_list(context.get("selectedImages"))]:
        found = as_dict(item)
        if type(item) is str and item:
            parts.append(image_of(item))
        elif type(data := found.get("data")) is str and data:
            parts.append(image_of(data) if data.startswith("data:") else {"type": "image", "data": data})
        elif (path := text(found.get("path"))) is not None:
            parts.append({"type": "image", "uri": path})
    return parts


def _path(found: dict[str, Any]) -> Part | None:
    uri = found.get("uri")
    place = as_dict(uri)
    path = text(place.get("fsPath")) or text(place.get("path")) or text(found.get("relativeWorkspacePath")) or text(uri)
    return {"type": "reference", "uri": path} if path is not None else None
