"""Refs: reading them from the repository's files, and moving them by compare-and-swap, several at once.

All locks are taken and all old values compared before the first ref moves, as git's own transactions do; a reflog line
is written for every move, on HEAD's log too where a worktree shows the branch.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive.plumbing import durable
from chasm_git.archive.plumbing.locks import LockFile
from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_NAME = re.compile(
    r"refs/(?!.*(?:\.\.|//|@\{|/\.|\.lock(?:/|$)|[\x00-\x20\x7f~^:?*\[\\]))[^/.][^/]*(?:/[^/]+)+(?<![/.])",
)
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class RefMoved(ChasmError):
    """A ref does not have the value it was expected to have: somebody else was faster."""

    def __init__(self, ref: str, expected: str | None, found: str | None) -> None:
        super().__init__(
            f"{ref} moved meanwhile (it is at {found or 'nothing'}, expected {expected or 'nothing'}); try again"
        )
        self.ref = ref
        self.found = found


class DamagedRef(ChasmError):
    """A ref's file holds no object id."""

    def __init__(self, ref: str, path: Path) -> None:
        super().__init__(
            f"{path} is damaged; the last line of logs/{ref} beside it names the commit that belongs into it "
            f"(`git update-ref {ref} COMMIT` after removing the file)"
        )


def read_ref(archive: Archive, name: str) -> str | None:
    """The object id a ref points to, through symbolic refs; None where there is none. Raises DamagedRef."""
    return _read(archive.git_dir, resolve(archive, name))


def list_refs(archive: Archive, prefix: str) -> dict[str, str]:
    """Full name -> object id of every ref below `prefix` (``refs/tags/``), sorted. Raises DamagedRef."""
    found = {}
    top = archive.git_dir / prefix.rpartition("/")[0]
    for folder, _, names in os.walk(top):
        for file in names:
            name = (Path(folder) / file).relative_to(archive.git_dir).as_posix()
            if name.startswith(prefix) and not name.endswith(".lock"):
                value = read_ref(archive, name)
                if value is not None:
                    found[name] = value
    # the packed ones last: git packs a ref before it removes its file
    found = {name: value for name, value in _packed(archive.git_dir).items() if name.startswith(prefix)} | found
    return dict(sorted(found.items()))


def resolve(archive: Archive, name: str) -> str:
    """The ref that `name` stands for once symbolic refs are followed."""
    for _ in range(5):
        target = symbolic_target(archive.git_dir / name)
        if target is None:
            return name
        name = target
    raise ChasmError(f"{archive.git_dir}: {name} is a symbolic ref that never ends")


def symbolic_target(path: Path) -> str | None:
    """The ref that a symbolic ref's file (``HEAD``) names; None for any other file, or none."""
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    if not text.startswith(b"ref:"):
        return None
    return text[4:].strip().decode("utf-8", "surrogateescape")


def update_refs(
    archive: Archive, updates: Mapping[str, tuple[str | None, str | None]], message: str, *, timeout: float = 10.0
) -> None:
    """Move refs, each only if it still has its old value; all or none (a crash in between aside).

    Args:
        updates: ref -> (old, new); an old of None: it must not exist; a new of None: it is removed. They move in
            this order.
        message: for the reflog, one line.
        timeout: seconds to wait for the lock of another git program.

    Raises RefMoved, LockHeld, ValueError for a name git does not allow, ChasmError where another ref is in the way.
    """
    for name in updates:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a name for a ref")
    real = {resolve(archive, name): values for name, values in updates.items()}
    log = _log_tail(archive, message)
    with ExitStack() as held:
        # always in one order, so that two processes never wait for each other
        locks = {name: held.enter_context(_lock(archive, name, real[name], timeout)) for name in sorted(real)}
        packed = _packed(archive.git_dir)
        for name, (old, _) in real.items():
            found = _read(archive.git_dir, name, packed)
            if found != old:
                raise RefMoved(name, old, found)
        for name, (_, new) in real.items():
            if new is not None and old != new:
                locks[name].write(f"{new}\n".encode("ascii"))
        for name, (old, new) in real.items():
            if new is None:
                _delete(archive, name, timeout)
            elif old != new:
                _move(archive, locks[name], name, old, new, log)


def _move(archive: Archive, lock: LockFile, name: str, old: str | None, new: str, log: bytes) -> None:
    zero = "0" * len(new)
    line = f"{old or zero} {new} ".encode("ascii") + log
    lengths: list[tuple[Path, int]] = []
    try:
        lengths.extend((path, _append(path, line)) for path in _logs(archive, name))
        if lock.target.is_dir():
            _remove_empty(lock.target)
        lock.commit()
    except BaseException:  # Ctrl-C, too: a log must not tell of a move that did not happen, nor lack one that did
        if _read(archive.git_dir, name) != new:
            for path, length in lengths:
                if path.stat().st_size == length + len(line):  # nobody has written behind it
                    os.truncate(path, length)
        raise


def _lock(archive: Archive, name: str, values: tuple[str | None, str | None], timeout: float) -> LockFile:
    path = archive.git_dir / name
    if values[0] is None:
        other = _in_the_way(archive, name)
        if other is not None:
            raise ChasmError(f"cannot make {name}: {other} is in the way")
    for tries_left in (2, 1, 0):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return LockFile(path, archive.scratch, timeout)
        except FileNotFoundError:
            if not tries_left:
                raise
            # git removes a folder whose last ref it packs; it may do so this moment
    raise AssertionError("unreachable")


def _in_the_way(archive: Archive, name: str) -> str | None:
    """A ref that cannot stand beside `name`, because one name is a folder in the other."""
    at = name.find("/", len("refs/"))
    while at >= 0:
        if _read(archive.git_dir, name[:at]) is not None:
            return name[:at]
        at = name.find("/", at + 1)
    return next(iter(list_refs(archive, name + "/")), None)


def _delete(archive: Archive, name: str, timeout: float) -> None:
    """Remove a ref whose lock is held: first from the packed file, else it would come back for a moment."""
    packed_refs = archive.git_dir / "packed-refs"
    if name in _packed(archive.git_dir):
        with LockFile(packed_refs, archive.scratch, timeout) as lock:
            kept: list[bytes] = []
            dropped = False
            for line in packed_refs.read_bytes().splitlines(keepends=True):
                if line.startswith(b"^") and dropped:
                    continue
                dropped = line.rstrip(b"\n").partition(b" ")[2] == name.encode("utf-8", "surrogateescape")
                if not dropped:
                    kept.append(line)
            lock.commit(b"".join(kept))
    for path in (archive.git_dir / name, archive.git_dir / "logs" / name):
        if not path.is_dir():  # an empty one may stand where a packed ref once was a file
            durable.remove(path)


def _read(git_dir: Path, name: str, packed: Mapping[str, str] | None = None) -> str | None:
    path = git_dir / name
    try:
        text = path.read_bytes().strip().decode("ascii", "replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
        # Windows says "permission denied" for a folder
        if path.is_file():
            raise
        return (_packed(git_dir) if packed is None else packed).get(name)
    if not _ID.fullmatch(text):
        raise DamagedRef(name, path)
    return text


def _packed(git_dir: Path) -> dict[str, str]:
    try:
        lines = (git_dir / "packed-refs").read_bytes().decode("utf-8", "surrogateescape").split("\n")
    except FileNotFoundError:
        return {}
    found = {}
    for line in lines:
        value, _, name = line.partition(" ")
        if name and _ID.fullmatch(value):
            found[name] = value
    return found


def _logs(archive: Archive, name: str) -> list[Path]:
    paths = [archive.git_dir / "logs" / name]
    heads = [archive.git_dir / "HEAD", *archive.git_dir.glob("worktrees/*/HEAD")]
    paths += [head.parent / "logs" / "HEAD" for head in heads if symbolic_target(head) == name]
    return paths


def _log_tail(archive: Archive, message: str) -> bytes:
    from chasm_git.archive.commit import identity, stamp

    line = " ".join(message.replace("\0", " ").split())
    return f"{identity(archive)} {stamp()}\t{line}\n".encode("utf-8", "replace")


def _append(path: Path, line: bytes) -> int:
    """Add one line to a log, whole or not at all; returns its length before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        _remove_empty(path)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    try:
        length = os.fstat(fd).st_size
        try:
            durable.write_all(fd, line)
        except BaseException:  # Ctrl-C between two writes, too
            os.ftruncate(fd, length)
            raise
        return length
    finally:
        os.close(fd)


def _remove_empty(folder: Path) -> None:
    # git leaves empty folders where refs were; one may stand where a ref is to be
    for inner, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            Path(inner).rmdir()
