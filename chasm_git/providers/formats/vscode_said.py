"""What a VS Code request says: the user's text, and the parts of the answer that are not for the screen alone."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

from chasm_git.providers.formats.vscode_content import as_list, text_of
from chasm_git.session import jsonio

INVOCATION = "toolInvocationSerialized"
"""Kind of the parts that are tool calls."""

_ID_TAIL = re.compile(r"__vscode-\d+$")


def key_of(request: Any) -> Hashable:
    """What a request is known by: its id, else its time and text."""
    if type(request) is dict:
        key = request.get("requestId")
        if type(key) is str and key:
            return key
        time = request.get("timestamp")
        return (time if type(time) in (int, float) else None, message_text(request))
    return (type(request).__name__, bytes(request) if isinstance(request, bytes) else jsonio.dumps(request))


def message_text(request: dict[str, Any]) -> str:
    """What the user wrote."""
    message = request.get("message")
    if type(message) is not dict:
        return message if type(message) is str else ""
    text = message.get("text")
    if type(text) is str:
        return text
    pieces = [part.get("text") for part in as_list(message.get("parts")) if type(part) is dict]
    return "".join(piece for piece in pieces if type(piece) is str)


def covers(later: Any, earlier: Any) -> bool:
    """Whether the request `later` says all that `earlier` says; both have the same key."""
    if type(later) is not dict or type(earlier) is not dict:
        return True  # the key is the value
    return message_text(later) == message_text(earlier) and goes_on(response_of(later), response_of(earlier))


def goes_on(later: list[Any], earlier: list[Any]) -> bool:
    """Whether all that one response says is in a later one, in the same order, perhaps grown."""
    said = iter(_said(later))
    return all(any(_grew(now, then) for now in said) for then in _said(earlier))


def _said(response: list[Any]) -> list[tuple[str, str]]:
    """Kind and text (or id) of each part."""
    made = []
    for part in response:
        kind = part.get("kind") if type(part) is dict else None
        if kind is None:
            made.append(("text", text_of(part)))
        elif kind == "thinking":
            value = part.get("value")
            pieces = value if type(value) is list else [value]
            made.append(("thinking", "".join(piece for piece in pieces if type(piece) is str)))
        elif kind == INVOCATION:
            made.append(("tool", stripped(part.get("toolCallId"))))
    return [(kind, text) for kind, text in made if text]


def _grew(now: tuple[str, str], then: tuple[str, str]) -> bool:
    return now[0] == then[0] and now[1].startswith(then[1])


def response_of(request: dict[str, Any]) -> list[Any]:
    """The parts of a request's response, however old."""
    response = request.get("response")
    if type(response) is list:
        return response
    return [response] if type(response) in (str, dict) else []


def stripped(key: Any) -> str:
    """An id of a tool call without the tail VS Code gives it."""
    return _ID_TAIL.sub("", key) if type(key) is str else ""
