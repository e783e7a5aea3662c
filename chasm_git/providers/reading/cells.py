"""Cells of a database as JSON values, and back.

::

    NULL, integers, reals, text    null, numbers, a string
    a blob                         {"$base64": "…"}
    text that is not UTF-8         {"$text64": "…"}
    an infinite real               {"$real": "inf"}
    text that is the JSON of an object or a list (of a column that is read for it):
      as JSON.stringify writes it  the value itself
      as Python's json.dumps does  {"$spaced": value} ({"$ascii": value} where it escapes all but ASCII)
      as Go's encoding/json does   {"$html": value}
      in any other way             the string
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import Any

from chasm_git.session import jsonio
from chasm_git.session.model import Json


def value_of(cell: Json) -> Json:
    """What a parsed cell says: the JSON value, also of a text that was kept; a text that is none stays as it is."""
    if type(cell) is dict and len(cell) == 1:
        mark = next(iter(cell))
        return cell[mark] if mark in _WRITERS else cell
    if type(cell) is str and cell[:1] in ("{", "["):
        try:
            return jsonio.loads(cell.encode("utf-8", "surrogatepass"))
        except ValueError:
            return cell
    return cell


def says_no_object(cell: Json) -> bool:
    """Whether a cell that should hold the JSON of an object holds something else: a text that was cut, a blob."""
    value = value_of(cell)
    return value not in (None, "", "null") and (type(value) is not dict or next(iter(value), None) in _MARKS)


def stored(cell: Json) -> Json:
    """The cell as the database held it: a parsed one as its text; a blob stays ``{"$base64": …}``."""
    if type(cell) is list:
        return _compact(cell)
    if type(cell) is not dict:
        return cell
    mark = next(iter(cell), None)
    if mark not in _MARKS:
        return _compact(cell)
    return _WRITERS[mark](cell[mark]) if mark in _WRITERS else cell


def _compact(value: Json) -> str:
    return jsonio.dumps(value).decode()


def _escaped(value: Json) -> str:
    """As Go's encoding/json writes it: safe to stand in HTML."""
    text = _compact(value)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


_WRITERS: dict[Any, Callable[[Json], str]] = {
    "$spaced": lambda value: json.dumps(value, ensure_ascii=False),
    "$ascii": json.dumps,
    "$html": _escaped,
}
_MARKS = frozenset({"$base64", "$text64", "$real", *_WRITERS})


class _NotUTF8(bytes):
    """Text of a database that is none."""


def text_of(data: bytes) -> str | bytes:
    """The text of a cell, for `sqlite3.Connection.text_factory`."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return _NotUTF8(data)


def cell_of(value: Any) -> Json:
    """The JSON value of a cell."""
    if type(value) is bytes:
        return {"$base64": base64.b64encode(value).decode()}
    if type(value) is _NotUTF8:
        return {"$text64": base64.b64encode(value).decode()}
    if type(value) is float and not math.isfinite(value):
        return {"$real": str(value)}
    return value


def json_cell(value: Any) -> Json:
    """The JSON value of a cell that holds a JSON text."""
    if type(value) is not str or value[:1] not in ("{", "["):
        return cell_of(value)
    try:
        parsed, exact = jsonio.loads_exact(value.encode())
    except ValueError:
        return value
    if exact:
        return value if type(parsed) is dict and next(iter(parsed), None) in _MARKS else parsed
    for mark in ("$spaced", "$ascii") if '": ' in value or '", "' in value else ("$html",):
        if _WRITERS[mark](parsed) == value:
            return {mark: parsed}
    return value
