"""Any session as VS Code's own: one request for each turn of the user, with all that was answered to it.

What VS Code has a place for is carried: the user's texts, images and files; texts, thinking, tool calls with their
results, references and errors of the answers. What it has none for is counted.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chasm_git.providers.formats.vscode_said import INVOCATION
from chasm_git.providers.formats.vscode_tools import model_name, parsed
from chasm_git.providers.writers.vscode_shown import attached_of, invocation_of, output_of, place_of
from chasm_git.providers.writers.vscode_state import text_part
from chasm_git.providers.writing.readback import Said
from chasm_git.session import jsonio, readable, times
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Message, Part, Session
from chasm_git.session.native import plain

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
_KINDS = {
    "reference": "references",
    "file": "attached files",
    "edit": "edits",
    "image": "images",
}
_MAY_BE_EMPTY = frozenset({"call", "result"})
_GAP = "\n\n"
"""Between two texts of one answer with nothing between them."""


@dataclass(slots=True)
class Converted:
    """A session's object for VS Code."""

    state: dict[str, Any]
    said: Said
    """What is said in it, as `readback.said` will see it."""
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
    title = readable.display_title(session)
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
    return Converted(state, turns.said(), +turns.left_out)


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
        if message.deleted:
            return
        kind = self._hidden(message)
        if kind is not None:
            self.left_out[kind] += 1
            errors = (part for part in readable.parts(message) if part.get("type") == "error")
            self.left_out["errors"] += message.role == "event" and next(errors, None) is not None
            return
        self.left_out["variants"] += len(message.variants)
        self.left_out["earlier versions"] += len(message.replaced)
        self.left_out["token counts"] += message.usage is not None
        parts = [plain(part, self._load) for part in readable.parts(message)]
        results = [part for part in parts if part.get("type") == "tool_result"]
        said = [part for part in parts if part.get("type") != "tool_result"]
        if message.status is not None and (message.role != "assistant" or not said):
            self.left_out["marks of unfinished answers"] += 1
        if message.injected or message.role == "tool":
            self.left_out["texts beside tool results"] += len(said)
        elif message.role == "user" and said:
            self._ask(message, said)
        elif said:
            self._answer(message, said)
        for part in results:
            self._result(message, part)

    def said(self) -> Said:
        """What is said in the turns."""
        return Counter(fact for turn in self.made for fact in _facts(turn) if fact[0] in _MAY_BE_EMPTY or fact[-1])

    def _hidden(self, message: Message) -> str | None:
        """Why a message is not shown; None where it is."""
        if message.role == "event":
            return "bookkeeping records"
        if message.sidechain or (message.file or "").endswith(".jsonl"):
            return "sub-agent messages"
        if message.inactive:
            return "messages off the conversation"
        if message.role == "system":
            return "system messages"
        results = any(part.get("type") == "tool_result" for part in readable.parts(message))
        return "injected context" if message.injected and not results else None

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
            variable = attached_of(part)
            if variable is None:
                self._leave(part)
            else:
                variables.append(variable)
        turn.request["variableData"] = {"variables": variables}

    def _leave(self, part: Part) -> None:
        """Count a part that has no place."""
        self.left_out[_KINDS.get(str(part.get("type")), "other content")] += 1

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
        if turn.model is not None and message.model not in (None, turn.model):
            self.left_out["names of models"] += 1
        self.left_out["times"] += bool(turn.response) and message.timestamp is not None  # of all, the last one stays
        self.left_out["marks of unfinished answers"] += turn.state != _COMPLETE
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
            made = invocation_of(part, len(turn.response))
            turn.response.append(made)
            if type(part.get("id")) is str:
                self._calls[part["id"]] = made
        elif kind == "error":
            turn.errors.append(str(text or part.get("code") or "unknown error"))
        elif kind == "reference" and (place := place_of(part)) is not None:
            turn.references.append({"kind": "reference", "reference": place})
        else:
            self._leave(part)

    def _result(self, message: Message, part: Part) -> None:
        """Give a result to its call."""
        key = part.get("id")
        made = self._calls.pop(key, None) if type(key) is str else None
        if made is None:
            turn = self.made[-1] if self.made else self._open(message)
            made = invocation_of({"id": key, "name": "tool"}, len(turn.response))
            turn.response.append(made)
        content = part.get("content")
        items = content if type(content) is list else [content]
        for item in items:
            item = item if type(item) is dict else {"type": "text", "text": item}
            output = output_of(item)
            if output is not None:
                made["resultDetails"]["output"].append(output)
            else:
                self._leave(item)
        made["resultDetails"]["isError"] = part.get("is_error") is True


def _facts(turn: _Turn) -> Iterator[tuple[str, ...]]:
    """What is said in a turn."""
    yield "user", turn.request["message"]["text"].strip()
    for variable in turn.request["variableData"]["variables"]:
        if variable["kind"] == "image":
            yield "image", variable["value"]["$base64"]
    text = ""
    for part in [*turn.response, {"kind": None}]:
        if "kind" not in part:
            text += part["value"]
            continue
        yield "assistant", text.strip()
        text = ""
        if part["kind"] == "thinking":
            yield "thinking", part["value"].strip()
        elif part["kind"] == INVOCATION:
            details = part["resultDetails"]
            yield "call", model_name(part["toolId"]), jsonio.dumps(parsed(details["input"])[0]).decode()
            texts = [output["value"] for output in details["output"] if output.get("isText") is True]
            if details["output"]:
                yield "result", _GAP.join(texts).strip()


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


def _milliseconds(timestamp: Any) -> int | None:
    """A time of a message as VS Code counts."""
    text = times.iso(timestamp)
    if text is None:
        return None
    return round(dt.datetime.fromisoformat(text).timestamp() * 1000) or None
