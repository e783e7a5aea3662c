"""Reading and writing JSON lines, the way most agents keep a session: torn tails, broken lines and all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session
from chasm_git.session.native import raw_line, record_line


@dataclass(frozen=True, slots=True)
class Row:
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
    body, feed, last = data.rpartition(b"\n")
    if not last:
        return _rows(body.split(b"\n") if feed else []), None
    lines = body.split(b"\n") if feed else []
    try:
        value = jsonio.loads(last)
    except ValueError:
        return _rows(lines), last
    if type(value) not in (dict, list):  # half of a number is a number: only a closed row is a row
        return _rows(lines), last
    lines.append(last)
    return _rows(lines), b""


def _rows(lines: list[bytes]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        try:
            record = jsonio.loads(line)
            exact = jsonio.dumps(record) == line
        except ValueError as error:
            yield Row(number, None, line, _reason(line, error))
            continue
        yield Row(number, record, None if exact else line)


def _reason(line: bytes, error: ValueError) -> str:
    if not line.strip():
        return "empty line"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    return f"not JSON: {error}"


def tail_value(tail: bytes | None) -> Any:
    """How a session's `native` keeps the tail that `rows` gave: a dict to merge into it."""
    return {} if tail is None else {"tail": raw_line(tail)}


def export(session: Session, load: Load, file: str | None = None) -> bytes:
    """The JSON-lines file a session was read from (`file` names a side file); byte for byte."""
    lines = [record_line(m, load) for m in session.messages if m.file == file and m.native is not None]
    kept = session.native.get("tail") if file is None and isinstance(session.native, dict) else None
    if kept is None:
        return b"".join(line + b"\n" for line in lines)
    first = next(iter(kept))
    tail = kept["$line"].encode("utf-8", "surrogatepass") if first == "$line" else _base64(kept["$line64"])
    joined = b"\n".join(lines)
    return joined + b"\n" + tail if tail and lines else joined + tail


def _base64(text: str) -> bytes:
    import base64

    return base64.b64decode(text)
