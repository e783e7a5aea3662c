"""Carrying out a plan: every writer's `write`, and the only code that changes a tool's store.

Files are written beside their place under another name, flushed, and renamed into it; rows in one transaction. So a
reader sees all of the old or all of the new, and so does the next run after a crash: what points to something is
written after it. Nothing is written outside the plan's root, through a link, or over what was not there when planned.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from chasm_git.errors import ChasmError
from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.providers.writing import processes, readback
from chasm_git.providers.writing.contract import (
    INDEX,
    Change,
    ChangedMeanwhile,
    FileChange,
    NotPutBack,
    NotReadBack,
    Query,
    RowsChange,
    Standing,
    Target,
    WritePlan,
    WriteRefused,
    Written,
)
from chasm_git.session.model import Session

Undo: TypeAlias = Callable[[], None]

_SCRATCH = ".chasm-"
_ABANDONED = 3600.0
_BUSY = 5.0
"""Seconds to wait for a database that somebody else is writing."""


class StoreWriter(ABC):
    """Everything of a `Writer` but its format. Subclass it and name the class in `contract.WRITERS`."""

    provider: ClassVar[str]

    @abstractmethod
    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""

    @abstractmethod
    def continue_command(self, session: Session, target: Target) -> str | None:
        """See `Writer.continue_command`."""

    def write(self, plan: WritePlan, *, backup: Path, force: bool = False) -> Written:
        """See `Writer.write`."""
        if plan.refused is not None:
            raise WriteRefused(plan.refused)
        is_newer = plan.standing is Standing.NEWER and any(change.what != INDEX for change in plan.changes)
        if is_newer and not force:
            raise WriteRefused(
                f"{plan.provider} holds more of {plan.session_id} than the archive: harvest it first, or --force"
            )
        for change in plan.changes:
            check_inside(plan.root, change.path)
        if plan.changes and plan.running and not force and (found := processes.running(plan.running)) is not None:
            raise WriteRefused(f"{found[1]} is running (process {found[0]}) and would write over it: end it first")
        done: list[Undo] = []
        kept: list[Path] = []
        try:
            for change in plan.changes:
                copy = _keep(change, backup)
                kept += [copy] if copy is not None else []
                _apply(change, done)
            if plan.changes and (lost := readback.missing(registry.load(plan.provider), plan)):
                raise NotReadBack(
                    f"{plan.provider} would not read back what was written of {plan.session_id}; nothing was "
                    f"changed: {lost[0]}"
                )
        except BaseException as error:
            faults = _taken_back(done)
            if faults:
                raise NotPutBack(f"{error or type(error).__name__}; {faults[0]}; see the copies in {backup}") from error
            raise
        return Written(plan.session_id, tuple(change.path for change in plan.changes), tuple(dict.fromkeys(kept)))


def seen(path: Path) -> str | None:
    """What identifies a file's content now, for `FileChange.before`; None where there is no file. Raises OSError."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None


def content(path: Path) -> tuple[bytes | None, str | None]:
    """A file's bytes with what `seen` says of them; (None, None) where there is none. Raises OSError."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None, None
    return data, hashlib.sha256(data).hexdigest()


def check_inside(root: Path, path: Path) -> None:
    """Raise WriteRefused for a path that leads, or is led by a link, out of the tool's folder."""
    if not path.is_absolute() or ".." in path.parts or "\0" in str(path):
        raise WriteRefused(f"{path!r} is not a path to write to")
    existing = path.parent
    while not os.path.lexists(existing):
        existing = existing.parent
    top = root.resolve()
    is_inside = path.is_relative_to(root) and path != root
    if not is_inside or not (existing.resolve().is_relative_to(top) or top.is_relative_to(existing.resolve())):
        raise WriteRefused(f"{path} leads out of {root}")
    if path.is_symlink():
        raise WriteRefused(f"{path} is a link: what it leads to is not ours to write")


def _keep(change: Change, backup: Path) -> Path | None:
    """Copy what is about to be replaced.

    Of lists and databases, which change with every session, the first copy of a run is the one that counts.
    """
    path = change.path
    if not path.exists():
        return None
    copy = backup / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}-{path.name}"
    is_shared = change.what == INDEX or isinstance(change, RowsChange)
    number = 1
    while copy.exists():
        if is_shared or seen(copy) == seen(path):
            return copy
        number += 1  # the tool has written since a first try
        copy = copy.with_name(f"{copy.name.partition('~')[0]}~{number}")
    backup.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("rb") as file:
        is_database = file.read(16) == b"SQLite format 3\0"
    if is_database:
        address = f"{path.as_uri()}?mode=ro"
        with (
            closing(sqlite3.connect(address, uri=True, timeout=_BUSY)) as source,
            closing(sqlite3.connect(copy)) as into,
        ):
            source.backup(into)
    else:
        shutil.copyfile(path, copy)
    copy.chmod(0o600)
    return copy


def _apply(change: Change, done: list[Undo]) -> None:
    """Carry out one change; adds what takes it back, step by step."""
    if isinstance(change, FileChange):
        _write_file(change, done)
    else:
        _write_rows(change, done)


def _taken_back(done: list[Undo]) -> list[str]:
    """Take everything back, the last first; what cannot be is told, and the rest is taken back all the same."""
    faults = []
    for undo in reversed(done):
        try:
            undo()
        except (OSError, sqlite3.Error, ChasmError) as error:
            faults.append(f"not all could be put back as it was: {error}")
    return faults


def _write_file(change: FileChange, done: list[Undo]) -> None:
    path = change.path
    old, now = content(path)
    if now != change.before:
        raise ChangedMeanwhile(f"{path} has changed since it was looked at: try again")
    _make_folders(path.parent, done)
    replace(path, change.data, lambda: seen(path) == change.before)

    def undo() -> None:
        if seen(path) != hashlib.sha256(change.data).hexdigest():
            return  # somebody went on from what we wrote: it is theirs now
        if old is None:
            path.unlink()
        else:
            replace(path, old, lambda: True)

    done.append(undo)


def _make_folders(folder: Path, done: list[Undo]) -> None:
    """Make a folder and those above it."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        done.append(partial(_remove_empty, new))


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # not empty: somebody else uses it
        folder.rmdir()


def replace(path: Path, data: bytes, is_unchanged: Callable[[], bool]) -> None:
    """Put `data` at `path`, durably: whoever looks sees all of the old or all of the new.

    Args:
        is_unchanged: asked last, right before the new takes the place of the old.

    Raises ChangedMeanwhile and OSError; then nothing is left of the attempt.
    """
    _sweep(path.parent)
    unfinished = path.with_name(f"{_SCRATCH}{os.getpid()}-{secrets.token_hex(6)}.tmp")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with suppress(FileNotFoundError):
            unfinished.chmod(path.stat().st_mode & 0o777)
        if not is_unchanged():
            raise ChangedMeanwhile(f"{path} has changed since it was looked at: try again")
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _flush(path.parent)


def _sweep(folder: Path) -> None:
    """Remove what a killed run left unfinished."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_SCRATCH) and entry.name.endswith(".tmp"):
                with suppress(OSError):  # somebody else was faster
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED:
                        Path(entry.path).unlink()


def _flush(folder: Path) -> None:
    if os.name == "nt":
        return  # folders cannot be opened there; a rename is journalled
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_rows(change: RowsChange, done: list[Undo]) -> None:
    is_new = not change.path.exists()
    if is_new and change.create is None:
        raise WriteRefused(f"{change.path} is not there; start the tool once, and try again")
    _make_folders(change.path.parent, done)
    if is_new:  # also where it is made and nothing comes into it
        done.append(partial(change.path.unlink, missing_ok=True))
    with closing(_connected(change.path)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            for statement in change.create or () if is_new else ():
                connection.execute(statement)
            for (query, given), rows in change.expected:
                if connection.execute(query, given).fetchall() != rows:
                    raise ChangedMeanwhile(f"{change.path} has changed since it was looked at: try again")
            for statement, given in change.statements:
                connection.execute(statement, given)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise WriteRefused(f"{change.path} cannot be written: {error}") from None
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def undo() -> None:
        with closing(_connected(change.path)) as again:
            again.execute("BEGIN IMMEDIATE")
            for statement, given in change.undo:
                again.execute(statement, given)
            again.execute("COMMIT")

    if not is_new:
        done.append(undo)


def _connected(path: Path) -> sqlite3.Connection:
    made = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
    made.execute("PRAGMA trusted_schema = OFF")
    return made


def rows_of(path: Path, *queries: Query) -> list[list[tuple[Any, ...]]]:
    """What queries give on a database as it stands. Raises sqlite3.Error.

    Opened for reading: what is in the log of a running tool is seen too.
    """
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_BUSY)) as connection:
        return [connection.execute(query, given).fetchall() for query, given in queries]
