"""Summaries of session files by blob id, kept between runs: a list of ten thousand sessions must not read them all.

What is kept, in ``$GIT_DIR/chasm/summaries.sqlite3``, only saves time: a summary depends on its blob alone, a harvest
leaves those of what it writes, and a file that is missing, damaged, locked or another version's is as good as none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from chasm_git.archive.plumbing.bulk import WORTH_IT, BulkReader
from chasm_git.session import codec, jsonio
from chasm_git.session.summary import Summary, summarize

if TYPE_CHECKING:
    from pathlib import Path

    from chasm_git.archive.history import Change
    from chasm_git.archive.repo import Archive

NAME = "summaries.sqlite3"
VERSION = 3
"""Changed with every change to what a summary says of a file."""

_BUSY = 0.5
_MOST_STALE = 4
"""How many times as many summaries may be kept as are in use."""
_FIELDS = tuple(Summary.__slots__)


class Summaries:
    """Summaries of one archive's session files; each file is opened once, and the result remembered by `save`."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._known: dict[str, Summary] = {}
        self._faults: dict[str, str] = {}
        self._fresh: dict[str, Summary] = {}
        self._blobs: BulkReader | None = None

    def load(self, blobs: Iterable[str]) -> None:
        """Take what is kept of these files, in one go; what is not will be asked for next."""
        wanted = set(blobs)
        self._known.update(_kept(path_of(self.archive), wanted))
        missing = len(wanted - self._known.keys())
        if missing >= WORTH_IT:
            self._blobs = BulkReader(self.archive, expected=missing)

    def read(self, blob: str) -> Summary:
        """The summary of a file. Raises CodecError for one that cannot be read, KeyError for one that is missing."""
        found = self._known.get(blob)
        if found is None:
            if blob in self._faults:
                raise codec.CodecError(self._faults[blob])
            try:
                found = summarize((self._blobs or self.archive).read(blob))
            except codec.CodecError as error:
                self._faults[blob] = str(error)
                raise
            self._known[blob] = self._fresh[blob] = found
        return found

    def of(self, blob: str | None) -> Summary | None:
        """The summary of a file; None for no file, and for one that cannot be read or is missing."""
        if blob is None:
            return None
        try:
            return self.read(blob)
        except (codec.CodecError, KeyError):
            return None

    def count(self, blob: str | None) -> int:
        """Messages in a file, as lists count them."""
        found = self.of(blob)
        return found.messages if found is not None else 0

    def added(self, change: Change) -> int:
        """How many messages more there are than before."""
        return self.count(change.new) - self.count(change.old)

    def save(self) -> None:
        """Keep what was read; where that cannot be, the next run reads it again."""
        if self._blobs is not None:
            self._blobs.close()
            self._blobs = None
        if self._fresh:
            remember(self.archive, self._fresh)
            self._fresh = {}


def below(archive: Archive, files: Mapping[str, str], identity: str) -> list[Summary]:
    """The sessions among files (path -> blob) that a session started (sub-agents) or that branched off from it.

    The earliest first. Of ten thousand summaries that are kept only those that name it are taken apart.
    """
    wanted = set(files.values())
    found: dict[str, Summary] = {}
    held: set[str] = set()
    try:
        with _opened(path_of(archive), "ro") as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
                held = {blob for (blob,) in connection.execute("SELECT blob FROM summaries")}
                naming = "SELECT blob, said FROM summaries WHERE instr(said, ?)"
                rows = connection.execute(naming, (jsonio.dumps(identity),)).fetchall()
                found.update(_unpacked((blob, said) for blob, said in rows if blob in wanted))
                held -= {blob for blob, _ in rows} - found.keys()
    except sqlite3.Error:
        held = set()  # they are of no use: the files say it again
    summaries = Summaries(archive)
    new = wanted - held
    summaries.load(new)
    found.update((blob, said) for blob in new if (said := summaries.of(blob)) is not None)
    summaries.save()
    chosen = (one for one in found.values() if identity in (one.parent, one.forked_from) and not one.forgotten)
    return sorted(chosen, key=lambda one: (one.created_at or "", one.id))


def path_of(archive: Archive) -> Path:
    """Where they are kept."""
    return archive.git_dir / "chasm" / NAME


def remember(archive: Archive, made: Mapping[str, Summary]) -> None:
    """Keep summaries by blob id; where that cannot be, they are made again when they are asked for."""
    if not made:
        return
    path = path_of(archive)
    for _ in range(2):
        try:
            path.parent.mkdir(exist_ok=True)
            with _opened(path, "rwc") as connection:
                connection.execute("BEGIN IMMEDIATE")
                if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                    _emptied(connection)
                rows = ((blob, _packed(one)) for blob, one in made.items())  # all at once would be much memory
                connection.executemany("INSERT OR REPLACE INTO summaries VALUES (?, ?)", rows)
                connection.execute("COMMIT")
            return
        except sqlite3.DatabaseError as error:
            if not _is_damaged(error):
                return  # somebody holds it, or it cannot be written here: it only saves time
            path.unlink(missing_ok=True)
        except OSError:
            return


def prune(archive: Archive, used: set[str]) -> None:
    """Drop summaries of files that are not in use, where those are many."""
    path = path_of(archive)
    try:
        with _opened(path, "rw") as connection:
            count = connection.execute("SELECT count(*) FROM summaries").fetchone()[0]
            if count > _MOST_STALE * max(len(used), 100):
                held = {blob for (blob,) in connection.execute("SELECT blob FROM summaries")}
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("DELETE FROM summaries WHERE blob = ?", ((blob,) for blob in held - used))
                connection.execute("COMMIT")
                connection.execute("VACUUM")
    except sqlite3.Error:
        return  # it only saves room, and the next one may do it


def _kept(path: Path, blobs: set[str]) -> Iterator[tuple[str, Summary]]:
    found: list[tuple[str, bytes]] = []
    try:
        with _opened(path, "ro") as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                return
            if len(blobs) > 100:
                found = [row for row in connection.execute("SELECT blob, said FROM summaries") if row[0] in blobs]
            else:
                for blob in blobs:
                    found += connection.execute("SELECT blob, said FROM summaries WHERE blob = ?", (blob,))
    except sqlite3.Error:
        return  # there are none yet, or they are of no use: the files say it again
    yield from _unpacked(found)


def _unpacked(rows: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Summary]]:
    for blob, said in rows:
        try:
            values = jsonio.loads(said)
            values[_FIELDS.index("tags")] = tuple(values[_FIELDS.index("tags")])
            yield blob, Summary(*values)
        except (ValueError, TypeError, IndexError):
            continue


def _packed(summary: Summary) -> bytes:
    return jsonio.dumps([getattr(summary, name) for name in _FIELDS])


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        yield connection


def _emptied(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE IF EXISTS summaries")
    connection.execute("CREATE TABLE summaries (blob TEXT PRIMARY KEY, said BLOB NOT NULL) WITHOUT ROWID")
    connection.execute(f"PRAGMA user_version={VERSION}")


def _is_damaged(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
