"""A converted session as opencode has it: a session, its messages, and their parts, each with an id.

Ids ascend, for the client goes by them; they begin below any the client makes, so that whatever is said next comes
after. What was never answered is written as the client closes it itself: aborted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chasm_git.providers.formats.opencode_parts import NOT_KNOWN
from chasm_git.providers.reading.values import as_dict
from chasm_git.providers.writing.contract import ORIGIN, WritePlan
from chasm_git.providers.writing.converting import IMAGE, Call, Conversation, Turn
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part, Session

_VERSION = "1.1.0"
_GLOBAL = "global"
_NO_TOKENS = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}


@dataclass(frozen=True, slots=True)
class Made:
    """A session as it is to stand in the store: objects with their ids in them."""

    info: dict[str, Json]
    messages: list[tuple[dict[str, Json], list[dict[str, Json]]]]
    """Each message with its parts."""

    def files(self, project: str) -> Iterator[tuple[str, bytes]]:
        """The files of versions before 1.2, by their paths; the session's own first."""
        key = self.info["id"]
        yield f"session/{project}/{key}.json", jsonio.dumps({**self.info, "projectID": project})
        for message, parts in self.messages:
            yield f"message/{key}/{message['id']}.json", jsonio.dumps(message)
            for part in parts:
                yield f"part/{message['id']}/{part['id']}.json", jsonio.dumps(part)


def session_key(derived: str) -> str:
    """The client's kind of id, from a derived one."""
    return f"ses_{hashlib.sha256(derived.encode()).hexdigest()[:26]}"


def project_of(storage: Path, folder: str) -> str:
    """The project a folder belongs to, by the client's own files; the one for all others where none has it."""
    for path in sorted((storage / "project").glob("*.json")):
        try:
            info = as_dict(jsonio.loads(path.read_bytes()))
        except ValueError:
            continue  # the reader of projects is the client: one it cannot read has no sessions
        if info.get("worktree") == folder and info.get("id") == path.stem:
            return path.stem
    return _GLOBAL


def made(plan: WritePlan, said: Conversation, session: Session, origin: dict[str, str]) -> Made:
    """The session's objects."""
    return _Maker(plan).made(said, session, origin)


class _Maker:
    def __init__(self, plan: WritePlan) -> None:
        self._key = plan.session_id
        self._folder = plan.folder or ""
        self._count = 0
        self._time = 0
        self._prompt: str | None = None

    def made(self, said: Conversation, session: Session, origin: dict[str, str]) -> Made:
        self._time = _milliseconds(session.created_at)
        begun = self._time
        messages = [self._message(turn) for turn in said.turns]
        messages[0][0][ORIGIN] = origin
        info: dict[str, Json] = {
            "id": self._key,
            "slug": self._key[4:16],
            "version": _VERSION,
            "projectID": _GLOBAL,
            "directory": self._folder,
            "title": said.title or self._key,
            "time": {"created": begun, "updated": max(begun, self._time)},
            ORIGIN: origin,
        }
        return Made(info, messages)

    def _id(self, kind: str) -> str:
        self._count += 1
        mark = hashlib.sha256(f"{self._key} {self._count}".encode()).hexdigest()[:14]
        return f"{kind}_{self._count:012x}{mark}"

    def _message(self, turn: Turn) -> tuple[dict[str, Json], list[dict[str, Json]]]:
        self._time = _milliseconds(turn.timestamp) or self._time
        key = self._id("msg")
        head: dict[str, Json] = {"id": key, "sessionID": self._key, "role": turn.role, "time": {"created": self._time}}
        if turn.role == "user":
            self._prompt = key
            head["agent"] = "build"
        else:
            head |= {
                "parentID": self._prompt or key,
                "mode": "build",
                "agent": "build",
                "path": {"cwd": self._folder, "root": self._folder},
                "cost": 0,
                "tokens": _NO_TOKENS,
                "modelID": turn.model or NOT_KNOWN,
                "providerID": NOT_KNOWN,
                "finish": "tool-calls" if turn.calls() else "stop",
            }
        parts = [self._part(key, item) for item in turn.items]
        if turn.role == "assistant":
            head["time"] = {"created": head["time"]["created"], "completed": self._time}
        return head, parts

    def _part(self, message: str, item: Part | Call) -> dict[str, Json]:
        head: dict[str, Json] = {"id": self._id("prt"), "sessionID": self._key, "messageID": message}
        times = {"start": self._time, "end": self._time}
        if isinstance(item, Call):
            return {**head, "type": "tool", "callID": item.id, "tool": item.name, "state": self._state(item)}
        if item["type"] == IMAGE:
            kind = item["media_type"]
            url = f"data:{kind};base64,{item['data']}"
            return {**head, "type": "file", "mime": kind, "filename": item.get("name") or "image", "url": url}
        kind = "reasoning" if item["type"] == "thinking" else "text"
        return {**head, "type": kind, "text": item["text"], "time": times}

    def _state(self, call: Call) -> dict[str, Any]:
        start = self._time
        self._time = max(start, _milliseconds(call.answered_at))
        made: dict[str, Any] = {"input": call.arguments, "time": {"start": start, "end": self._time}}
        if call.result is None:
            return {"status": "error", "error": "Tool execution aborted", **made}
        if call.is_error:
            return {"status": "error", "error": call.result, **made}
        return {"status": "completed", "output": call.result, "title": "", "metadata": {}, **made}


def _milliseconds(time: str | None) -> int:
    return round(dt.datetime.fromisoformat(time).timestamp() * 1000) if time is not None else 0
