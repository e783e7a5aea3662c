"""Values of a record, where anything may stand in the place of what is expected."""

from __future__ import annotations

import hashlib
from typing import Any

from chasm_git.session.build import record_id
from chasm_git.session.model import Json, Part
from chasm_git.session.native import LONG

ORIGIN = "chasm_origin"
"""Key of the marker that stands in a session we converted for a tool: ``{"provider": …, "id": …, "revision": …}``."""

_LONGEST_ID = 200
_EMPTY_DICT: dict[str, Any] = {}
_EMPTY_LIST: list[Any] = []


def text(value: Any) -> str | None:
    """A text that says something; None for anything else."""
    return value if type(value) is str and value else None


def as_dict(value: Any) -> dict[str, Any]:
    """The value where it is an object, else an empty one that is not to be changed."""
    return value if type(value) is dict else _EMPTY_DICT


def as_list(value: Any) -> list[Any]:
    """The value where it is a list, else an empty one that is not to be changed."""
    return value if type(value) is list else _EMPTY_LIST


def identity(value: Any) -> str | None:
    """An id a message can have; None for what is none (then its content makes one)."""
    return value if type(value) is str and 0 < len(value) <= _LONGEST_ID and value.isprintable() else None


def origin_id(record: Any) -> str | None:
    """Id of the session that one was converted from, where a record of it bears our marker."""
    mark = record.get(ORIGIN) if type(record) is dict else None
    return identity(mark.get("id")) if type(mark) is dict else None


def scoped_id(session_id: str, record: Any, line: bytes | None = None) -> str:
    """An id made from a record that may stand in many sessions: the session's own id is part of it."""
    made = record_id(record, line)
    return "h-" + hashlib.sha256(f"{session_id} {made}".encode("utf-8", "surrogatepass")).hexdigest()[:20]


def plain(parts: list[Part]) -> str | list[Part]:
    """Parts as content: a text that stands alone is the content itself, unless it is long enough to be moved away."""
    if len(parts) == 1 and parts[0]["type"] == "text" and type(said := parts[0]["text"]) is str and len(said) <= LONG:
        return said
    return parts or ""


def unwrapped(parts: list[Part], number: int, start: int, end: int) -> dict[str, Json]:
    """Cut the text of a part down to what was typed; gives what `Builder.message` needs to put the rest back.

    Args:
        parts: the content; the part at `number` is changed, so it must not be the record's own.
        start, end: where in its text the typed text begins and ends.
    """
    whole: str = parts[number]["text"]
    parts[number]["text"] = whole[start:end]
    stands_alone = len(parts) == 1 and end - start <= LONG  # as `plain` has it
    pointer = {"$": "content" if stands_alone else f"content.{number}.text"}
    return {whole: {"$cat": [piece for piece in (whole[:start], pointer, whole[end:]) if piece]}}


def tokens(counts: Any, read: str, written: str) -> dict[str, Json] | None:
    """The tokens of an answer: what was read and written by the names everyone knows, the rest by the provider's.

    Args:
        counts: the provider's object with numbers in it.
        read, written: its names for what goes to the model and what comes from it.
    """
    if type(counts) is not dict:
        return None
    numbers = {name: value for name, value in counts.items() if type(value) is int or type(value) is float}
    made: dict[str, Json] = {}
    for ours, theirs in (("input_tokens", read), ("output_tokens", written)):
        if theirs in numbers:
            made[ours] = numbers.pop(theirs)
    return made | numbers or None
