"""The cache's file: ``$GIT_DIR/chasm/cache.sqlite3``. Whatever is wrong with it, it is made again.

``words`` and ``parts`` are indexes without content. A row of ``words`` is a chunk; its number says whose (`row_of`), so
that a search need not look anywhere else to count and to rank. ``parts`` finds the terms of ``words`` that hold a text.
Chunks are kept deflated: snippets, and whether a phrase stands there, come from them.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

NAME = "cache.sqlite3"
VERSION = 5
"""Changed with every change to what stands in the cache, the tables or the words."""

MISSING = "its content is missing from the repository"
"""Why a session file is unread that may come yet, without a commit: into a partial clone."""

_BUSY = 5.0
ROOM = 65536
"""KiB of pages a writer keeps: what it has to write before its end, readers would have to wait for."""
_HELD = 16 << 20
"""Bytes of an index that are held in memory before they are written: many small pieces would have to be merged."""
BELOW_KIND, BELOW_SESSION = 20, 24
"""Bits of a chunk's number below its kind, and below its session."""
_SEQUENCES = 1 << BELOW_KIND
_KINDS = 1 << (BELOW_SESSION - BELOW_KIND)

_TABLES = """
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, blob TEXT NOT NULL, id TEXT NOT NULL,
    provider TEXT NOT NULL, title TEXT, workspace TEXT, created TEXT, updated TEXT, messages INTEGER NOT NULL,
    parent TEXT, tags TEXT NOT NULL, conflicts INTEGER NOT NULL, models TEXT NOT NULL, tools TEXT NOT NULL,
    has_error INTEGER NOT NULL, missing INTEGER NOT NULL, size INTEGER NOT NULL);
CREATE TABLE messages (session INTEGER PRIMARY KEY, records BLOB NOT NULL);
CREATE TABLE activity (
    session INTEGER NOT NULL, hour TEXT NOT NULL, model TEXT NOT NULL, messages INTEGER NOT NULL,
    input INTEGER NOT NULL, output INTEGER NOT NULL, PRIMARY KEY (session, hour, model)) WITHOUT ROWID;
CREATE TABLE calls (
    session INTEGER NOT NULL, tool TEXT NOT NULL, calls INTEGER NOT NULL, errors INTEGER NOT NULL,
    PRIMARY KEY (session, tool)) WITHOUT ROWID;
CREATE TABLE chunks (
    row INTEGER PRIMARY KEY, digest BLOB NOT NULL, packed BLOB NOT NULL);
CREATE TABLE unread (path TEXT PRIMARY KEY, blob TEXT NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE terms (number INTEGER PRIMARY KEY, term TEXT NOT NULL UNIQUE);
CREATE VIRTUAL TABLE words USING fts5(terms, content='', detail=none, columnsize=0, tokenize='ascii');
CREATE VIRTUAL TABLE parts USING fts5(
    term, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 1');
"""


class Unusable(Exception):
    """The cache cannot be used; ``str(error)`` says why."""


class Outdated(Unusable):
    """The cache is not one that this version reads: damaged, or another version's."""


class Missing(Outdated):
    """There is no cache yet."""


def row_of(session: int, kind: int, sequence: int) -> int:
    """The number of a chunk."""
    return (session * _KINDS + kind) * _SEQUENCES + min(sequence, _SEQUENCES - 1)


def session_of(row: int) -> int:
    """Whose chunk it is."""
    return row // (_SEQUENCES * _KINDS)


def kind_of(row: int) -> int:
    """What its texts are: index into `kept.KINDS`."""
    return row // _SEQUENCES % _KINDS


def sequence_of(row: int) -> int:
    """Which of its kind it is."""
    return row % _SEQUENCES


def rows_of(session: int) -> tuple[int, int]:
    """The first number of a session's chunks, and the first behind them."""
    return row_of(session, 0, 0), row_of(session + 1, 0, 0)


def connect(path: Path) -> sqlite3.Connection:
    """The cache at `path`, open. Raises Missing, Outdated, Unusable."""
    if not path.is_file():
        raise Missing("there is none yet")
    try:
        # where it cannot be written SQLite opens it to be read; where a build was killed reading has to clear that up
        uri = f"{path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=_BUSY, isolation_level=None)
    except sqlite3.Error as error:
        raise Unusable(str(error)) from error
    try:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found != VERSION:
            raise Outdated("it is another version's" if found else "it was never finished")
        connection.execute("SELECT count(*) FROM state").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise reason(error) from error
    except Outdated:
        connection.close()
        raise
    return connection


def create(path: Path) -> sqlite3.Connection:
    """A new, empty cache in the place of what is there; it counts only once `finish` was called.

    Raises Unusable where it cannot be written.
    """
    try:
        for name in (f"{path.name}-journal", f"{path.name}-wal", f"{path.name}-shm", path.name):
            path.with_name(name).unlink(missing_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise Unusable(str(error)) from error
    return prepared(connection)


def prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    """A connection to an empty database with the tables made, in a transaction that `finish` ends."""
    try:
        # what a power cut leaves of it is found out and made again
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA page_size=8192")
        connection.execute(f"PRAGMA cache_size=-{ROOM}")
        for statement in ("BEGIN IMMEDIATE", *filter(None, map(str.strip, _TABLES.split(";\n")))):
            connection.execute(statement)
        for index in ("words", "parts"):
            connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('hashsize', {_HELD})")
    except sqlite3.Error as error:
        connection.close()
        raise Unusable(str(error)) from error
    return connection


def finish(connection: sqlite3.Connection) -> None:
    """Commit a new cache. Only now it is one."""
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")


def reason(error: sqlite3.Error) -> Unusable:
    """What an error means for the cache: it waits for someone, or it is damaged."""
    busy = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    full = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM)
    if code in busy or code in full:
        return Unusable(str(error))
    return Outdated(f"it is damaged ({error})")
