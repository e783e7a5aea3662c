"""Sessions that are one JSON-lines file: reading it row by row, whatever the rows mean.

A client's reader subclasses `Transcript` and says in `take` what a row is. Everything else is the same for all of
them: broken lines, torn tails, ids for rows without one, the facts of the session.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem, Reading
from chasm_git.providers.reading import jsonl
from chasm_git.providers.reading.values import scoped_id
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Json, Message, Part, Session
from chasm_git.session.native import kept_line, raw_line

_MOST_GLUED = 100
_end_of_value = json.JSONDecoder().raw_decode


class Transcript:
    """Takes in the rows of one file, in their order.

    Attributes:
        session: its id is the one the file's name gives, until a row says better.
        native: what the session's `native` is to hold besides the tail of the file.
    """

    def __init__(self, path: Path, session: Session) -> None:
        self.path = path
        self.session = session
        self.builder = Builder()
        self.problems: list[Problem] = []
        self.native: dict[str, Json] = {}
        self.is_conversation = False
        self._file: str | None = None
        """Name of the side file that is read, None for the session's own."""
        self._is_stored = True
        """Whether the record that is taken in has a line of its own."""

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what a row says, with `keep`.

        Args:
            line: the source line, where the record does not give it back.
        """
        raise NotImplementedError

    def finish(self) -> None:
        """What can only be said after the last row."""

    def reading(self) -> Reading:
        """What the file holds: its session, or none where nobody said anything in it."""
        self.read(self.path)
        self.finish()
        if not self.is_conversation:
            return Reading(problems=hopeless(self.problems, self.builder.messages, self.path))
        self.session.native = self.native or None
        self.session.messages = self.builder.messages
        return Reading([self.session], self.builder.attachments, self.problems)

    def read(self, path: Path, file: str | None = None) -> None:
        """Take in the rows of a file; its torn tail goes to `native`. Raises OSError.

        Args:
            file: its name relative to the session's file, where it is another one.
        """
        self._file = file
        rows, tail = jsonl.rows(path.read_bytes())
        for row in rows:
            if type(row.record) is dict:
                self.take(row.record, row.line)
            else:
                self._broken(path, row)
        if file is None:
            self.native |= jsonl.tail_value(tail, self.builder.attachments)
        elif tail is not None:
            self.native.setdefault("tails", {})[file] = raw_line(tail, self.builder.attachments)
        self._file = None

    def keep(
        self,
        record: Any,
        line: bytes | None,
        role: str = "event",
        content: str | list[Part] = "",
        *,
        id: str | None = None,
        time: str | None = None,
        **fields: Any,
    ) -> Message:
        """Add the message a record stands for; see `Builder.message`."""
        if (role == "user" or role == "assistant") and not fields.get("injected"):
            self.is_conversation = True
        if time is not None and self.session.created_at is None:
            self.session.created_at = time
        if id is None and (time is None or not self._is_stored):
            id = self._made_id(record, line, time)
        if self._file is not None:
            fields["file"] = self._file
        if not self._is_stored:
            record = line = None
            fields.pop("json_texts", None)
            fields.pop("derived", None)
        return self.builder.message(record, id=id, role=role, timestamp=time, content=content, line=line, **fields)

    def _made_id(self, record: Any, line: bytes | None, time: str | None) -> str:
        """An id from the record; what says no time may stand in many files."""
        return record_id(record, line) if time is not None else scoped_id(self.session.id, record, line)

    def _broken(self, path: Path, row: jsonl.Row) -> None:
        """A row that is no object: keep it, and say so; of several objects on one line, take them all in."""
        glued = _objects_in(row.line) if row.line is not None and row.error not in (None, jsonl.EMPTY) else []
        if glued:
            for record in glued:
                self.take(record, row.line)
                self._is_stored = False
            self._is_stored = True
            return
        if row.error is not None and row.error != jsonl.EMPTY:
            self.problems.append(Problem(str(path), row.error, row.number, fatal=False))
        self.keep(row.record, row.line)


def hopeless(problems: list[Problem], messages: list[Message], path: Path) -> list[Problem]:
    """The one problem of a file without a conversation, if any: that it cannot be read, or is not understood.

    Args:
        problems: with its rows.
        messages: what its rows became.
    """
    if problems:
        first = problems[0]
        reason = f"no conversation in it; {len(problems)} lines cannot be read, the first: {first.reason}"
        return [Problem(first.path, reason, first.line)]
    spoken = 0 if any(message.role != "event" for message in messages) else sum(_speaks(m.native) for m in messages)
    if not spoken:
        return []
    return [Problem(str(path), f"somebody speaks in {spoken} of its rows, in none in a way that is known here")]


def _speaks(record: Json) -> bool:
    """Whether a record has a role in it."""
    if type(record) is not dict:
        return False
    holders = [record, *(value for value in record.values() if type(value) is dict)]
    return any(holder.get("role") in ("user", "assistant") for holder in holders)


def side_file(session: Session, load: Load, file: str) -> bytes:
    """A JSON-lines file that was read besides the session's own. Raises KeyError where an attachment is missing."""
    data = jsonl.export(session, load, file)
    tails = session.native.get("tails") if type(session.native) is dict else None
    tail = kept_line(tails.get(file), load) if type(tails) is dict else None
    if tail is None:
        return data
    return data + tail if tail else data.removesuffix(b"\n")


def _objects_in(line: bytes) -> list[dict[str, Any]]:
    """The objects of a line on which several were written, one after the other; none where it is not just that."""
    found: list[dict[str, Any]] = []
    try:
        rest = line.decode().strip()
        while rest and len(found) < _MOST_GLUED:
            end = _end_of_value(rest)[1]
            value = jsonio.loads(rest[:end].encode("utf-8", "surrogatepass"))
            if type(value) is not dict:
                return []
            found.append(value)
            rest = rest[end:].lstrip()
    except (ValueError, RecursionError):
        return []
    return found if not rest and len(found) > 1 else []
