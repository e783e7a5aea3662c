"""A task of Cline, Roo Code or Kilo Code: a folder in which the same conversation stands twice.

::

    tasks/<task>/api_conversation_history.json    what the model is sent and answers (claude_messages.json before)
    tasks/<task>/ui_messages.json                 what the user is shown, with times and tokens
    tasks/<task>/task_metadata.json               and other files about the task

The messages of the model are the session's, the rows shown are its events; where the former are missing, the latter
are the conversation. A session's `native` is::

    {"first": "api_conversation_history.json"     the session's file; its records are messages without `Message.file`
     "lists": ["ui_messages.json"]                files whose records are messages
     "files": {name: kept}}                       files that are kept as they are: see `document.kept_file`
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem, Reading
from chasm_git.providers.formats import cline_content, cline_shown
from chasm_git.providers.reading import document
from chasm_git.providers.reading.values import as_dict, as_list, identity, origin_id, scoped_id, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Session
from chasm_git.session.native import record_line
from chasm_git.session.times import iso

SENT = ("api_conversation_history.json", "claude_messages.json")
SHOWN = "ui_messages.json"
_ABOUT = "history_item.json"
_NUMBER = re.compile(r"\d{13}")


def is_part(name: str) -> bool:
    """Whether a file in a task's folder is part of the task."""
    return (
        name in (*SENT, SHOWN, _ABOUT, "task_metadata.json", "context_history.json")
        or (name.startswith("focus_chain") and name.endswith(".md"))
    )  # fmt: skip


class Task:
    """Reads one task.

    Args:
        path: the file of the task that is named first.
        names: the other files.
        about: what the client's list of tasks says of this one.
    """

    def __init__(self, path: Path, names: list[str], session: Session, about: dict[str, Any]) -> None:
        self.path = path
        self.session = session
        self.about = about
        self.builder = Builder()
        self.problems: list[Problem] = []
        self.lists: dict[str, list[Any]] = {}
        self.files: dict[str, Any] = {}
        self._own = path.name
        for name in (self._own, *names):
            self._load(name)
        self.sent = next((name for name in SENT if self.lists.get(name)), None)
        self.cwd: str | None = None
        self.call: str | None = None
        self.has_tokens = False

    def reading(self) -> Reading:
        """The task's session; none where nobody said anything in it."""
        sent = self.lists.get(self.sent or "", [])
        rows = self.lists.get(SHOWN, [])
        self.has_tokens = any(cline_shown.bookkeeping(row).get("usage") for row in rows if type(row) is dict)
        self._add(sent, rows, _times(sent, rows))
        if not any(message.role in ("user", "assistant") for message in self.builder.messages):
            for problem in self.problems:
                return Reading(problems=[Problem(problem.path, problem.reason)])
            return Reading()
        session = self.session
        about = self.about
        session.workspace = text(about.get("workspace")) or text(about.get("cwdOnTaskInitialization")) or self.cwd
        session.parent = text(about.get("parentTaskId"))
        session.forked_from = origin_id(self.files.get("task_metadata.json"))
        session.created_at = self._began()
        session.native = {"first": self.path.name, "lists": [*self.lists], "files": self.files}
        session.messages = self.builder.messages
        return Reading([session], self.builder.attachments, self.problems)

    def _load(self, name: str) -> None:
        path = self.path.with_name(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            if path == self.path:
                raise
            if not isinstance(error, FileNotFoundError):
                self.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))
            return
        if name == SHOWN or name in SENT:
            try:
                value = jsonio.loads(data.removeprefix(document.BOM))
                if type(value) is list:
                    self.lists[name] = value
                    return
                reason = "not a list of messages"
            except ValueError as error:
                reason = f"not JSON: {error}"
            self.problems.append(Problem(str(path), reason, fatal=False))
        self.files[name] = document.kept_file(data, self.builder.attachments)
        if name == _ABOUT:
            self.about = document.value_of(data) or self.about

    def _add(self, sent: list[Any], rows: list[Any], times: list[str | None]) -> None:
        """Add both lists, each row where it was shown."""
        at = 0
        shown = cline_shown.Shown() if self.sent is None else None
        for row in rows:
            record = as_dict(row)
            index, time = record.get("conversationHistoryIndex"), iso(record.get("ts"))
            while at < len(sent) and _is_above(at, times[at], index, time):
                self._message(sent[at], times[at], self.sent)
                at += 1
            self._row(row, record, time, shown)
        for number in range(at, len(sent)):
            self._message(sent[number], times[number], self.sent)
        for name in SENT:
            if name in self.lists and name != self.sent:
                for record in self.lists[name]:
                    key = scoped_id(self.session.id, record)
                    line = document.line_of(record)
                    self.builder.message(record, id=key, role="event", line=line, file=self._file(name))

    def _row(self, row: Any, record: dict[str, Any], time: str | None, shown: cline_shown.Shown | None) -> None:
        ts = record.get("ts")
        key = f"ui-{ts}" if type(ts) is int else scoped_id(self.session.id, row)
        fields = shown.fields_of(record, key) if shown is not None else cline_shown.bookkeeping(record)
        line, file = document.line_of(row), self._file(SHOWN)
        self.builder.message(row, id=key, timestamp=time, line=line, file=file, **fields)

    def _message(self, item: Any, time: str | None, name: str | None) -> None:
        """Add one message of the model or to it."""
        record = as_dict(item)
        role, content = record.get("role"), record.get("content")
        key = identity(record.get("id")) or scoped_id(self.session.id, [role, content])
        fields: dict[str, Any] = {"role": "event"}
        if role == "assistant":
            made = cline_content.answer(content, key)
            self.call = made.call
            info, metrics = as_dict(record.get("modelInfo")), as_dict(record.get("metrics"))
            fields = {"role": "assistant", "model": text(info.get("modelId"))}
            if not self.has_tokens:
                fields["usage"] = tokens(metrics.get("tokens"), "prompt", "completion")
        elif role == "user":
            made = cline_content.prompt(content, self.call)
            self.call, self.cwd = None, self.cwd or made.cwd
            fields = {"role": "user" if made.is_typed or not made.has_results else "tool"}
            if fields["role"] == "user" and (not made.is_typed or record.get("isSummary") is True):
                fields["injected"] = True
        else:
            made = cline_content.Content()
            if (thought := _summary(record)) is not None:
                made.parts.append({"type": "thinking", "text": thought})
                fields = {"role": "assistant"}
        if not made.parts and fields["role"] == "user":
            fields = {"role": "event"}
        file = self._file(name) if name is not None else None
        content, line = made.stored(), document.line_of(item)
        self.builder.message(
            item, id=key, timestamp=time, content=content, line=line, derived=made.derived, file=file, **fields
        )

    def _file(self, name: str) -> str | None:
        return name if name != self._own else None

    def _began(self) -> str | None:
        rows = self.lists.get(SHOWN, [])
        first = iso(as_dict(rows[0]).get("ts")) if rows else None
        if first is None and _NUMBER.fullmatch(self.session.id):
            first = iso(int(self.session.id))
        return first or next((m.timestamp for m in self.builder.messages if m.timestamp is not None), None)


def _summary(record: dict[str, Any]) -> str | None:
    """A thought in a message of its own, as OpenAI's models give them."""
    if record.get("type") != "reasoning":
        return None
    said = [text(as_dict(item).get("text")) for item in as_list(record.get("summary"))]
    return "\n\n".join(item for item in said if item is not None) or None


def _times(sent: list[Any], rows: list[Any]) -> list[str | None]:
    """When each message was sent: its own time, or that of the first row that was shown after the message above it."""
    first: dict[int, str | None] = {}
    for row in rows:
        record = as_dict(row)
        index = record.get("conversationHistoryIndex")
        if type(index) is int:
            first.setdefault(index, iso(record.get("ts")))
    own = [iso(as_dict(item).get("ts")) for item in sent]
    return [time if time is not None else first.get(number - 1) for number, time in enumerate(own)]


def _is_above(number: int, time: str | None, index: Any, shown: str | None) -> bool:
    """Whether a message was sent before a row was shown."""
    if type(index) is int:
        return number <= index
    return time is not None and shown is not None and time <= shown


def export(session: Session, load: Load) -> dict[str, bytes]:
    """A task's files, its session's file first. Raises KeyError where an attachment is missing."""
    native = as_dict(session.native)
    first = native.get("first")
    files = {name: kept for name, kept in as_dict(native.get("files")).items() if is_part(name)}
    lists = [name for name in as_list(native.get("lists")) if type(name) is str and is_part(name)]
    first = (
        first if type(first) is str and (first in lists or first in files) else next(iter([*lists, *files]), SENT[0])
    )
    made: dict[str, bytes] = {str(first): b""}
    for name in lists:
        file = name if name != first else None
        lines = [record_line(m, load) for m in session.messages if m.file == file and m.native is not None]
        made[name] = b"[" + b",".join(lines) + b"]"
    for name, kept in files.items():
        made[name] = document.file_of(kept, load)
    return made
