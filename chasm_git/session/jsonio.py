"""Compact JSON in and out: orjson where it can, the standard library where it cannot.

The two agree on every value of our domain: finite floats, integers of 64 bits (orjson turns larger ones into floats, so
the slow path does too), str keys. The standard library takes over for lone surrogates; it is also all there is where
orjson is not installed (the merge driver starts without it).
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

try:
    import orjson
except ImportError:  # the drivers run on the standard library alone
    orjson = None  # type: ignore[assignment]

DEPTH = 512
"""Containers within containers that are read: far more than anyone writes, far less than recursion can follow."""

_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is beyond what a number can hold")
    return value


def _int(text: str) -> int | float:
    if len(text) < 19:
        return int(text)
    value = int(text) if len(text) < 4000 else 2**64
    return value if _INT_MIN <= value <= _INT_MAX else _float(text)


def loads(data: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises ValueError for anything else (bad UTF-8, too deep nesting)."""
    return _shallow(_loads(data), data)


class UnfinishedError(ValueError):
    """A JSON text that is sound as far as it goes, and does not go to its end."""


def loads_first(data: bytes) -> tuple[Any, int]:
    """The value that `data` begins with, and its length in bytes; what follows it does not matter.

    Raises UnfinishedError where more is needed, ValueError for what `loads` may still be able to read.
    """
    if orjson is None:
        raise ValueError("there is no quick way")
    try:
        return _shallow(orjson.loads(data), data), len(data)
    except orjson.JSONDecodeError as error:
        if error.msg.startswith("unexpected end of data"):
            raise UnfinishedError(error.msg) from None
        if not error.msg.startswith("unexpected content after document"):
            raise
        head = data[: error.pos] if len(error.doc) == len(data) else error.doc[: error.pos].encode()
    head = head.rstrip()
    return _shallow(orjson.loads(head), head), len(head)


def loads_exact(data: bytes) -> tuple[Any, bool]:
    """The value of a JSON text, and whether `dumps` gives the very text back. Raises ValueError as `loads` does."""
    if orjson is not None:
        try:
            value = orjson.loads(data)
            return value, orjson.dumps(value) == data  # which refuses what is nested deeper than half our limit
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            pass
    value = loads(data)
    return value, dumps(value) == data


def _loads(data: bytes) -> Any:
    if orjson is not None:
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            pass  # lone surrogates, and whatever is no JSON at all: the standard library tells them apart
    try:
        return json.loads(data.decode(), parse_constant=_refuse, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _shallow(value: Any, data: bytes) -> Any:
    """The value of `data`. Raises ValueError where it is nested more than `DEPTH` deep."""
    if len(data) > 2 * DEPTH and data.count(b"{") + data.count(b"[") > DEPTH:
        if orjson is not None:
            try:
                orjson.dumps(value)
                return value  # it refuses what is nested deeper than half our limit, faster than we can look
            except orjson.JSONEncodeError:
                pass
        if deeper(value, DEPTH):
            raise ValueError("nested too deeply")
    return value


def deeper(value: Any, limit: int) -> bool:
    """Whether containers are nested in a value more than `limit` deep."""
    level = [value] if type(value) is dict or type(value) is list else []
    while level and limit:
        limit -= 1
        level = [
            item
            for container in level
            for item in (container.values() if type(container) is dict else container)
            if type(item) is dict or type(item) is list
        ]
    return bool(level)


def dumps(value: Any) -> bytes:
    """Compact JSON text in UTF-8; a lone surrogate stands as its escape. Raises ValueError outside our domain."""
    if orjson is not None:
        try:
            return orjson.dumps(value)
        except TypeError:
            pass  # lone surrogates; or nesting and numbers the standard library judges
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (RecursionError, TypeError) as error:
        raise ValueError(str(error)) from None
    return text.encode("utf-8", "surrogatepass") if text.isascii() else _escape_surrogates(text)


def _escape_surrogates(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return "".join(c if not "\ud800" <= c <= "\udfff" else f"\\u{ord(c):04x}" for c in text).encode()
