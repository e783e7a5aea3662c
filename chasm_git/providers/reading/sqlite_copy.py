"""Reading a client's SQLite database: from a private copy, so that nothing is ever written (or locked) beside it.

Even a reader writes beside a database in WAL mode (index and locks), and most of what is new stands in the log. So the
database is copied together with its log, the copy is opened, and gone again when it is closed. Columns and tables are
taken as they are found: a row is a dict of all its columns, whatever version of the client made them.

What a cell becomes is said in `cells`.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from errno import ENOENT
from pathlib import Path
from stat import S_ISREG
from typing import Any, TypeAlias

from chasm_git.providers.base import Env, Problem, Source, stamp
from chasm_git.providers.reading.cells import cell_of, json_cell, text_of
from chasm_git.session.model import Json

Row: TypeAlias = dict[str, Json]
"""A row of a table: its cells by column, in the order of the columns."""

LARGEST = 8 * 1024**3
"""Bytes of database and log that are copied at most."""

SIDE_FILES = ("-wal", "-journal")
"""What has not reached the database yet, or is to be taken back."""
_TRIES = 5


class Unreadable(ValueError):
    """A database that cannot be read; says why, and what can be done."""


def source(provider: str, key: str, path: Path, extra: Any = None) -> Iterator[Source | Problem]:
    """The source of a database and its log; nothing where there is none. Opens neither."""
    try:
        yield Source(provider, key, path, _stamp(path), extra)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield Problem(str(path), f"cannot be looked at: {error.strerror or error}")


def data_home(env: Env) -> Path:
    """Where programs that follow the XDG rules on every platform keep their data."""
    return env.folder("XDG_DATA_HOME", ".local/share")


@contextmanager
def opened(path: Path, problems: list[Problem]) -> Iterator[Database]:
    """A copy of the database at `path`, open for reading; it is gone when the block ends.

    Args:
        problems: gets what cannot be read of single tables.

    Raises:
        Unreadable: it is no database, or too large, or never stands still.
        OSError: it cannot be opened.
    """
    with tempfile.TemporaryDirectory(prefix="chasm-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "copy.sqlite"
        _copy(path, copy)
        try:
            with closing(sqlite3.connect(copy)) as connection:
                connection.text_factory = text_of
                connection.execute("PRAGMA trusted_schema = OFF")
                database = Database(connection, path, problems)
                _unlink(copy)
                yield database
        except sqlite3.Error as error:
            raise Unreadable(f"not a readable database: {error}") from None


class Database:
    """The tables of a copy."""

    def __init__(self, connection: sqlite3.Connection, path: Path, problems: list[Problem]) -> None:
        self._connection = connection
        self._path = path
        self._problems = problems
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self.tables = {name for (name,) in found if type(name) is str}
        """The names of all tables."""

    def columns(self, table: str) -> list[str]:
        """The columns of a table; none of one that is not there."""
        if table not in self.tables:
            return []
        return [str(column[1]) for column in self._connection.execute(f"PRAGMA table_info({_quoted(table)})")]

    def rows(self, table: str, parsed: Collection[str] = ()) -> list[Row]:
        """All rows of a table, in the order they were inserted; none of one that is not there.

        Of a damaged table, what stands before and behind the damage.

        Args:
            parsed: columns that hold JSON texts.
        """
        columns = self.columns(table)
        if not columns:
            return []
        cells: list[tuple[str, Callable[[Any], Json]]] = [
            (column, json_cell if column in parsed else cell_of) for column in columns
        ]
        query = f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(table)}"
        rows: list[Row] = []
        if (fault := self._fetch(query, cells, rows)) is not None:
            behind: list[Row] = []
            self._fetch(f"{query} ORDER BY rowid DESC", cells, behind, until=rows[-1] if rows else None)
            rows += reversed(behind)
            reason = (
                f"table {table}: {fault}; {len(rows)} rows read, `sqlite3 {self._path.name} .recover` may find more"
            )
            self._problems.append(Problem(str(self._path), reason, fatal=False))
        return rows

    def between(self, table: str, column: str, first: str, end: str, parsed: Collection[str] = ()) -> list[Row]:
        """The rows whose text in a column lies between `first` and `end` (which it is not), by that column.

        For tables too large to be read as a whole, with an index on that column.
        """
        columns = self.columns(table)
        if column not in columns:
            return []
        cells: list[tuple[str, Callable[[Any], Json]]] = [
            (name, json_cell if name in parsed else cell_of) for name in columns
        ]
        rows: list[Row] = []
        query = (
            f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(table)}"
            f" WHERE {_quoted(column)} >= ? AND {_quoted(column)} < ? ORDER BY {_quoted(column)}"
        )
        if (fault := self._fetch(query, cells, rows, given=(first, end))) is not None:
            reason = f"table {table}, from {first}: {fault}; {len(rows)} rows read"
            self._problems.append(Problem(str(self._path), reason, fatal=False))
        return rows

    def first_from(self, table: str, column: str, first: str) -> str | None:
        """The first text in a column that is not before `first`; None where there is none."""
        if column not in self.columns(table):
            return None
        name = _quoted(column)
        query = f"SELECT {name} FROM {_quoted(table)} WHERE {name} >= ? ORDER BY {name} LIMIT 1"
        found = self._connection.execute(query, (first,)).fetchone()
        return found[0] if found is not None and type(found[0]) is str else None

    def blob(self, table: str, column: str, key: str, wanted: str) -> bytes | None:
        """The bytes of one cell, a text's or a blob's: of the row whose `column` holds `key`; None where there is none.

        Raises sqlite3.Error where the table has not got the columns, or is damaged.
        """
        query = f"SELECT CAST({_quoted(wanted)} AS BLOB) FROM {_quoted(table)} WHERE {_quoted(column)} = ?"
        found = self._connection.execute(query, (key,)).fetchone()
        return found[0] if found is not None and type(found[0]) is bytes else None

    def _fetch(
        self,
        query: str,
        cells: list[tuple[str, Callable[[Any], Json]]],
        into: list[Row],
        until: Row | None = None,
        given: tuple[str, ...] = (),
    ) -> sqlite3.Error | None:
        """Add rows, up to the one that is `until`; gives the error that ended it early."""
        try:
            for values in self._connection.execute(query, given):
                row = {
                    column: value if type(value) is int or value is None else made(value)
                    for (column, made), value in zip(cells, values, strict=True)
                }
                if until is not None and row == until:
                    return None
                into.append(row)
        except sqlite3.DatabaseError as error:
            return error
        return None


def grouped(rows: Iterable[Row], column: str) -> dict[Json, list[Row]]:
    """Rows by the value of a column, in their order; those without a plain value there stand under None."""
    groups: dict[Json, list[Row]] = {}
    for row in rows:
        groups.setdefault(key_of(row.get(column)), []).append(row)
    return groups


def unplaced(
    path: Path, table: str, groups: Mapping[Json, list[Row]], known: Collection[Json] | None = None
) -> Iterator[Problem]:
    """What to say of the rows of a table that belong to nothing: they cannot be read as part of any session.

    Args:
        path: of the database.
        groups: the rows by what they belong to, see `grouped`.
        known: what there is; None = whatever has a name.
    """
    count = 0
    for key, rows in groups.items():
        if not (type(key) is str and key if known is None else key in known):
            count += len(rows)
    if count:
        said = "1 row belongs" if count == 1 else f"{count} rows belong"
        yield Problem(str(path), f"table {table}: {said} to nothing that is there, and cannot be read", fatal=False)


def indexed(rows: Iterable[Row], column: str = "id") -> dict[Json, Row]:
    """Rows by their value of a column; those without a plain value there are left out."""
    return {key: row for row in rows if (key := key_of(row.get(column))) is not None}


def key_of(value: Json) -> str | int | None:
    """The value where it can name a row, else None."""
    return value if type(value) is str or type(value) is int else None


def order_of(*values: Json) -> tuple[Any, ...]:
    """A key to sort rows by, whatever their cells hold: numbers, then texts, then the rest."""
    return tuple(
        (1, 0, value) if type(value) is str else (0, value, "") if type(value) in (int, float) else (2, 0, "")
        for value in values
    )


def _unlink(copy: Path) -> None:
    """Take an open copy's names away, where the system can: it may hold secrets, and now it cannot outlive us."""
    for name in (copy.name, *(copy.name + suffix for suffix in (*SIDE_FILES, "-shm"))):
        with suppress(OSError):  # Windows keeps what is open; the folder is removed with it at the end
            copy.with_name(name).unlink(missing_ok=True)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _stamp(path: Path) -> str:
    """The state of a database and of what stands beside it; an empty log is none. Raises OSError, also for no file."""
    stats = [path.stat()]
    if not S_ISREG(stats[0].st_mode):  # a pipe would be waited for
        raise FileNotFoundError(ENOENT, "no file", str(path))
    for suffix in SIDE_FILES:
        try:
            beside = path.with_name(path.name + suffix).stat()
        except FileNotFoundError:
            continue
        if beside.st_size:
            stats.append(beside)
    return stamp(*stats)


def _copy(path: Path, copy: Path) -> None:
    """Copy a database and what stands beside it as they were at one moment. Raises Unreadable and OSError."""
    before = _stamp(path)
    for _ in range(_TRIES):
        size = sum(int(part.partition(":")[0]) for part in before.split())
        if size > LARGEST:
            raise Unreadable(
                f"{size} bytes are more than can be copied; let the client (or `sqlite3 … VACUUM`) shrink it"
            )
        free = shutil.disk_usage(copy.parent).free
        if size > free:
            raise Unreadable(
                f"its copy takes {size} bytes, {free} are free in {copy.parent.parent}; TMPDIR names another folder"
            )
        shutil.copyfile(path, copy)
        for suffix in SIDE_FILES:
            beside = copy.with_name(copy.name + suffix)
            try:
                shutil.copyfile(path.with_name(path.name + suffix), beside)
            except FileNotFoundError:
                beside.unlink(missing_ok=True)
        after = _stamp(path)
        if after == before:
            return
        before = after
    raise Unreadable("it is written to all the time; try again when the client is idle")
