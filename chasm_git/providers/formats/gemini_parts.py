"""Content in the shape of Google's Gemini API, as Gemini CLI and Qwen Code store it: lists of parts.

Pure functions of one message. Everything it holds beyond that stays in the message's `native`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list, text
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part

HARNESS = (
    "<session_context>",
    "<hook_context>",
    "<state_snapshot>",
    "<system-reminder>",
    "<qwen:user-prompt-submit-context>",
    "This is the Gemini CLI. We are setting up the context for our chat.",
    "This is the Qwen Code. We are setting up the context for our chat.",
)
"""How texts begin that the client puts beside what its user typed."""


def parts_of(stored: Json) -> list[Part]:
    """The typed parts of content: a text, a part, or a list of both."""
    if type(stored) is str:
        return [{"type": "text", "text": stored}] if stored else []
    listed = [stored] if type(stored) is dict else as_list(stored)
    return [part for block in listed for part in _parts(block)]


def typed(parts: list[Part]) -> tuple[list[Part], bool]:
    """What of a prompt's parts a person typed, and whether nobody typed any of it (then all parts come)."""
    kept = [part for part in parts if not is_harness(part)]
    return (kept, False) if kept or not parts else (parts, True)


def is_harness(part: Part) -> bool:
    """Whether a part is a text the client wrote."""
    return part["type"] == "text" and type(said := part["text"]) is str and said.lstrip().startswith(HARNESS)


def _parts(block: Json) -> Iterator[Part]:
    if type(block) is str:
        yield {"type": "text", "text": block}
    if type(block) is not dict:
        return
    if type(said := block.get("text")) is str:
        yield {"type": "thinking" if block.get("thought") is True else "text", "text": said}
    if type(call := block.get("functionCall")) is dict:
        yield call_of(call, "args")
    if type(response := block.get("functionResponse")) is dict:
        yield result_of(response)
        yield from (part for item in as_list(response.get("parts")) for part in _parts(item))
    if type(data := block.get("inlineData")) is dict:
        yield _file(data, "data", "data")
    if type(data := block.get("fileData")) is dict:
        yield _file(data, "fileUri", "uri")


def call_of(call: dict[str, Any], arguments: str) -> Part:
    """A tool call by its id, name and arguments."""
    part: Part = {"type": "tool_call"}
    part.update((key, value) for key in ("id", "name") if type(value := call.get(key)) is str)
    part["arguments"] = call.get(arguments)
    return part


def result_of(response: dict[str, Any]) -> Part:
    """What a tool gave back: its output, its error, or whatever else it is as JSON."""
    part: Part = {"type": "tool_result"}
    if type(key := response.get("id")) is str:
        part["id"] = key
    given = response.get("response")
    answer = as_dict(given)
    for name in ("output", "error", "content"):
        if type(said := answer.get(name)) is str:
            part["content"] = said
            break
    else:
        part["content"] = given if type(given) is str else "" if not given else jsonio.dumps(given).decode()
    if answer.get("error"):
        part["is_error"] = True
    return part


def _file(data: dict[str, Any], stored: str, place: str) -> Part:
    kind = text(data.get("mimeType"))
    part: Part = {"type": "image" if (kind or "").startswith("image/") else "file"}
    if kind is not None:
        part["media_type"] = kind
    if type(value := data.get(stored)) is str:
        part[place] = value
    return part
