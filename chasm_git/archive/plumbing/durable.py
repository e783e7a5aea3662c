"""Files that are whole or not there: written under another name, flushed to the disk, then renamed into place.

What a killed process leaves behind can be told from what a living one still writes: the name of every unfinished file
says who writes it (`scratch_name`, `abandoned`).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_nonce = secrets.token_hex(4)
_counter = itertools.count()
_SCRATCH = re.compile(r"chasm-([0-9a-f]{8})-(\d+)-([0-9a-f]{8})-\d+\.\d+")
_FLUSHING = 16  # threads: the disk takes what waits together
_FOREIGN_LIFETIME = 24 * 3600.0
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def scratch_name() -> str:
    """A name for a file that is not finished: nobody else's, and it says which process it belongs to.

    What a worker process writes belongs to the process that started it: the files outlive the worker.
    """
    multiprocessing = sys.modules.get("multiprocessing.process")
    parent = multiprocessing.parent_process() if multiprocessing is not None else None
    owner = os.getpid() if parent is None else parent.pid
    return f"chasm-{_host()}-{owner}-{_nonce}-{os.getpid()}.{next(_counter)}"


def abandoned(path: Path) -> bool:
    """Whether `path` holds a `scratch_name` and the process it belongs to is gone.

    A file from another machine (shared disks) counts as abandoned after a day.
    """
    found = _SCRATCH.search(path.name)
    if found is None:
        return False
    host, pid, nonce = found[1], int(found[2]), found[3]
    if host != _host():
        with contextlib.suppress(FileNotFoundError):
            return time.time() - path.lstat().st_mtime > _FOREIGN_LIFETIME
        return False
    if pid == os.getpid():
        return nonce != _nonce
    return not _alive(pid)


@functools.cache
def _host() -> str:
    import platform

    return hashlib.sha256(platform.node().encode("utf-8", "surrogatepass")).hexdigest()[:8]


def create(path: Path | str, mode: int = 0o666) -> int:
    """A new file, open for writing. Raises FileExistsError."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, mode)


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`; a full disk raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_new(path: Path | str, data: bytes, *, mode: int = 0o666, flush: bool = True) -> None:
    """Write a file that must not exist yet; on failure nothing of it is left.

    Args:
        flush: the bytes are on the disk when this returns.
    """
    fd = create(path, mode)
    try:
        try:
            write_all(fd, data)
            if flush or os.name == "nt":
                os.fsync(fd)
        finally:
            os.close(fd)
    except BaseException:  # Ctrl-C, too: half a file must not stay under that name
        remove(Path(path))
        raise


def write_whole(path: Path, data: bytes, scratch: Path, *, mode: int = 0o666) -> None:
    """Put `data` at `path`, durably, over whatever is there: a reader sees all of the old or all of the new.

    Args:
        scratch: a folder on the same file system for the unfinished file.
    """
    unfinished = scratch / scratch_name()
    write_new(unfinished, data, mode=mode)
    try:
        unfinished.replace(path)
    except BaseException:  # Ctrl-C, too: nobody else will remove it as long as this process lives
        remove(unfinished)
        raise
    flush_folder(path.parent)


def flush_folder(path: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name == "nt":
        return
    fd = os.open(path, os.O_RDONLY | _BINARY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def flush_files(paths: Sequence[Path | str]) -> None:
    """Make the content of many files durable; together that costs a fraction of one after the other.

    A file that is gone by now is none to flush.
    """
    if os.name == "nt":
        return  # only what is open for writing can be flushed there: `write_new` has done it
    if len(paths) > 4:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_FLUSHING) as pool:
            list(pool.map(_flush, (paths[start::_FLUSHING] for start in range(_FLUSHING))))
    else:
        _flush(paths)


def _flush(paths: Sequence[Path | str]) -> None:
    for path in paths:
        try:
            fd = os.open(path, os.O_RDONLY | _BINARY)
        except FileNotFoundError:
            continue
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def remove(path: Path) -> None:
    """Remove a file, read-only or not, if it is there."""
    try:
        path.unlink()
    except FileNotFoundError:
        pass
    except PermissionError:
        # Windows does not remove read-only files
        path.chmod(stat.S_IWRITE | stat.S_IREAD)
        path.unlink()


if sys.platform == "win32":

    def _alive(pid: int) -> bool:
        # os.kill would end the process there
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)
        if not handle:
            return False
        kernel.CloseHandle(handle)
        return True
else:

    def _alive(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except (PermissionError, OverflowError):
            return True
        return True
