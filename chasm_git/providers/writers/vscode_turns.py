"""Any session as VS Code's own: one request for each turn of the user, with all that was answered to it.

What VS Code has a place for is carried: the user's texts, images and files; texts, thinking, tool calls with their
results, references and errors of the answers. What it has none for is counted.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from chasm_git.providers._vscode_said import INVOCATION
from chasm_git.providers.writers.vscode_state import text_part
from chasm_git.session import jsonio, times
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Message, Part, Session
from chasm_git.session.native import plain
from chasm_git.session.readable import display_title

_AGENT: dict[str, Json] = {
    "id": "github.copilot.editsAgent",
    "name": "agent",
    "fullName": "GitHub Copilot",
    "extensionId": {"value": "GitHub.copilot-chat", "_lower": "github.copilot-chat"},
    "extensionPublisherId": "GitHub",
    "publisherDisplayName": "GitHub",
    "extensionDisplayName": "GitHub Copilot Chat",
    "isDefault": True,
    "locations": ["panel"],
    "modes": ["agent"],
    "slashCommands": [],
    "disambiguation": [],
    "metadata": {},
}
_COMPLETE, _CANCELLED, _FAILED = 1, 2, 3
_STATES = {"partial": _CANCELLED, "interrupted": _CANCELLED, "failed": _FAILED}
_LONGEST_LABEL = 80
_GAP = "\n\n"
"""Between two texts of one answer with nothing between them."""


@dataclass(slots=True)
class Converted:
    """A session's object for VS Code."""

    state: dict[str, Any]
    left_out: Counter[str] = field(default_factory=Counter)
    """What is not in it, by kind."""


@dataclass(slots=True)
class _Turn:
    """A request that is being filled."""

    request: dict[str, Any]
    response: list[Any] = field(default_factory=list)
    references: list[Any] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    state: int = _COMPLETE
    completed: int | None = None
    model: str | None = None


def converted(session: Session, session_id: str, load: Load, marker: tuple[str, Json]) -> Converted:
    """A session as VS Code's.

    Args:
        session_id: the id it gets.
        marker: key and value of what says where it comes from. It stands in the session's object, and in the first
            answer, where VS Code keeps it.

    Raises KeyError where an attachment is missing.
    """
    turns = _Turns(session_id, load)
    for message in session.messages:
        turns.add(message)
    requests = [_finished(turn) for turn in turns.made]
    if requests:
        requests[0].setdefault("result", {}).setdefault("metadata", {})[marker[0]] = marker[1]
    created = _milliseconds(session.created_at) or next((r["timestamp"] for r in requests if "timestamp" in r), None)
    state: dict[str, Any] = {"version": 3}
    if created is not None:
        state["creationDate"] = created
    title = display_title(session)
    if title:
        state["customTitle"] = title
    state |= {
        "initialLocation": "panel",
        "responderUsername": "GitHub Copilot",
        "sessionId": session_id,
        "requests": requests,
        "hasPendingEdits": False,
        "pendingRequests": [],
        marker[0]: marker[1],
    }
    return Converted(state, turns.left_out)


class _Turns:
    """Cuts a session into turns, message by message."""

    def __init__(self, session_id: str, load: Load) -> None:
        self.made: list[_Turn] = []
        self.left_out: Counter[str] = Counter()
        self._session_id = session_id
        self._load = load
        self._calls: dict[str, dict[str, Any]] = {}
        """Tool calls that wait for their result."""

    def add(self, message: Message) -> None:
        """Take in a message."""
        kind = self._hidden(message)
        if kind is not None:
            self.left_out[kind] += 1
            return
        self.left_out["variant"] += len(message.variants)
        self.left_out["usage"] += message.usage is not None
        parts = [plain(part, self._load) for part in message.parts()]
        results = [part for part in parts if part.get("type") == "tool_result"]
        said = [part for part in parts if part.get("type") != "tool_result"]
        if message.role == "user" and said:
            self._ask(message, said)
        elif said:
            self._answer(message, said)
        for part in results:
            self._result(message, part)

    def _hidden(self, message: Message) -> str | None:
        """Why a message is not shown; None where it is."""
        if message.deleted:
            return "forgotten message"
        for name in ("inactive", "sidechain"):
            if getattr(message, name):
                return f"{name} message"
        if message.role in ("event", "system"):
            return message.role
        if message.injected and not any(part.get("type") == "tool_result" for part in message.parts()):
            return "injected message"
        return None

    def _ask(self, message: Message, said: list[Part]) -> None:
        """A new request, with what the user sent."""
        turn = self._open(message)
        texts = [part["text"] for part in said if part.get("type") == "text" and type(part.get("text")) is str]
        text = _GAP.join(texts)
        turn.request["message"] = {"text": text, "parts": [text_part(text)]}
        variables = []
        for part in said:
            if part.get("type") == "text":
                continue
            variable = _attached(part)
            if variable is None:
                self.left_out[str(part.get("type"))] += 1
            else:
                variables.append(variable)
        turn.request["variableData"] = {"variables": variables}

    def _open(self, message: Message) -> _Turn:
        seed = uuid.uuid5(uuid.NAMESPACE_OID, f"{self._session_id}\n{message.id}")
        request: dict[str, Any] = {"requestId": f"request_{seed}"}
        asked = _milliseconds(message.timestamp)
        if asked is not None:
            request["timestamp"] = asked
        request["message"] = {"text": "", "parts": [text_part("")]}
        request["variableData"] = {"variables": []}
        request["responseId"] = f"response_{seed}"
        turn = _Turn(request, completed=asked)
        self.made.append(turn)
        return turn

    def _answer(self, message: Message, said: list[Part]) -> None:
        """More of the answer to the last request."""
        turn = self.made[-1] if self.made else self._open(message)
        turn.model = message.model or turn.model
        turn.completed = _milliseconds(message.timestamp) or turn.completed
        turn.state = _STATES.get(message.status or "", _COMPLETE)
        for part in said:
            self._part(turn, part)

    def _part(self, turn: _Turn, part: Part) -> None:
        kind, text = part.get("type"), part.get("text")
        if kind == "text" and type(text) is str:
            after_text = turn.response and "kind" not in turn.response[-1]
            turn.response.append({"value": _GAP + text if after_text else text})
        elif kind == "thinking" and type(text) is str:
            turn.response.append({"kind": "thinking", "value": text, "id": f"thinking_{len(turn.response)}"})
        elif kind == "tool_call":
            made = _invocation(part, len(turn.response))
            turn.response.append(made)
            if type(part.get("id")) is str:
                self._calls[part["id"]] = made
        elif kind == "error":
            turn.errors.append(str(text or part.get("code") or "unknown error"))
        elif kind == "reference" and (place := _place(part)) is not None:
            turn.references.append({"kind": "reference", "reference": place})
        else:
            self.left_out[str(kind)] += 1

    def _result(self, message: Message, part: Part) -> None:
        """Give a result to its call."""
        key = part.get("id")
        made = self._calls.pop(key, None) if type(key) is str else None
        if made is None:
            turn = self.made[-1] if self.made else self._open(message)
            made = _invocation({"id": key, "name": "tool"}, len(turn.response))
            turn.response.append(made)
        content = part.get("content")
        items = content if type(content) is list else [{"type": "text", "text": content}]
        for item in items:
            output = _output(item)
            if output is not None:
                made["resultDetails"]["output"].append(output)
            else:
                self.left_out[str(item.get("type")) if type(item) is dict else "result"] += 1
        made["resultDetails"]["isError"] = part.get("is_error") is True


def _finished(turn: _Turn) -> dict[str, Any]:
    """The request of a turn, with its answer."""
    request = turn.request
    request["response"] = turn.response
    request["agent"] = _AGENT
    request["modelState"] = {"value": turn.state} | ({"completedAt": turn.completed} if turn.completed else {})
    if turn.model is not None:
        request["modelId"] = turn.model
    if turn.references:
        request["contentReferences"] = turn.references
    result: dict[str, Any] = {"details": turn.model} if turn.model is not None else {}
    if turn.errors:
        result["errorDetails"] = {"message": _GAP.join(turn.errors)}
    request["result"] = result
    return request


def _invocation(part: Part, number: int) -> dict[str, Any]:
    """A tool call as the screen shows it."""
    name = str(part.get("name") or "tool")
    arguments = part.get("arguments")
    said = arguments if type(arguments) is str else jsonio.dumps(arguments if arguments is not None else {}).decode()
    label = _label(arguments)
    shown = f"{name}: {label}" if label else name
    key = part.get("id")
    return {
        "kind": INVOCATION,
        "toolCallId": key if type(key) is str and key else f"call_{number}",
        "toolId": name,
        "invocationMessage": {"value": _escaped(shown)},
        "pastTenseMessage": {"value": _escaped(shown)},
        "isConfirmed": {"type": 1},
        "isComplete": True,
        "source": {"type": "internal", "label": "Built-In"},
        "resultDetails": {"input": said, "output": [], "isError": False},
    }


def _label(arguments: Json) -> str:
    """The argument that tells most: the first short text."""
    values = arguments.values() if type(arguments) is dict else [arguments]
    for value in values:
        if type(value) is str and value.strip():
            line = value.strip().splitlines()[0]
            return line if len(line) <= _LONGEST_LABEL else line[: _LONGEST_LABEL - 1] + "…"
    return ""


def _escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    return "".join("\\" + char if char in "\\`*_{}[]()#+-.!<>|~$&" else char for char in text)


def _output(item: Any) -> dict[str, Json] | None:
    """A piece of a result."""
    if type(item) is not dict:
        item = {"type": "text", "text": item}
    text = item.get("text")
    if item.get("type") == "text":
        if text is None or text == "":
            return {"type": "embed", "isText": True, "value": ""}
        said = text if type(text) is str else jsonio.dumps(text).decode()
        return {"type": "embed", "isText": True, "value": said}
    if item.get("type") == "image" and type(item.get("data")) is str:
        return {"type": "embed", "isText": False, "value": item["data"], "mimeType": item.get("media_type")}
    if item.get("type") == "reference" and (place := _place({**item, "range": None})) is not None:
        return {"type": "ref", "uri": place}
    return None


def _attached(part: Part) -> dict[str, Json] | None:
    """Something the user sent with the text."""
    kind = part.get("type")
    if kind == "image" and type(part.get("data")) is str:
        name = part.get("name") or "image"
        return {
            "id": f"image_{uuid.uuid5(uuid.NAMESPACE_OID, part['data'])}",
            "name": name,
            "kind": "image",
            "value": {"$base64": part["data"]},
            "mimeType": part.get("media_type"),
            "references": [],
        }
    if kind in ("reference", "file") and (place := _place(part)) is not None:
        uri = str(part["uri"])
        name = part.get("name") or PurePosixPath(unquote(uri)).name or uri
        return {"kind": "file", "id": uri, "name": name, "value": place}
    return None


def _place(part: Part) -> dict[str, Json] | None:
    """A URI, or a location in a file, as VS Code stores it; None for what is neither URI nor absolute path."""
    uri = part.get("uri")
    if type(uri) is not str:
        return None
    if uri.startswith("/"):
        uri = "file://" + quote(uri, safe="/~")
    scheme, colon, rest = uri.partition(":")
    if not colon or len(scheme) < 2 or not scheme.isascii() or not scheme.replace("-", "").isalnum():
        return None
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    authority, path = "", rest
    if rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        path = slash + path
    made: dict[str, Json] = {"$mid": 1, "external": uri, "path": unquote(path), "scheme": scheme}
    for key, value in (("authority", authority), ("query", query), ("fragment", fragment)):
        if value:
            made[key] = unquote(value)
    if scheme == "file" and not authority:
        made["fsPath"] = made["path"]
    lines = part.get("range")
    if type(lines) is list and len(lines) == 2 and all(type(line) is int and line > 0 for line in lines):
        first, last = lines
        area = {"startLineNumber": first, "startColumn": 1, "endLineNumber": last, "endColumn": 1}
        return {"uri": made, "range": area}
    return made


def _milliseconds(timestamp: Any) -> int | None:
    """A time of a message as VS Code counts."""
    import datetime as dt

    text = times.iso(timestamp)
    if text is None:
        return None
    return round(dt.datetime.fromisoformat(text).timestamp() * 1000) or None
