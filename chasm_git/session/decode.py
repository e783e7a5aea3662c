"""Canonical bytes to sessions, fast. A strict reader of the subset of YAML that `encode` writes.

It accepts nothing that a YAML reader would take for something else. Anything outside the subset raises `NotCanonical`,
and `codec.loads` hands the file to the reference reader.
"""

from __future__ import annotations

import re
from typing import Any

from chasm_git.session import jsonio
from chasm_git.session.scalars import is_plain

_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_KEY = re.compile(rb"(?:([A-Za-z_][A-Za-z0-9_-]*)|(\"(?:[^\"\\]|\\.)*\")):(?=[ \n])")
_LITERAL = re.compile(rb"\|(2)?([-+])?")
_CONSTANTS = {b"null": None, b"true": True, b"false": False}
_ENDS = {width: re.compile(rb"\n(?!\n|%s)" % (b" " * width)) for width in range(2, 42, 2)}
"""Where a literal ends, by the column of its lines."""


_UUID = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TOKEN = rb"(?:" + _UUID + rb"|[A-Za-z_][A-Za-z0-9_.-]{5,})"
"""Plain text that needs no second look: too long to be one of the words YAML takes for something else."""

_IS_TOKEN = re.compile(_TOKEN)
_HEAD = re.compile(
    rb"id: (TOKEN)"
    rb"(?:\n  after: (TOKEN))?"
    rb"\n  role: (user|assistant|system|tool|event)"
    rb"(?:\n  timestamp: \"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)\")?"
    rb"(?:\n  turn: (TOKEN))?"
    rb"(?:\n  model: (TOKEN))?"
    rb"\n(?=  [A-Za-z\"])".replace(b"TOKEN", _TOKEN)
)
"""How almost every message begins: read at once instead of line by line."""


class NotCanonical(ValueError):
    """The bytes are outside the subset this reader knows."""


def block_fields(block: bytes) -> dict[str, Any]:
    """The fields of a message by their names in the file, from its block. Raises NotCanonical."""
    data = block + b"\n"
    head = _HEAD.match(data)
    if head is None:
        fields, end = mapping(data, 0, 2)
    else:
        identity, after, role, timestamp, turn, model = head.groups()
        known: dict[str, Any] = {"id": identity.decode(), "role": role.decode()}
        if after is not None:
            known["after"] = after.decode()
        if timestamp is not None:
            known["timestamp"] = timestamp.decode()
        if turn is not None:
            known["turn"] = turn.decode()
        if model is not None:
            known["model"] = model.decode()
        fields, end = mapping(data, head.end() + 2, 2, known)
    if end != len(data):
        raise NotCanonical("message")
    return fields


def mapping(data: bytes, at: int, column: int, known: dict[str, Any] | None = None) -> tuple[dict[str, Any], int]:
    """The block-style map whose first key stands at offset `at`, in `column`.

    Args:
        known: keys above it that are read already.

    Returns it and the offset of the first line after it. Raises NotCanonical.
    """
    result: dict[str, Any] = known if known is not None else {}
    pad = b" " * column
    end = len(data)
    while True:
        if data.startswith(b"? ", at):
            feed = data.find(b"\n", at)
            name = _json(data[at + 2 : feed])
            if type(name) is not str or not data.startswith(pad + b":", feed + 1):
                raise NotCanonical("explicit key")
            at = feed + 1 + column
        else:
            found = _KEY.match(data, at)
            if found is None:
                raise NotCanonical("key")
            name = found[1].decode() if found[1] is not None else _json(found[2])
            at = found.end() - 1
        if name in result:
            raise NotCanonical("key given twice")
        result[name], at = _value(data, at + 1, column, column if column else 2)
        if at >= end or not data.startswith(pad, at) or (column == 0 and data.startswith(b"- ", at)):
            return result, at
        at += column
        if data.startswith(b"- ", at):
            raise NotCanonical("list in the place of a key")


def _value(data: bytes, at: int, column: int, list_column: int) -> tuple[Any, int]:
    """The value after ``key:`` or ``-`` (offset `at` is behind it) in a collection at `column`."""
    feed = data.find(b"\n", at)
    if feed < 0:
        raise NotCanonical("no line feed at the end")
    if feed == at:
        below = at + 1
        if data.startswith(b" " * list_column + b"- ", below):
            return _list(data, below + list_column, list_column)
        if data.startswith(b" " * (column + 2), below):
            return mapping(data, below + column + 2, column + 2)
        raise NotCanonical("no value")
    if data[at] != 32:
        raise NotCanonical("no space before a value")
    first = data[at + 1]
    if first == 124:  # |
        return _read_literal(data, at + 1, feed, column + 2)
    text = data[at + 1 : feed]
    if first in b'"[{':
        return _json(text), feed + 1
    return _plain(text), feed + 1


def _list(data: bytes, at: int, column: int) -> tuple[list[Any], int]:
    """The block-style list whose first ``- `` stands at offset `at`, in `column`."""
    result: list[Any] = []
    mark = b" " * column + b"- "
    item: Any
    while True:
        if data.startswith(b"- ", at + 2):
            item, at = _list(data, at + 2, column + 2)
        elif data.startswith(b"? ", at + 2) or _KEY.match(data, at + 2) is not None:
            item, at = mapping(data, at + 2, column + 2)
        else:
            item, at = _value(data, at + 1, column, column)
        result.append(item)
        if not data.startswith(mark, at):
            return result, at
        at += column


def _read_literal(data: bytes, at: int, feed: int, column: int) -> tuple[str, int]:
    """The literal whose header stands at `at` and whose lines stand at `column`."""
    header = _LITERAL.fullmatch(data, at, feed)
    ends = _ENDS.get(column)
    if header is None:
        raise NotCanonical("literal header")
    if ends is None:
        ends = re.compile(rb"\n(?!\n|%s)" % (b" " * column))
    found = ends.search(data, feed + 1)
    if found is None:
        raise NotCanonical("literal without an end")
    stop = found.start()
    text = data[feed + 1 : stop].decode()
    pad = " " * column
    # the first line starts behind the header's line feed and may be empty
    if data[feed + 1] in b" \n":
        body = text.replace("\n" + pad, "\n")
        if body.startswith(pad):
            body = body[column:]
        elif not body.startswith("\n"):
            raise NotCanonical("literal indentation")
    else:
        raise NotCanonical("literal without lines")
    if header[1] is None and body[:1] in (" ", "\n"):
        raise NotCanonical("literal indentation")
    chomp = header[2]
    if chomp == b"-":
        if body.endswith("\n"):
            raise NotCanonical("literal end")
    elif (chomp == b"+") != body.endswith("\n"):
        raise NotCanonical("literal end")
    else:
        body += "\n"
    return body, stop + 1


def _json(text: bytes) -> Any:
    try:
        return jsonio.loads(text)
    except ValueError as error:
        raise NotCanonical(str(error)) from None


def _plain(text: bytes) -> Any:
    if _IS_TOKEN.fullmatch(text):
        return text.decode()
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in b"-0123456789" and _NUMBER.fullmatch(text):
        return _json(text)
    try:
        value = text.decode()
    except UnicodeDecodeError:
        raise NotCanonical("not UTF-8") from None
    if not is_plain(value):
        raise NotCanonical("plain scalar")
    return value
