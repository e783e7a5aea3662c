"""Reading the texts the cache keeps, and finding terms in them; what was just read is kept a while."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from chasm_git.cache.kept import Text, unpack, unpack_folded, unpack_records
from chasm_git.cache.query import Term
from chasm_git.cache.schema import kind_of
from chasm_git.cache.text import BETWEEN, BETWEEN_BYTES, BLANK_BYTES, fold

_KEPT = 256
"""Chunks that are kept unpacked (one is some tens of kilobytes)."""


class Texts:
    """The texts of one state of the cache. Methods raise sqlite3.DatabaseError where it is damaged."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._patterns: dict[str, re.Pattern[str]] = {}
        self._loose: dict[str, re.Pattern[bytes]] = {}
        self._chunks: dict[int, list[Text]] = {}
        self._folded: dict[int, bytes] = {}
        self._records: dict[int, list[list[Any]]] = {}

    def chunk(self, row: int) -> list[Text]:
        """The texts of a chunk."""
        found = self._chunks.get(row)
        if found is None:
            try:
                found = unpack(kind_of(row), self._packed(row))
            except (ValueError, TypeError) as error:
                raise _damaged(error) from error
            if len(self._chunks) >= _KEPT:
                self._chunks.clear()
            self._chunks[row] = found
        return found

    def records(self, session: int) -> list[list[Any]]:
        """The messages of a session, as `kept.unpack_records`."""
        found = self._records.get(session)
        if found is None:
            row = self._db.execute("SELECT records FROM messages WHERE session = ?", (session,)).fetchone()
            try:
                found = self._records[session] = unpack_records(row[0])
            except (ValueError, TypeError) as error:
                raise _damaged(error) from error
        return found

    def may_hold(self, row: int, term: Term) -> bool:
        """Whether a term may stand in a chunk. Much cheaper than to take its texts apart, where it does not."""
        folded = self._folded.get(row)
        if folded is None:
            try:
                folded = unpack_folded(self._packed(row))
            except (ValueError, TypeError) as error:
                raise _damaged(error) from error
            if len(self._folded) >= _KEPT:
                self._folded.clear()
            self._folded[row] = folded
        if term.anchor.encode() not in folded:
            return False
        return self._compiled_loosely(term.inside).search(folded) is not None

    def find(self, term: Term, folded: str) -> tuple[int, int] | None:
        """Where a term first stands in a folded text."""
        pattern = self._compiled(term.pattern)
        at = folded.find(term.anchor)
        while at >= 0:
            found = pattern.match(folded, at)
            if found is not None:
                return found.span()
            at = folded.find(term.anchor, at + 1)
        return None

    def holds(self, term: Term, text: Text) -> bool:
        """Whether a term stands in a text."""
        return self.find(term, fold(text.text)) is not None

    def _compiled(self, pattern: str) -> re.Pattern[str]:
        found = self._patterns.get(pattern)
        if found is None:
            found = self._patterns[pattern] = re.compile(pattern)
        return found

    def _compiled_loosely(self, pattern: str) -> re.Pattern[bytes]:
        """A pattern of a term for UTF-8, which takes everything beyond ASCII for what may stand between words."""
        found = self._loose.get(pattern)
        if found is None:
            loose = pattern.replace(BETWEEN, BETWEEN_BYTES).replace(r"\s", BLANK_BYTES)
            found = self._loose[pattern] = re.compile(loose.encode())
        return found

    def _packed(self, row: int) -> bytes:
        found = self._db.execute("SELECT packed FROM chunks WHERE row = ?", (row,)).fetchone()
        if found is None:
            raise sqlite3.DatabaseError("a text that is listed is not there")
        packed: bytes = found[0]
        return packed


def _damaged(error: Exception) -> sqlite3.DatabaseError:
    return sqlite3.DatabaseError(f"a text cannot be read: {error}")
