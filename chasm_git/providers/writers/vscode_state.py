"""What VS Code can load of a session's object, and how to mend what it cannot.

VS Code reads all requests or none: one part of one message that it does not know empties the whole session, and the
next thing it does is to write the empty session over the file. So every object is looked through before it is written
or put into the list of chats.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chasm_git.providers.formats.vscode_content import as_dict, as_list
from chasm_git.providers.formats.vscode_said import message_text
from chasm_git.session.model import Json

_SPANNED = frozenset(
    {"text", "var", "tool", "toolset", "agent", "subcommand", "slash", "prompt", "dynamic"},
)
"""Kinds of the parts of a user's message; of any other, VS Code says that it is unknown and gives up."""
_LISTS = ("contentReferences", "codeCitations", "followups", "responseMarkdownInfo")


def faults(state: dict[str, Any]) -> Iterator[str]:
    """Why VS Code would not load a session whole, a line each; none where it would."""
    requests = state.get("requests")
    if type(requests) is not list:
        yield "it has no list of requests"
        return
    for number, request in enumerate(requests, 1):
        if type(request) is not dict:
            yield f"request {number} is no object"
            continue
        yield from (f"request {number}: {fault}" for fault in _request_faults(request))
    seen: set[str] = set()
    for request in requests:
        key = request.get("requestId") if type(request) is dict else None
        if type(key) is str and key in seen:
            yield f"two requests are called {key}"
        elif type(key) is str:
            seen.add(key)


def mend(state: dict[str, Any]) -> list[str]:
    """Make a session one that VS Code loads, by changing no more than what it stumbles over.

    Returns:
        What was changed, a line each; nothing where it was sound.
    """
    found = [*faults(state)]
    if not found:
        return []
    requests = [request for request in as_list(state.get("requests")) if type(request) is dict]
    state["requests"] = requests
    seen: set[str] = set()
    for request in requests:
        _mend_request(request)
        key = request.get("requestId")
        if type(key) is str and key in seen:
            del request["requestId"]  # it gets a new one when it is loaded
        elif type(key) is str:
            seen.add(key)
    return found


def text_part(text: str) -> dict[str, Json]:
    """The one part of a user's message that is nothing but text; places count UTF-16 units, as VS Code does."""
    lines = text.split("\n")
    return {
        "range": {"start": 0, "endExclusive": _units(text)},
        "editorRange": {
            "startLineNumber": 1,
            "startColumn": 1,
            "endLineNumber": len(lines),
            "endColumn": _units(lines[-1]) + 1,
        },
        "text": text,
        "kind": "text",
    }


def _units(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)


def _request_faults(request: dict[str, Any]) -> Iterator[str]:
    message = request.get("message")
    if type(message) is dict:
        parts = message.get("parts")
        if type(parts) is not list or type(message.get("text")) is not str:
            yield "its message has no parts or no text"
        elif not all(map(_is_part, parts)):
            yield "its message has a part of an unknown kind, or without a place"
    elif type(message) is not str:
        yield "it has no message"
    response = request.get("response")
    if response is not None and type(response) is not str:
        if type(response) is not list:
            yield "its answer is no list"
        elif not all(type(part) in (str, dict) for part in response):
            yield "its answer has a part that is no object"
    if request.get("agent") is not None and type(request["agent"]) is not dict:
        yield "its agent is no object"
    variables = as_dict(request.get("variableData")).get("variables")
    if type(variables) is list and not all(type(variable) is dict for variable in variables):
        yield "something attached is no object"
    for name in _LISTS:
        if request.get(name) is not None and type(request[name]) is not list:
            yield f"its {name} is no list"


def _is_part(part: Any) -> bool:
    if type(part) is not dict or part.get("kind") not in _SPANNED:
        return False
    span = part.get("range")
    if type(span) is not dict:
        return False
    start, end = span.get("start"), span.get("endExclusive")
    if not isinstance(start, int | float) or not isinstance(end, int | float) or start > end:
        return False
    return part["kind"] != "agent" or type(part.get("agent")) is dict


def _mend_request(request: dict[str, Any]) -> None:
    message, response = request.get("message"), request.get("response")
    parts = as_list(as_dict(message).get("parts"))
    if type(message) is not str and (
        type(message) is not dict
        or type(message.get("text")) is not str
        or type(message.get("parts")) is not list
        or not all(map(_is_part, parts))
    ):
        text = message_text(request)
        request["message"] = {**as_dict(message), "text": text, "parts": [text_part(text)]}
    if type(response) is list:
        request["response"] = [part for part in response if type(part) in (str, dict)]
    elif type(response) is dict:
        request["response"] = [response]
    elif response is not None and type(response) is not str:
        request["response"] = []
    if request.get("agent") is not None and type(request["agent"]) is not dict:
        del request["agent"]
    attached = as_dict(request.get("variableData"))
    if type(attached.get("variables")) is list:
        attached["variables"] = [variable for variable in attached["variables"] if type(variable) is dict]
    for name in _LISTS:
        if request.get(name) is not None and type(request[name]) is not list:
            del request[name]
