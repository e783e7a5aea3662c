"""Filling the cache: session files are read and taken apart on all cores, one process writes."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING

import orjson

from chasm_git.archive.plumbing.bulk import BulkReader
from chasm_git.archive.plumbing.processes import cores, spread
from chasm_git.archive.repo import open_archive
from chasm_git.cache.extract import Document, Held, Unread, document
from chasm_git.cache.kept import Chunk, unpack
from chasm_git.cache.schema import MISSING, kind_of, row_of, rows_of, sequence_of
from chasm_git.cache.text import joined_terms
from chasm_git.session.attachments import path_of

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Progress = Callable[[int, int], None]
Task = tuple[str, str, Held]
"""Path and blob of a session file, and what the cache has of an earlier version."""

_WORTH_IT = 24
"""Files from which starting processes pays."""
_BATCH = 4
_TOGETHER = 128
"""Sessions that wait to be put in by their numbers."""

_blobs: BulkReader | None = None
_attached: dict[str, str] = {}


def documents(
    archive: Archive, tasks: list[Task], attached: dict[str, str], *, processes: int | None = None
) -> Iterator[Document | Unread]:
    """Every session file as the cache keeps it, in no particular order.

    Args:
        attached: path -> blob of the attachments.
        processes: how many; None = one a core where there is enough to do, else none.
    """
    if processes is None:
        processes = cores() if len(tasks) >= _WORTH_IT else 1
    given = (str(archive.path), len(tasks), attached)
    with ExitStack() as held:
        opened: list[BulkReader] = []

        def here(task: Task) -> Document | Unread:
            if not opened:
                opened.append(held.enter_context(BulkReader(archive, expected=len(tasks))))
            return _document(opened[0], attached, task)

        for _, made in spread(tasks, here, _run, _start, given, processes=processes, chunk=_BATCH):
            yield made


def _start(path: str, count: int, attached: dict[str, str]) -> None:
    global _blobs, _attached  # what every task of this process needs, sent once
    from pathlib import Path

    gc.disable()  # what is read of one session is a tree, and gone with it
    _blobs, _attached = BulkReader(open_archive(Path(path)), expected=count), attached


def _run(task: Task) -> Document | Unread:
    assert _blobs is not None
    return _document(_blobs, _attached, task)


def _document(blobs: BulkReader, attached: dict[str, str], task: Task) -> Document | Unread:
    def load(name: str) -> bytes | None:
        blob = attached.get(path_of(name))
        try:
            return blobs.read(blob) if blob is not None else None
        except KeyError:
            return None

    path, blob, held = task
    try:
        data = blobs.read(blob)
    except KeyError:
        return Unread(path, blob, MISSING)
    return document(path, blob, data, load, held)


class Filler:
    """Writes documents into the cache; the caller begins and commits."""

    def __init__(self, connection: sqlite3.Connection, *, empty: bool) -> None:
        self._db = connection
        self._empty = empty
        self._terms: set[str] = set()
        """Terms to be put among `terms` by `finish`."""
        self._next = 1 + (connection.execute("SELECT max(number) FROM sessions").fetchone()[0] or 0)

    def add_all(self, listed: Iterable[Document | Unread]) -> Iterator[int]:
        """Put sessions in, as `add`; gives how many there were after each.

        Those the cache has already go in by their numbers, `_TOGETHER` at a time: the index takes rows in order.
        """
        count = 0
        waiting = iter(listed)
        while together := list(islice(waiting, 1 if self._empty else _TOGETHER)):
            if not self._empty:
                together.sort(key=lambda made: self._number(_clean(made.path)) or self._next)
            for made in together:
                self.add(made)
                count += 1
                yield count

    def add(self, made: Document | Unread) -> None:
        """Put a session in, or in the place of the one that was there."""
        if isinstance(made, Unread):
            self.remove(made.path)
            self._db.execute("INSERT OR REPLACE INTO unread VALUES (?, ?, ?)", [_clean(value) for value in made])
            return
        if made.summary.forgotten:  # as if there was none
            self.remove(made.path)
            return
        number = None
        held: dict[int, bytes] = {}
        path = _clean(made.path)
        if not self._empty:
            self._db.execute("DELETE FROM unread WHERE path = ?", (path,))
            number = self._number(path)
        if number is None:
            number, self._next = self._next, self._next + 1
        else:
            held = dict(self._db.execute("SELECT row, digest FROM chunks WHERE row >= ? AND row < ?", rows_of(number)))
        fresh: dict[int, Chunk] = {}
        for chunk in made.chunks:
            row = row_of(number, chunk.kind, chunk.sequence)
            if held.get(row) == chunk.digest:
                del held[row]
            else:
                fresh[row] = chunk
        for row in sorted(held.keys() | fresh.keys()):  # a lower number than the one before is a new part of the index
            if row in held:
                self._drop(row)
            if (new := fresh.get(row)) is not None:
                self._db.execute("INSERT INTO chunks VALUES (?, ?, ?)", (row, new.digest, new.packed))
                self._db.execute("INSERT INTO words (rowid, terms) VALUES (?, ?)", (row, new.terms))
                if not self._empty:
                    self._terms.update(new.terms.split(" "))
        self._describe(number, made)

    def _describe(self, number: int, made: Document) -> None:
        said = made.summary
        if not self._empty:
            self._forget(number)
        # REPLACE would do the same, and has FTS5 write what it holds in memory each time
        self._db.execute(
            f"INSERT INTO sessions VALUES ({','.join('?' * 18)})",
            (
                number,
                *map(_clean, (made.path, made.blob, said.id, said.provider, said.title, said.workspace)),
                *map(_clean, (said.created_at, said.updated_at)),
                said.messages,
                _clean(said.parent),
                _listed(said.tags),
                said.conflicts,
                _listed(made.models),
                _listed(made.tools),
                made.has_error,
                made.missing,
                sum(chunk.size for chunk in made.chunks),
            ),
        )
        self._db.execute("INSERT INTO messages VALUES (?, ?)", (number, made.records))
        # names may be the same once they are cleaned
        self._db.executemany(
            "INSERT INTO activity VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "messages = messages + excluded.messages, input = input + excluded.input, "
            "output = output + excluded.output",
            ((number, hour, _clean(model), *counts) for hour, model, *counts in made.activity),
        )
        self._db.executemany(
            "INSERT INTO calls VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "calls = calls + excluded.calls, errors = errors + excluded.errors",
            ((number, _clean(tool), *counts) for tool, *counts in made.calls),
        )

    def _forget(self, number: int) -> None:
        """Take out all about a session but its chunks."""
        self._db.execute("DELETE FROM sessions WHERE number = ?", (number,))
        for table in ("messages", "activity", "calls"):
            self._db.execute(f"DELETE FROM {table} WHERE session = ?", (number,))

    def held(self, path: str) -> Held:
        """What the cache has of a session."""
        number = self._number(_clean(path))
        if number is None:
            return {}
        rows = self._db.execute("SELECT row, digest FROM chunks WHERE row >= ? AND row < ?", rows_of(number))
        return {(kind_of(row), sequence_of(row)): digest for row, digest in rows}

    def remove(self, path: str) -> None:
        """Take a session out."""
        path = _clean(path) or ""
        self._db.execute("DELETE FROM unread WHERE path = ?", (path,))
        number = self._number(path)
        if number is not None:
            rows = self._db.execute("SELECT row FROM chunks WHERE row >= ? AND row < ?", rows_of(number)).fetchall()
            for (row,) in rows:
                self._drop(row)
            self._forget(number)

    def finish(self) -> None:
        """Put the terms that are new where parts of them are found."""
        number = self._db.execute("SELECT max(number) FROM terms").fetchone()[0] or 0
        rows = list(enumerate(sorted(self._new_terms()), number + 1))
        self._db.executemany("INSERT INTO terms VALUES (?, ?)", rows)
        self._db.executemany("INSERT INTO parts (rowid, term) VALUES (?, ?)", rows)
        self._terms.clear()

    def _new_terms(self) -> list[str]:
        if self._empty:  # the index has put them together already
            self._db.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'words', 'row')")
            held = [term for (term,) in self._db.execute("SELECT term FROM vocabulary WHERE length(term) > 3")]
            self._db.execute("DROP TABLE temp.vocabulary")
            return held
        known = "SELECT 1 FROM terms WHERE term = ?"
        return [term for term in self._terms if len(term) > 3 and self._db.execute(known, (term,)).fetchone() is None]

    def _number(self, path: str | None) -> int | None:
        found = self._db.execute("SELECT number FROM sessions WHERE path = ?", (path,)).fetchone()
        return None if found is None else int(found[0])

    def _drop(self, row: int) -> None:
        packed = self._db.execute("SELECT packed FROM chunks WHERE row = ?", (row,)).fetchone()[0]
        # an index without content has to be told what it holds
        try:
            held = joined_terms("\n".join(text.text for text in unpack(0, packed)))
        except (ValueError, TypeError) as error:
            raise sqlite3.DatabaseError(f"a text cannot be read: {error}") from error
        self._db.execute("INSERT INTO words (words, rowid, terms) VALUES ('delete', ?, ?)", (row, held))
        self._db.execute("DELETE FROM chunks WHERE row = ?", (row,))


def _clean(text: str | None) -> str | None:
    """A text as SQLite takes it: without halves of characters."""
    return text.encode("utf-8", "replace").decode() if text is not None and not text.isascii() else text


def _listed(texts: Iterable[str]) -> str:
    return orjson.dumps([_clean(text) for text in texts]).decode()
