"""Reading and writing JSON lines, the way most agents keep a session: torn tails, broken lines and all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session
from chasm_git.session.native import kept_line, raw_line, record_line

EMPTY = "empty line"
"""The `Row.error` of a line without anything on it."""

_BOM = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """One line of the file."""

    number: int
    """1-based."""
    record: Any
    """Its JSON value; None where it does not parse (then `error` says why)."""
    line: bytes | None
    """The line itself where its compact JSON differs from it, to be kept; None = the value gives it back."""
    error: str | None = None


def rows(data: bytes) -> tuple[Iterator[Row], bytes | None]:
    """The rows of a file, and its torn tail.

    The tail is what follows the last line feed and is not a JSON value (a line still being written); b"" where a
    complete last row only lacks its line feed; None where the file ends in one (or is empty).
    """
    lines = data.split(b"\n")
    last = lines.pop()
    if not last:
        return _rows(lines), None
    try:
        value = jsonio.loads(last if lines else last.removeprefix(_BOM))
    except ValueError:
        return _rows(lines), last
    if type(value) not in (dict, list):  # half of a number is a number: only a closed row is a row
        return _rows(lines), last
    lines.append(last)
    return _rows(lines), b""


def _rows(lines: list[bytes]) -> Iterator[Row]:
    loads_exact = jsonio.loads_exact
    for number, line in enumerate(lines, 1):
        try:
            record, exact = loads_exact(line)
        except ValueError as error:
            yield (
                _marked(line)
                if number == 1 and line.startswith(_BOM)
                else Row(number, None, line, _reason(line, error))
            )
            continue
        yield Row(number, record, None if exact and record is not None else line)


def _marked(line: bytes) -> Row:
    """The first row of a file that an editor put a byte order mark in front of."""
    try:
        return Row(1, jsonio.loads(line[len(_BOM) :]), line)
    except ValueError as error:
        return Row(1, None, line, _reason(line[len(_BOM) :], error))


def _reason(line: bytes, error: ValueError) -> str:
    if not line.strip():
        return EMPTY
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at character {error.pos}"
    return f"not JSON: {error}"


def tail_value(tail: bytes | None, into: dict[str, bytes] | None = None) -> dict[str, Any]:
    """How a session's `native` keeps the tail that `rows` gave: a dict to merge into it.

    A long tail is moved to `into`, the session's attachments.
    """
    return {} if tail is None else {"tail": raw_line(tail, into)}


def export(session: Session, load: Load, file: str | None = None) -> bytes:
    """The JSON-lines file a session was read from (`file` names a side file); byte for byte.

    Raises KeyError where an attachment is missing.
    """
    lines = [record_line(m, load) for m in session.messages if m.file == file and m.native is not None]
    kept = session.native.get("tail") if file is None and type(session.native) is dict else None
    tail = kept_line(kept, load)
    if tail is None:
        return b"".join([line + b"\n" for line in lines])
    if tail and lines:
        lines.append(tail)
        return b"\n".join(lines)
    return b"\n".join(lines) + tail
