"""The files each session names, as the cache has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from chasm_git.cache.kept import KINDS, unpack
from chasm_git.cache.schema import row_of

_FILE = KINDS.index("file")


class Named(NamedTuple):
    """A session, and the paths it names."""

    path: str
    """Of its file in the archive."""
    title: str | None
    updated_at: str | None
    messages: int
    files: frozenset[str]


def rows(connection: sqlite3.Connection, most: int) -> Iterator[Named]:
    """Every session of the cache, with `most` of the paths it names at most."""
    listed = connection.execute("SELECT number, path, title, updated, messages FROM sessions").fetchall()
    for number, path, title, updated, messages in listed:
        files: set[str] = set()
        span = row_of(number, _FILE, 0), row_of(number, _FILE + 1, 0)
        for (packed,) in connection.execute("SELECT packed FROM chunks WHERE row >= ? AND row < ?", span):
            files.update(text.text for text in unpack(_FILE, packed))
            if len(files) >= most:
                break
        yield Named(path, title, updated, messages, frozenset(sorted(files)[:most]))
