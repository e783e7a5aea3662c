"""Keeping the cache at the archive's latest commit: what changed between two trees is read, nothing else.

It never fails a search. A cache that is damaged, or another version's, is made again; one that cannot be written, or
that somebody else holds, is left alone and a passing one in memory does its work.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import layout
from chasm_git.archive.plumbing import trees
from chasm_git.archive.plumbing.locks import ArchiveLocked
from chasm_git.cache import schema

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive
    from chasm_git.cache import build

Progress = Callable[[int, int], None]
Notice = Callable[[str], None]
"""Told what is worth saying, a line at a time."""

_TRIED = 16
"""Missing files that are looked for before a search: who fetches some mostly fetches all."""
PATIENCE = 30.0
"""Seconds to wait for another process that fills the cache."""


@dataclass(frozen=True, slots=True)
class Position:
    """What the cache follows: a commit, and the trees in it that it is made from."""

    commit: str
    sessions: str
    attachments: str

    def same_content(self, other: Position | None) -> bool:
        """Whether nothing that is in the cache differs."""
        return other is not None and (self.sessions, self.attachments) == (other.sessions, other.attachments)


def path_of(archive: Archive) -> Path:
    """Where the cache is."""
    return archive.git_dir / "chasm" / schema.NAME


def position_of(archive: Archive) -> Position:
    """The archive's latest commit; empty texts where there is nothing."""
    head = archive.head()
    tree = archive.tree_id(head)
    found = [trees.lookup(archive, tree, name) for name in (layout.SESSIONS, layout.ATTACHMENTS)]
    sessions, attachments = (entry.id if entry is not None and entry.is_folder else "" for entry in found)
    return Position(head or "", sessions, attachments)


def followed(connection: sqlite3.Connection) -> Position:
    """The position the cache is at."""
    held = dict(connection.execute("SELECT name, value FROM state"))
    return Position(held.get("commit", ""), held.get("sessions", ""), held.get("attachments", ""))


def opened(
    archive: Archive,
    *,
    progress: Progress = lambda done, total: None,
    notice: Notice = lambda text: None,
    patience: float = PATIENCE,
    processes: int | None = None,
) -> sqlite3.Connection:
    """The cache, at the latest commit; made, mended or made anew as needed.

    Args:
        processes: as `build.documents` takes it.
    """
    path = path_of(archive)
    here = position_of(archive)
    try:
        connection = _current(archive, path, here)
        if connection is not None:
            return connection
        (path.parent).mkdir(exist_ok=True)
        with archive.lock(patience, "cache"):
            try:
                return _updated(archive, path, progress, processes)
            except schema.Outdated as error:
                if not isinstance(error, schema.Missing):
                    notice(f"the search cache is made again: {error}")
                return _rebuilt(archive, path, progress, processes)
    except ArchiveLocked as error:
        notice(f"searching without the cache: {error}")
    except (schema.Unusable, OSError) as error:
        notice(f"searching without the cache: it cannot be used ({error})")
    return in_memory(archive, progress=progress, processes=processes)


def rebuild(
    archive: Archive, *, progress: Progress = lambda done, total: None, patience: float = PATIENCE
) -> sqlite3.Connection:
    """Make the cache anew. Raises ArchiveLocked, schema.Unusable, OSError."""
    path = path_of(archive)
    path.parent.mkdir(exist_ok=True)
    with archive.lock(patience, "cache"):
        return _rebuilt(archive, path, progress, None)


def mended(
    archive: Archive,
    reason: schema.Unusable,
    *,
    progress: Progress = lambda done, total: None,
    notice: Notice = lambda text: None,
) -> sqlite3.Connection:
    """What takes the place of a cache that failed while it was read: itself made anew, else one in memory."""
    if isinstance(reason, schema.Outdated):
        try:
            connection = rebuild(archive, progress=progress, patience=0)
        except (ArchiveLocked, schema.Unusable, OSError) as error:
            notice(f"searching without the cache: {reason}, and it cannot be made again ({error})")
        else:
            notice(f"the search cache is made again: {reason}")
            return connection
    else:
        notice(f"searching without the cache: it cannot be used ({reason})")
    return in_memory(archive, progress=progress)


def in_memory(
    archive: Archive, *, progress: Progress = lambda done, total: None, processes: int | None = None
) -> sqlite3.Connection:
    """A cache that nobody else sees, gone when it is closed."""
    connection = schema.prepared(sqlite3.connect(":memory:", isolation_level=None))
    _fill(archive, connection, progress, processes)
    return connection


def _current(archive: Archive, path: Path, here: Position) -> sqlite3.Connection | None:
    """The cache if it is at this position already; None where something has to be done about it."""
    try:
        connection = schema.connect(path)
    except schema.Outdated:
        return None
    try:
        if here.same_content(followed(connection)) and not _arrived(archive, connection):
            return connection
    except sqlite3.Error as error:
        connection.close()
        if isinstance(found := schema.reason(error), schema.Outdated):
            return None
        raise found from error
    connection.close()
    return None


def _updated(archive: Archive, path: Path, progress: Progress, processes: int | None) -> sqlite3.Connection:
    connection = schema.connect(path)
    try:
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA cache_size=-{schema.ROOM}")
        connection.execute("BEGIN IMMEDIATE")
        here, before = position_of(archive), followed(connection)  # another process may have done it while we waited
        if not here.same_content(before) or _arrived(archive, connection):
            _apply(archive, connection, before, here, progress, processes)
        _save(connection, here)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.close()
        raise schema.reason(error) from error
    except BaseException:  # Ctrl-C, too: the lock on the cache goes with the connection
        connection.close()
        raise
    return connection


def _apply(
    archive: Archive,
    connection: sqlite3.Connection,
    before: Position,
    here: Position,
    progress: Progress,
    processes: int | None,
) -> None:
    from chasm_git.cache import build

    changed = changes(archive, connection, before.sessions, here.sessions)
    if before.attachments != here.attachments:
        waiting = connection.execute("SELECT path, blob FROM sessions WHERE missing").fetchall()
        changed = {**dict(waiting), **changed}
    changed = {**_arrived(archive, connection), **changed}
    filler = build.Filler(connection, empty=False)
    tasks: list[build.Task] = []
    for name, blob in changed.items():
        if blob is None:
            filler.remove(name)
        else:
            tasks.append((name, blob, filler.held(name)))
    _put(archive, filler, tasks, here, progress, processes)


def _arrived(archive: Archive, connection: sqlite3.Connection) -> dict[str, str]:
    """Session files (path -> blob) that were missing from the repository, and are no more."""
    waiting = connection.execute("SELECT path, blob FROM unread WHERE reason = ?", (schema.MISSING,)).fetchall()
    if not any(_is_there(archive, blob) for _, blob in waiting[:_TRIED]):
        return {}
    return {path: blob for path, blob in waiting if _is_there(archive, blob)}


def _is_there(archive: Archive, blob: str) -> bool:
    try:
        archive.read(blob)
    except KeyError:
        return False
    return True


def changes(archive: Archive, connection: sqlite3.Connection, old: str, new: str) -> dict[str, str | None]:
    """Path -> blob (None: gone) of every session file in which two trees of sessions differ."""
    found: dict[str, str | None] = {}
    try:
        for path, _, entry in trees.differences(archive, old or None, new or None):
            whole = f"{layout.SESSIONS}/{path}"
            if layout.parse_session_path(whole) is not None:
                found[whole] = entry.id if entry is not None and entry.is_file else None
    except KeyError:  # the old tree is gone with a history that was rewritten
        known = connection.execute("SELECT path, blob FROM sessions UNION ALL SELECT path, blob FROM unread")
        held = dict(known.fetchall())
        there = _session_files(archive, new)
        found = {path: blob for path, blob in there.items() if held.get(path) != blob}
        found.update(dict.fromkeys(held.keys() - there.keys()))
    return found


def _session_files(archive: Archive, tree: str) -> dict[str, str]:
    listed = trees.files(archive, tree, "") if tree else {}
    whole = ((f"{layout.SESSIONS}/{path}", blob) for path, blob in listed.items())
    return {path: blob for path, blob in whole if layout.parse_session_path(path) is not None}


def _rebuilt(archive: Archive, path: Path, progress: Progress, processes: int | None) -> sqlite3.Connection:
    _fill_and_close(archive, path, progress, processes)
    return schema.connect(path)


def _fill_and_close(archive: Archive, path: Path, progress: Progress, processes: int | None) -> None:
    with closing(schema.create(path)) as connection:
        try:
            _fill(archive, connection, progress, processes)
        except sqlite3.Error as error:
            raise schema.reason(error) from error


def _fill(archive: Archive, connection: sqlite3.Connection, progress: Progress, processes: int | None) -> None:
    from chasm_git.cache import build

    here = position_of(archive)
    filler = build.Filler(connection, empty=True)
    _put(
        archive,
        filler,
        [(name, blob, {}) for name, blob in _session_files(archive, here.sessions).items()],
        here,
        progress,
        processes,
    )
    _save(connection, here)
    schema.finish(connection)


def _put(
    archive: Archive,
    filler: build.Filler,
    tasks: list[build.Task],
    here: Position,
    progress: Progress,
    processes: int | None,
) -> None:
    from chasm_git.cache import build

    attached = trees.files(archive, here.attachments, "") if here.attachments and tasks else {}
    whole = {f"{layout.ATTACHMENTS}/{path}": blob for path, blob in attached.items()}
    for done in filler.add_all(build.documents(archive, tasks, whole, processes=processes)):
        progress(done, len(tasks))
    filler.finish()


def _save(connection: sqlite3.Connection, here: Position) -> None:
    rows = (("commit", here.commit), ("sessions", here.sessions), ("attachments", here.attachments))
    connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", rows)
