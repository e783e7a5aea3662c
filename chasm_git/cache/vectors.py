"""Vectors of passages, kept by what they were made of: ``$GIT_DIR/chasm/meaning.sqlite3``, which can be deleted.

A chunk of the cache has a digest; to it belong the vectors of its passages, in small integers (only their direction
counts). Sessions that grow cost what is new of them. Each batch is committed: one that is killed loses that one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chasm_git.cache.passages import passages
from chasm_git.errors import ChasmError
from chasm_git.session import jsonio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

NAME = "meaning.sqlite3"
_VERSION = 1
_BUSY = 5.0
_AT_ONCE = 128
"""Chunks whose passages are embedded together."""
_TABLES = """
CREATE TABLE model (identity TEXT NOT NULL);
CREATE TABLE vectors (
    chunk BLOB PRIMARY KEY, spots BLOB NOT NULL, size INTEGER NOT NULL, matrix BLOB NOT NULL) WITHOUT ROWID;
"""

Spot = tuple[int, int, int]
"""Where a passage is: which text of the chunk, and from where to where in it."""


class Vectors:
    """What one model made of passages. Where the file cannot be written, it is held in memory."""

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._db = _opened(path, identity)

    def follow(
        self,
        rows: list[tuple[int, bytes]],
        texts: Callable[[int], list[str]],
        embed: Callable[[list[str]], Matrix],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        """Make the vectors that are missing, and let go of those nobody needs any more.

        Args:
            rows: number and digest of each chunk there is.
            texts: the texts of a chunk.

        Raises ChasmError where they cannot be kept.
        """
        with self._told():
            held = {digest for (digest,) in self._db.execute("SELECT chunk FROM vectors")}
        needed = {digest: row for row, digest in rows}
        missing = [(row, digest) for digest, row in needed.items() if digest not in held]
        for at in range(0, len(missing), _AT_ONCE):
            made = _made(missing[at : at + _AT_ONCE], texts, embed)
            with self._told():
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", made)
                self._db.execute("COMMIT")
            progress(min(at + _AT_ONCE, len(missing)), len(missing))
        if stale := held - needed.keys():
            with self._told():
                self._db.executemany("DELETE FROM vectors WHERE chunk = ?", ((digest,) for digest in stale))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong with this file is not taken for damage of the cache."""
        try:
            yield
        except sqlite3.Error as error:
            raise ChasmError(f"{self._path}: {error}; it can be deleted, and is then made anew") from error

    def matrix(self, chunk: bytes) -> NDArray[np.int8]:
        """The vectors of a chunk's passages, a row each; how long they are says nothing."""
        import numpy as np

        size, data = self._one(chunk, "size, matrix")
        return np.frombuffer(data, np.int8).reshape(size, -1) if size else np.zeros((0, 0), np.int8)

    def spots(self, chunk: bytes) -> list[Spot]:
        """Where a chunk's passages are, in the order of their vectors."""
        (data,) = self._one(chunk, "spots")
        return [(text, start, end) for text, start, end in jsonio.loads(data)]

    def _one(self, chunk: bytes, columns: str) -> tuple[Any, ...]:
        with self._told():
            found = self._db.execute(f"SELECT {columns} FROM vectors WHERE chunk = ?", (chunk,)).fetchone()
            if found is None:
                raise sqlite3.DatabaseError("vectors that were made are not there")
        row: tuple[Any, ...] = found
        return row

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _made(
    chunks: Iterable[tuple[int, bytes]],
    texts: Callable[[int], list[str]],
    embed: Callable[[list[str]], Matrix],
) -> list[tuple[bytes, bytes, int, bytes]]:
    """Rows of the table for some chunks."""
    import numpy as np

    said: list[str] = []
    places: list[tuple[bytes, list[Spot]]] = []
    for row, digest in chunks:
        spots = []
        for number, text in enumerate(texts(row)):
            for start, end in passages(text):
                spots.append((number, start, end))
                said.append(text[start:end])
        places.append((digest, spots))
    made = embed(said) if said else np.zeros((0, 0), np.float32)
    largest = np.abs(made).max(axis=1, keepdims=True) if made.size else made
    small = np.rint(np.divide(made * 127, largest, out=np.zeros_like(made), where=largest > 0)).astype(np.int8)
    rows, at = [], 0
    for digest, spots in places:
        rows.append((digest, jsonio.dumps(spots), len(spots), small[at : at + len(spots)].tobytes()))
        at += len(spots)
    return rows


def _opened(path: Path, identity: str) -> sqlite3.Connection:
    """The file, made anew where it is damaged or another model's; else one in memory."""
    for anew in (False, True):
        try:
            if anew:
                for name in (path.name, f"{path.name}-journal"):
                    path.with_name(name).unlink(missing_ok=True)
            connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
        except (OSError, sqlite3.Error):
            break
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and _is_empty(connection):
                return _prepared(connection, identity)
            if version == _VERSION and connection.execute("SELECT identity FROM model").fetchone() == (identity,):
                connection.execute("SELECT count(*) FROM vectors").fetchone()
                return connection
        except sqlite3.OperationalError:
            connection.close()
            break  # it is locked, or cannot be written: nothing is wrong with it
        except sqlite3.DatabaseError:
            pass  # it is damaged: made anew below
        connection.close()
    return _prepared(sqlite3.connect(":memory:", isolation_level=None), identity)


def _is_empty(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return int(tables) == 0


def _prepared(connection: sqlite3.Connection, identity: str) -> sqlite3.Connection:
    connection.execute("PRAGMA synchronous=OFF")  # what a power cut leaves of it is found out and made again
    connection.execute("BEGIN IMMEDIATE")
    for statement in filter(None, map(str.strip, _TABLES.split(";\n"))):
        connection.execute(statement)
    connection.execute("INSERT INTO model VALUES (?)", (identity,))
    connection.execute(f"PRAGMA user_version={_VERSION}")
    connection.execute("COMMIT")
    return connection
