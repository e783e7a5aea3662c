"""From the rows of a Codex rollout to the messages of a session.

What a row becomes depends on the rows above it only, so that a file that has grown begins with the messages it had;
`_undo` is the one exception.
"""

from __future__ import annotations

import re
from typing import Any

from chasm_git.providers.base import Problem
from chasm_git.providers.formats.codex_items import read_item, working_directory
from chasm_git.providers.formats.codex_names import Name
from chasm_git.providers.reading import jsonl
from chasm_git.providers.reading.values import origin_id, scoped_id
from chasm_git.session import times
from chasm_git.session.build import Builder
from chasm_git.session.model import Message, Part, Role, Session

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)

_ENDS_ANSWER = frozenset(
    {
        "context_compacted",
        "task_complete",
        "task_started",
        "thread_rolled_back",
        "turn_aborted",
        "turn_complete",
        "turn_started",
        "user_message",
    }
)
"""Events that no model answer goes on after."""


class Rollout:
    """Takes in the rows of one file, in order.

    Args:
        path: named in problems.
        file: name of the file as the client gave it.
    """

    def __init__(self, path: str, file: str) -> None:
        self.path = path
        self.file = file
        name = file.removesuffix(".jsonl")
        self.id = found[0].lower() if (found := _UUID.search(name)) is not None else name
        """The session's id: its own, else that in the name of its file."""
        self.builder = Builder()
        self.problems: list[Problem] = []
        self.name: Name | None = None
        self._header: dict[str, Any] | None = None
        self._origin: str | None = None
        """Id of the session whose rows a fork begins with."""
        self._workspace: str | None = None
        self._model: str | None = None
        self._answer: str | None = None
        """Id of the first row of the model answer that is being read."""
        self._after_result = False
        self._total: Any = None
        """Tokens of the whole session when they were last counted."""
        self._counts_responses = False
        """Usage is written for each response (0.169); the running counts only repeat it."""
        self._prompts: list[int] = []
        """Positions of the prompts that stand."""

    def add(self, row: jsonl.Row) -> None:
        """Take in one row, whatever it holds."""
        record, line = row.record, row.line
        if row.error is not None and row.error != jsonl.EMPTY:
            self.problems.append(Problem(self.path, row.error, row.number, fatal=False))
        if type(record) is not dict:
            self._keep(record, "event", None, line)
            return
        timestamp = times.iso(record.get("timestamp", record.get("created_at")))
        kind, payload = record.get("type"), record.get("payload")
        if type(kind) is str and type(payload) is dict:
            if kind == "response_item":
                self._item(record, payload, _text(payload.get("type")) or "", timestamp, line)
            else:
                self._event(record, kind, payload, timestamp, line)
        elif type(kind) is str or "role" in record:
            self._item(record, record, kind if type(kind) is str else "message", timestamp, line)
        else:
            if "id" in record and "timestamp" in record:
                self._meta(record)
            self._end_answer()  # {"record_type":"state"} stands before the rows of each answer
            self._keep(record, "event", timestamp, line)

    def session(self, tail: bytes | None) -> Session:
        """The session these rows are, without its title."""
        header = self._header or {}
        return Session(
            self.id,
            "codex",
            workspace=_text(header.get("cwd")) or self._workspace,
            created_at=next((m.timestamp for m in self.builder.messages if m.timestamp is not None), None),
            parent=_parent(header),
            forked_from=_text(header.get("forked_from_id")) or self._origin or origin_id(header),
            git=_git(header.get("git")),
            native={"name": self.file, **jsonl.tail_value(tail, self.builder.attachments)},
            messages=self.builder.messages,
        )

    def _keep(
        self,
        record: Any,
        role: Role,
        timestamp: str | None,
        line: bytes | None,
        content: str | list[Part] = "",
        **fields: Any,
    ) -> Message:
        """Add a message. Rows have no ids: their content makes them.

        One that says no time (bare rows) stands in many files; there the session's id is part of it.
        """
        key = scoped_id(self.id, record, line) if timestamp is None else None
        return self.builder.message(
            record, id=key, role=role, timestamp=timestamp, content=content, line=line, **fields
        )

    def _item(self, record: Any, item: dict[str, Any], kind: str, timestamp: str | None, line: bytes | None) -> None:
        """A row the model saw or wrote."""
        found = read_item(item, kind)
        if found is None:
            self._keep(record, "event", timestamp, line)
            return
        role = found.role
        if role == "assistant":
            if self._after_result and found.starts_answer:
                self._end_answer()
            self._after_result = False
        elif role == "tool":
            self._after_result = True
        else:
            self._end_answer()
            if role == "user" and not found.injected:
                self._prompts.append(len(self.builder.messages))
            elif self._workspace is None:
                self._workspace = working_directory(found.content)
        made = self._keep(
            record,
            role,
            timestamp,
            line,
            found.content,
            json_texts=found.json_texts if line is None else None,
            model=self._model if role == "assistant" else None,
            status=found.status,
            injected=found.injected,
        )
        if role == "assistant":
            self._answer = made.turn = self._answer or made.id

    def _end_answer(self) -> None:
        self._answer = None
        self._after_result = False

    def _event(
        self, record: Any, kind: str, payload: dict[str, Any], timestamp: str | None, line: bytes | None
    ) -> None:
        """A row about the session or the screen."""
        content: str | list[Part] = ""
        fields: dict[str, Any] = {}
        if kind == "event_msg":
            inner = _text(payload.get("type")) or ""
            if inner == "token_count":
                fields["usage"] = self._counted(payload.get("info"))
            elif inner == "thread_name_updated":
                self._rename(payload, timestamp)
            elif inner == "thread_rolled_back":
                self._undo(payload.get("num_turns"))
            elif inner in ("error", "task_complete", "turn_aborted", "turn_complete"):
                content, fields["status"] = _failure(inner, payload)
            if inner in _ENDS_ANSWER:
                self._end_answer()
        elif kind == "token_usage_record":
            self._counts_responses = True
            fields["usage"] = usage if type(usage := payload.get("usage")) is dict else None
            self._end_answer()
        elif kind == "turn_context":
            fields["model"] = self._model = _text(payload.get("model")) or self._model
            self._workspace = self._workspace or _text(payload.get("cwd"))
            self._end_answer()
        elif kind == "session_meta":
            self._meta(payload)
        elif kind == "compacted":
            content = _text(payload.get("message")) or ""
            self._end_answer()
        self._keep(record, "event", timestamp, line, content, **fields)

    def _meta(self, payload: dict[str, Any]) -> None:
        """The first is the session's own; the next with another id that of the session it was forked from."""
        if self._header is None:
            self._header = payload
            self.id = _text(payload.get("id")) or self.id
        elif self._origin is None and payload.get("id") != self._header.get("id"):
            self._origin = _text(payload.get("id"))

    def _counted(self, info: Any) -> dict[str, Any] | None:
        """The tokens of one model answer, once: a count is written again whenever something else in it changes."""
        if type(info) is not dict:
            self._total = None  # a process that has counted nothing yet
            return None
        total, last = info.get("total_token_usage"), info.get("last_token_usage")
        if total == self._total:
            return None
        self._total = total
        self._end_answer()
        return last if type(last) is dict and not self._counts_responses else None

    def _rename(self, payload: dict[str, Any], timestamp: str | None) -> None:
        own = (self._header or {}).get("id")
        if payload.get("thread_id", own) == own:  # a fork repeats the rows of another session
            text = (_text(payload.get("thread_name")) or "").strip()
            self.name = Name(text, timestamp or "") if text else None

    def _undo(self, count: Any) -> None:
        """The user went back `count` prompts: what came since is no longer part of the conversation.

        The one place where a row changes messages above it.
        """
        if type(count) is not int or count < 1 or not self._prompts:
            return
        for message in self.builder.messages[self._prompts[-min(count, len(self._prompts))] :]:
            message.inactive = message.role != "event"
        del self._prompts[-count:]


def _failure(kind: str, payload: dict[str, Any]) -> tuple[str | list[Part], str | None]:
    """What an event says went wrong: the content and the status of its message."""
    if kind == "turn_aborted":
        reason = _text(payload.get("reason"))
        return [{"type": "error", "text": reason}] if reason else "", "interrupted"
    error = payload.get("error")
    if type(error) is not dict:
        if kind != "error":
            return "", None
        error = payload
    part: Part = {"type": "error", "text": _text(error.get("message")) or ""}
    code = error.get("codex_error_info", error.get("kind"))
    if type(code) is str:
        part["code"] = code
    return [part], "failed"


def _text(value: Any) -> str | None:
    return value if type(value) is str and value else None


def _parent(header: dict[str, Any]) -> str | None:
    """The session that started this one as its agent."""
    value: Any = header.get("source")
    for key in ("subagent", "thread_spawn", "parent_thread_id"):
        value = value.get(key) if type(value) is dict else None
    return _text(value) or _text(header.get("parent_thread_id"))


def _git(value: Any) -> dict[str, Any] | None:
    if type(value) is not dict:
        return None
    names = (("branch", "branch"), ("commit", "commit_hash"), ("remote", "repository_url"))
    return {ours: text for ours, theirs in names if (text := _text(value.get(theirs)))} or None
