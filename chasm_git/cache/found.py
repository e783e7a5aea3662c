"""What a search gives: sessions, the messages in them that match, and what else is worth saying."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

import orjson

from chasm_git.cache.snippet import Snippet

_COLUMNS = "id, provider, title, workspace, created, updated, messages, parent, tags, conflicts"


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that matches."""

    message: str
    role: str
    timestamp: str | None
    kind: str
    """One of `kept.KINDS`."""
    tool: str | None
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Match:
    """A session that matches."""

    id: str
    provider: str
    title: str | None
    workspace: str | None
    created_at: str | None
    updated_at: str | None
    messages: int
    parent: str | None
    tags: tuple[str, ...]
    conflicts: bool
    score: float
    hits: tuple[Hit, ...]


@dataclass(slots=True)
class Results:
    """What was found, the best first."""

    matches: list[Match] = field(default_factory=list)
    total: int | None = None
    """Sessions that match; None where more may than were looked for."""
    unread: list[tuple[str, str]] = field(default_factory=list)
    """Session files that nobody can read: path, reason."""
    hints: list[str] = field(default_factory=list)
    """Where nothing was found: what may be wrong with the query."""


def match_of(connection: sqlite3.Connection, number: int, score: float, hits: list[Hit]) -> Match:
    """A session with what was found in it. Raises sqlite3.Error where the cache is damaged."""
    cells = connection.execute(f"SELECT {_COLUMNS} FROM sessions WHERE number = ?", (number,)).fetchone()
    said = (*cells[:8], tuple(orjson.loads(cells[8])), bool(cells[9]), round(score, 4), tuple(hits))
    return Match(*said)
