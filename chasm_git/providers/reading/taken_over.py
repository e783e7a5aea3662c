"""Clients that went from files to a database, and left the files where they are: which of them are in it.

A session that the database has is read there alone; what lies in its old file is the same, up to the day it was taken
over.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Source
from chasm_git.providers.reading import sqlite_copy
from chasm_git.providers.reading.sqlite_copy import Row


def id_of(row: Row) -> str | None:
    """The id of a row that has one."""
    key = row.get("id")
    return key if type(key) is str else None


class TakenOver:
    """The ids in a database, looked up once for every state of it."""

    def __init__(self, table: str, key: Callable[[Row], str | None] = id_of) -> None:
        self._table = table
        self._key = key
        self._known: tuple[str, frozenset[str]] = ("", frozenset())

    def ids(self, place: Any) -> frozenset[str]:
        """The ids in the database at a path; none where it cannot be read (its own source says why)."""
        if type(place) is not str:
            return frozenset()
        found = [one for one in sqlite_copy.source("", "", Path(place)) if isinstance(one, Source)]
        marks = f"{place} {found[0].stamp}" if found else ""
        if marks != self._known[0]:
            try:
                with sqlite_copy.opened(Path(place), []) as database:
                    keys = map(self._key, database.rows(self._table))
                    self._known = marks, frozenset(key for key in keys if key is not None)
            except (sqlite_copy.Unreadable, OSError):
                return frozenset()
        return self._known[1]
