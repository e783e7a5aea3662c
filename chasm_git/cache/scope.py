"""Where a query looks: which sessions, and which of their messages."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import orjson

from chasm_git.cache.kept import KINDS, OF_SESSION, Text
from chasm_git.cache.query import Query
from chasm_git.cache.schema import kind_of
from chasm_git.cache.text import fold

COLUMNS = "number, updated, size, provider, workspace, created, tags, models, tools, has_error"
"""Of a row of sessions, what `is_chosen` looks at."""

_IN_LISTS = ("tag", "tool", "model")
"""Fields whose values are a list in the table."""


def is_chosen(query: Query, row: tuple[Any, ...]) -> bool:
    """Whether the fields of a query leave a session, a row of `COLUMNS`."""
    _, updated, _, provider, workspace, created, tags, models, tools, has_error = row
    held: dict[str, list[str]] = {
        "provider": [provider],
        "workspace": [(workspace or "").replace("\\", "/")],
        "has": ["error"] if has_error else [],
    }
    for name, listed in zip(_IN_LISTS, (tags, tools, models), strict=True):
        if name in query.fields or name in query.not_fields:
            held[name] = orjson.loads(listed)
    for name, asked in query.fields.items():
        if name == "since" and (updated or "") < max(asked):
            return False
        if name == "until" and created is not None and created >= min(asked):
            return False
        if name not in held:
            continue
        held_by = [any(fits(name, value, one) for value in held[name]) for one in asked]
        if not (all(held_by) if name in ("tag", "has") else any(held_by)):
            return False
    return not any(
        fits(name, value, one)
        for name, asked in query.not_fields.items()
        if name in held and name != "tool"
        for one in asked
        for value in held[name]
    )


def may_count(query: Query, row: int) -> bool:
    """Whether a chunk can hold messages the query looks into, by its kind."""
    roles, kind = query.fields.get("role"), KINDS[kind_of(row)]
    if "tool" in query.fields and kind not in ("call", "result"):
        return False
    return not (roles and (kind_of(row) in OF_SESSION or (kind == "user" and "user" not in roles)))


def counts(query: Query, text: Text, record: list[Any]) -> bool:
    """Whether the query looks into a text's message."""
    if text.kind in OF_SESSION:
        return False
    tool = text.tool or ""
    if (asked := query.fields.get("tool")) and not any(fits("tool", tool, one) for one in asked):
        return False
    if any(fits("tool", tool, one) for one in query.not_fields.get("tool", ())):
        return False
    _, role, at, _, _ = record
    if role == "user" and KINDS[text.kind] == "other":
        role = "system"  # context that stands in the user's place
    for negated, fields in ((False, query.fields), (True, query.not_fields)):
        for name, holds in (
            ("role", lambda asked: role in asked),
            ("since", lambda asked: (at or "") >= max(asked)),
            ("until", lambda asked: at is not None and at < min(asked)),
        ):
            if name in fields and holds(fields[name]) == negated:
                return False
    return True


def fits(name: str, value: str, asked: str) -> bool:
    """Whether a value is what a field asks for: any part of workspaces and models, else all; ``*`` is anything."""
    folded = fold(value)
    if "*" in asked:
        return fnmatchcase(folded, asked.replace("[", "[[]"))
    return asked in folded if name in ("workspace", "model") else folded == asked
