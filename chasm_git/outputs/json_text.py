"""Changing one value in a JSON file of somebody else: all around it keeps its bytes, order and layout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")
_INDENT = re.compile(r"\n([ \t]+)\S")

Key = str | int
"""A member of an object by its name, or an element of an array by its number."""


class _Member(NamedTuple):
    key: Key
    start: int
    """Of its name, or of the element."""
    value: int
    end: int


def put(text: str, path: Sequence[Key], value: Any) -> str:
    """A JSON text with a value at a path: in the place of the one there is, or behind the last of its container.

    Objects that are missing on the way are made. The text is to be valid JSON, whose containers on the way are there
    in the kind the path wants (`int`: an array; one past its end appends).
    """
    at = _start(text)
    for depth, key in enumerate(path):
        found = _member(text, at, key)
        if found is None:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value} if isinstance(missing, str) else [value]
            return _appended(text, at, key, value)
        at, end = found.value, found.end
    return text[:at] + _said(text, value, _indent_at(text, at)) + text[end:] if path else _said(text, value, "")


def take(text: str, path: Sequence[Key]) -> str:
    """A JSON text without the value at a path, which is there."""
    at = _start(text)
    for key in path[:-1]:
        found = _member(text, at, key)
        assert found is not None
        at = found.value
    members = list(_members(text, at))
    number = max(number for number, one in enumerate(members) if one.key == path[-1])
    if len(members) == 1:
        return text[: at + 1] + text[text.index("]" if text[at] == "[" else "}", members[0].end) :]
    if number:
        return text[: members[number - 1].end] + text[members[number].end :]
    return text[: members[0].start] + text[members[1].start :]


def _start(text: str) -> int:
    found = _BLANK.match(text)
    assert found is not None
    return found.end()


def _member(text: str, at: int, key: Key) -> _Member | None:
    """A member of the container at a place; of several with one name the last, which is the one that counts."""
    return next((one for one in reversed(list(_members(text, at))) if one.key == key), None)


def _members(text: str, at: int) -> Iterator[_Member]:
    is_object = text[at] == "{"
    number = 0
    at = _skip(text, at + 1)
    while text[at] not in "]}":
        start, key = at, number
        if is_object:
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, at)
        yield _Member(key, start, at, end)
        number += 1
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    assert found is not None
    return found.end()


def _appended(text: str, at: int, key: Key, value: Any) -> str:
    name = f"{json.dumps(key, ensure_ascii=False)}: " if isinstance(key, str) else ""
    members = list(_members(text, at))
    if not members:
        close = _skip(text, at + 1)
        outer = _indent_at(text, at)
        inner = outer + _unit(text)
        line = _line(text)
        return f"{text[: at + 1]}{line}{inner}{name}{_said(text, value, inner)}{line}{outer}{text[close:]}"
    last = members[-1]
    between = text[at + 1 : members[0].start]
    if "\n" not in between:
        return f"{text[: last.end]}, {name}{json.dumps(value, ensure_ascii=False)}{text[last.end :]}"
    inner = between.rpartition("\n")[2]
    return f"{text[: last.end]},{_line(text)}{inner}{name}{_said(text, value, inner)}{text[last.end :]}"


def _said(text: str, value: Any, indent: str) -> str:
    """A value as JSON, laid out as the text is, for a line that begins with `indent`."""
    return json.dumps(value, indent=_unit(text), ensure_ascii=False).replace("\n", _line(text) + indent)


def _unit(text: str) -> str:
    found = _INDENT.search(text)
    return found[1] if found is not None else "  "


def _line(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _indent_at(text: str, at: int) -> str:
    """What the line of a place begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]
