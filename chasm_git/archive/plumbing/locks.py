"""Two kinds of lock: between processes of ours (`ProcessLock`), and ``.lock`` files as all git programs (`LockFile`).

The kernel releases a `ProcessLock` when its holder dies. A ``.lock`` file stays. So that a dead one can be told from
somebody else's, a `LockFile` is made as a second name (hard link) of a scratch file of ours: a ``.lock`` that is the
same file as an abandoned scratch file was ours, and `release_abandoned` removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from chasm_git.archive.plumbing import durable
from chasm_git.errors import ChasmError

_STALE = 600.0
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EMLINK, errno.EINVAL}
_held: set[int] = set()


def _release_in_child() -> None:
    # a forked worker shares the open lock file: it must not keep a lock alive that its parent died with
    for fd in _held:
        with contextlib.suppress(OSError):
            os.close(fd)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_in_child)


class ArchiveLocked(ChasmError):
    """Another chasm process is at work on the archive."""


class LockHeld(ChasmError):
    """A ``.lock`` file of git stands in the way."""

    def __init__(self, target: Path) -> None:
        lock = lock_path(target)
        try:
            age = time.time() - lock.lstat().st_mtime
        except FileNotFoundError:
            age = 0.0
        if age > _STALE:
            since = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() - age))
            text = f"{lock} is there since {since}; if no git command is running, remove that file and try again"
        else:
            text = f"another git command holds {lock}; try again when it has ended"
        super().__init__(text)
        self.target = target


class ProcessLock:
    """An advisory lock that ends with its process.

    Args:
        path: the lock file; it is made if missing and never removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self, timeout: float) -> None:
        """Take the lock; waits up to `timeout` seconds. Raises ArchiveLocked."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        deadline = time.monotonic() + timeout
        try:
            while not _try_lock(fd):
                if time.monotonic() >= deadline:
                    raise ArchiveLocked(_who(fd))
                time.sleep(random.uniform(0.005, 0.03))
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
            os.write(fd, f"{os.getpid()}\n".encode())
        except BaseException:  # Ctrl-C while it waits, too: a caller that goes on must not hold what nobody can release
            os.close(fd)
            raise
        self._fd = fd
        _held.add(fd)

    def release(self) -> None:
        """Give the lock back."""
        if self._fd is not None:
            _held.discard(self._fd)
            os.close(self._fd)
            self._fd = None


class LockFile:
    """The right to replace one file, as every git program understands it: ``<file>.lock`` exists.

    A context manager: leaving it without `commit` gives the lock back and leaves the file as it was.

    Args:
        target: the file to be replaced.
        scratch: folder for the scratch file, on the same file system.
        timeout: seconds to wait for a lock that somebody else holds.
    """

    def __init__(self, target: Path, scratch: Path, timeout: float = 10.0, mode: int = 0o666) -> None:
        self.target = target
        self.path = lock_path(target)
        self._scratch = scratch / f"lock-{durable.scratch_name()}"
        self._mode = mode
        self._fd = durable.create(self._scratch, mode)
        try:
            self._wait(timeout)
        except BaseException:  # Ctrl-C, too, which may come right after the lock was taken
            if _same_file(self._scratch, self.path):
                durable.remove(self.path)
            os.close(self._fd)
            durable.remove(self._scratch)
            raise
        self._held = True

    def _wait(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._take()
                return
            except FileExistsError:
                if time.monotonic() >= deadline:
                    raise LockHeld(self.target) from None
            time.sleep(random.uniform(0.002, 0.02))

    def _take(self) -> None:
        try:
            os.link(self._scratch, self.path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # the lock works without a second name; only, a dead one cannot be told from a stranger's
            fd = durable.create(self.path, self._mode)
            os.close(self._fd)
            self._fd = fd

    def write(self, data: bytes) -> None:
        """Put the new content into the lock file, durably; the target changes at `commit`."""
        os.lseek(self._fd, 0, os.SEEK_SET)
        os.ftruncate(self._fd, 0)
        durable.write_all(self._fd, data)
        os.fsync(self._fd)

    def commit(self, data: bytes | None = None) -> None:
        """Replace the target by what was written, and give the lock back."""
        if data is not None:
            self.write(data)
        os.close(self._fd)
        self._held = False
        try:
            self.path.replace(self.target)
        except OSError:
            durable.remove(self.path)
            raise
        except BaseException:  # Ctrl-C before the rename, or right after it: by then the lock may be another program's
            if _same_file(self._scratch, self.path):
                durable.remove(self.path)
            raise
        finally:
            durable.remove(self._scratch)

    def release(self) -> None:
        """Give the lock back; the target stays as it was."""
        if self._held:
            os.close(self._fd)
            self._held = False
            durable.remove(self.path)
            durable.remove(self._scratch)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except FileNotFoundError:
        return False


def lock_path(target: Path) -> Path:
    """Where git programs put the lock of a file."""
    return target.with_name(target.name + ".lock")


def release_abandoned(git_dir: Path, scratch: Path) -> list[Path]:
    """Remove the ``.lock`` files that dead processes of ours left, and only those. Returns them."""
    left = [path for path in scratch.glob("lock-*") if durable.abandoned(path)]
    identities = {(found.st_dev, found.st_ino): path for path in left if (found := path.lstat()).st_nlink > 1}
    released: list[Path] = []
    if identities:
        for lock in _lock_files(git_dir):
            with contextlib.suppress(FileNotFoundError):
                found = lock.lstat()
                if (found.st_dev, found.st_ino) in identities:
                    durable.remove(lock)
                    released.append(lock)
    for path in left:
        durable.remove(path)
    return released


def _lock_files(git_dir: Path) -> Iterator[Path]:
    yield from git_dir.glob("*.lock")
    yield from git_dir.glob("worktrees/*/*.lock")
    yield from git_dir.glob("refs/**/*.lock")


def _who(fd: int) -> str:
    os.lseek(fd, 0, os.SEEK_SET)
    pid = os.read(fd, 20).decode("ascii", "replace").strip()
    by = f" (process {pid})" if pid.isdigit() else ""
    return f"another chasm command is at work on this archive{by}; try again when it has ended"


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # the locked byte cannot be read by others, so it lies behind the content

    def _try_lock(fd: int) -> bool:
        os.lseek(fd, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
