"""What Codex's response items mean: the pieces of conversation a rollout is made of.

An item is the ``payload`` of a ``response_item`` row, or a whole row of the files before Codex 0.32. `read_item` says
role and content of one; it looks at nothing else, so that a row means the same wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from chasm_git.session import jsonio
from chasm_git.session.model import Part, Role

_WRAPPED = re.compile(r"\s*<([a-z_]+)[^<>\n]{0,200}>", re.IGNORECASE)
_CONTEXT_TAGS = frozenset(
    {
        "apps_instructions",
        "codex_internal_context",
        "collaboration_mode",
        "environment_context",
        "extension_context",
        "goal_context",
        "hook_prompt",
        "model_switch",
        "permissions",
        "personality_spec",
        "plugins_instructions",
        "realtime_conversation",
        "recommended_plugins",
        "skill",
        "skills",
        "skills_instructions",
        "subagent_notification",
        "token_budget",
        "turn_aborted",
        "user_action",
        "user_instructions",
        "user_shell_command",
    }
)
"""Elements the client wraps around what it writes in the user's name. A prompt that quotes one goes on after it."""

_CONTEXT_STARTS = ("# AGENTS.md instructions",)
_IMAGE_LABEL = re.compile(r"<image(?: name=[^\n]*)?>|</image>")
_CWD = re.compile(r"<cwd>([^<\n]+)</cwd>|Current working directory: ([^\n]+)")
_STATUS = {"incomplete": "partial", "in_progress": "partial", "failed": "failed"}
_IMAGE_TYPES = {"iVBOR": "image/png", "/9j/": "image/jpeg", "UklGR": "image/webp", "R0lGO": "image/gif"}


class Item(NamedTuple):
    """A response item as `Builder.message` takes it."""

    role: Role
    content: str | list[Part]
    injected: bool = False
    status: str | None = None
    json_texts: dict[str, str] | None = None
    starts_answer: bool = False
    """Only a new answer of the model can begin with this after a tool's result."""


def read_item(item: dict[str, Any], kind: str) -> Item | None:
    """What an item of type `kind` means; None for bookkeeping and for types that are not known."""
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(item)
    if kind.endswith("_call"):
        return _call(item)
    if kind.endswith(("_output", "_result")):
        return _result(item)
    return None


def working_directory(content: str | list[Part]) -> str | None:
    """The folder an environment block names: all there is in files before Codex 0.32."""
    for text in [content] if isinstance(content, str) else [part.get("text", "") for part in content]:
        found = _CWD.search(text, 0, 4000)
        if found is not None:
            return (found[1] or found[2]).strip()
    return None


def _message(item: dict[str, Any]) -> Item | None:
    role = item.get("role")
    parts = _parts(item["content"] if "content" in item else item.get("message"))
    content = _simplest(parts)
    if role == "assistant":
        status = item.get("status")
        return Item(
            "assistant", content, status=_STATUS.get(status) if type(status) is str else None, starts_answer=True
        )
    if role == "user":
        return Item("user", content, injected=_is_injected(item, parts))
    if role in ("developer", "system"):
        return Item("system", content, injected=True)
    return None


def _is_injected(item: dict[str, Any], parts: list[Part]) -> bool:
    """Whether the client wrote this in the user's name.

    Newer clients say what each piece is (``user.text``, ``environments.environment_context``); for the others the
    text has to tell.
    """
    passthrough = item.get("internal_chat_message_metadata_passthrough")
    kinds = passthrough.get("content_item_kinds") if type(passthrough) is dict else None
    if type(kinds) is list and kinds and all(type(kind) is str for kind in kinds):
        if any(kind.startswith("user.") for kind in kinds):
            return False
        if "unknown" not in kinds:
            return True
    return bool(parts) and all(part["type"] == "text" and _is_context(part["text"]) for part in parts)


def _is_context(text: str) -> bool:
    if text.startswith(_CONTEXT_STARTS):
        return True
    opening = _WRAPPED.match(text)
    if opening is None or (tag := opening[1].lower()) not in _CONTEXT_TAGS:
        return False
    ending = text[-200:].rstrip().lower()
    return ending.endswith(">") and f"</{tag}" in ending[ending.rfind("<") :]


def _parts(content: Any) -> list[Part]:
    """The text and images of an item's content; other pieces stay in the record."""
    if type(content) is str:
        return [{"type": "text", "text": content}]
    if type(content) is dict:
        content = [content]
    elif type(content) is not list:
        return []
    parts: list[Part] = []
    images = False
    for piece in content:
        if type(piece) is str:
            parts.append({"type": "text", "text": piece})
        elif type(piece) is dict:
            url = piece.get("image_url")
            if type(url) is dict:
                url = url.get("url")
            text = piece.get("text", piece.get("refusal"))
            if type(url) is str:
                images = True
                parts.append(_image(url))
            elif type(text) is str:
                parts.append({"type": "text", "text": text})
    if images:  # the client writes a label around each
        return [part for part in parts if part["type"] == "image" or not _IMAGE_LABEL.fullmatch(part["text"])]
    return parts


def _simplest(parts: list[Part]) -> str | list[Part]:
    """A single text as the string it is."""
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _image(url: str) -> Part:
    head, comma, data = url.partition(",") if url.startswith("data:") else ("", "", "")
    if comma and head.endswith(";base64") and len(head) < 200:
        return {"type": "image", "media_type": head[5:-7], "data": data}
    return {"type": "image", "uri": url}


def _reasoning(item: dict[str, Any]) -> Item:
    """Thinking: its summary, and the thought itself where the model shows it; an encrypted one has no text."""
    texts: list[Part] = []
    for key in ("summary", "content"):
        texts += [
            {"type": "thinking", "text": part["text"]} for part in _parts(item.get(key)) if part["type"] == "text"
        ]
    return Item("assistant", texts or [{"type": "thinking", "text": ""}], starts_answer=True)


def _id(item: dict[str, Any]) -> str | None:
    """What ties a call and its result together."""
    return next((value for key in ("call_id", "id") if type(value := item.get(key)) is str), None)


def _call(item: dict[str, Any]) -> Item:
    """A tool call; ``arguments`` is JSON in a string, ``input`` free text, ``action`` a value."""
    kind = item["type"]
    function = item.get("function")
    name = item.get("name", function.get("name") if type(function) is dict else None)
    given = next((item[key] for key in ("arguments", "input", "action") if key in item), None)
    part: Part = {
        "type": "tool_call",
        "id": _id(item),
        "name": name if type(name) is str else kind.removesuffix("_call"),
        "arguments": given,
    }
    if type(given) is str and kind != "custom_tool_call" and given.lstrip()[:1] in ("{", "["):
        try:
            part["arguments"] = jsonio.loads(given.encode())
        except ValueError:  # a call that was cut off: the text as it is
            return Item("assistant", [part])
        return Item("assistant", [part], json_texts={"content.0.arguments": given})
    return Item("assistant", [part])


def _result(item: dict[str, Any]) -> Item:
    """A tool's result; an error only where the record says so itself."""
    output = next((item[key] for key in ("output", "result", "content") if key in item), None)
    wrapped = output if type(output) is dict else {}
    content: str | list[Part]
    if type(output) is str:
        content = output
    elif type(wrapped.get("content")) is str:
        content = wrapped["content"]
    else:
        content = _parts(output) or (jsonio.dumps(output).decode() if wrapped else "")
    part: Part = {"type": "tool_result", "id": _id(item), "content": content}
    if item.get("success") is False or wrapped.get("success") is False or item.get("status") == "failed":
        part["is_error"] = True
    return Item("tool", [part])


def _image_generation(item: dict[str, Any]) -> Item:
    """A picture the model made: call and result are one item."""
    call: Part = {
        "type": "tool_call",
        "id": _id(item),
        "name": "image_generation",
        "arguments": item.get("revised_prompt"),
    }
    data = item.get("result")
    if type(data) is not str or not data:
        return Item("assistant", [call])
    media_type = next((kind for start, kind in _IMAGE_TYPES.items() if data.startswith(start)), "image/png")
    return Item("assistant", [call, {"type": "image", "media_type": media_type, "data": data}])


def _agent_message(item: dict[str, Any]) -> Item:
    """What another agent says to this one."""
    return Item("user", _simplest(_parts(item.get("content"))), injected=True)


_READERS: dict[str, Callable[[dict[str, Any]], Item | None]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _call,
    "function_call_output": _result,
    "custom_tool_call": _call,
    "custom_tool_call_output": _result,
    "image_generation_call": _image_generation,
    "agent_message": _agent_message,
}
