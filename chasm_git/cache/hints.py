"""What may be wrong with a query that finds nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import orjson

from chasm_git.cache.query import FIELDS, ROLES, Query, fields_in
from chasm_git.cache.scope import fits

_MOST = 8
_ALIKE = 0.6


def hints(connection: sqlite3.Connection, text: str, query: Query) -> list[str]:
    """Lines for the person who typed `text`: fields that are none, values no session has."""
    return [*_of_fields(text), *_of_values(connection, query)]


def _of_fields(text: str) -> Iterator[str]:
    for name, value in fields_in(text):
        if name in FIELDS:
            if name == "role":
                yield f"no message has the role {value!r}; there are: {', '.join(ROLES)}"
            elif name in ("since", "until"):
                yield f"{value!r} is no time: write a date (2026-01-31), an age (12h, 7d, 2w) or yesterday"
            elif name == "has":
                yield "has: is followed by error"
        elif not value.startswith("//"):  # an address
            for known in get_close_matches(name, FIELDS, 1, _ALIKE):
                yield f"did you mean {known}:{value}?"


def _of_values(connection: sqlite3.Connection, query: Query) -> Iterator[str]:
    for name, column in (("provider", "provider"), ("tool", "tools"), ("tag", "tags"), ("model", "models")):
        asked = query.fields.get(name, [])
        if not asked:
            continue
        held: set[str] = set()
        for (value,) in connection.execute(f"SELECT DISTINCT {column} FROM sessions"):
            held.update([value] if name == "provider" else orjson.loads(value))
        for one in asked:
            if not any(fits(name, value, one) for value in held):
                yield f"no session has the {name} {one!r}" + _instead(one, held)


def _instead(asked: str, held: Iterable[str]) -> str:
    by_folded = {value.casefold(): value for value in sorted(held)}
    alike = [by_folded[one] for one in get_close_matches(asked, by_folded, 3, _ALIKE)]
    if alike:
        return f"; did you mean {' or '.join(alike)}?"
    if not by_folded:
        return ""
    some = list(by_folded.values())
    return f"; there are: {', '.join(some[:_MOST])}" + (", …" if len(some) > _MOST else "")
