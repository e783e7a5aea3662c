"""Writing files a person asked for: whole or not at all, and never over another one unasked."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from chasm_git.errors import ChasmError


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raises ChasmError if one of the files is there already; a device or a pipe (``/dev/stdout``) is no file."""
    there = [path for path in paths if os.path.lexists(path) and not _is_stream(path)]
    if there:
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise ChasmError(f"{there[0]}{more} exists; choose another place, or write over it with --force")


def write_file(path: Path, data: bytes | Iterable[bytes]) -> int:
    """Write a file, whole or not at all, and give its length; its folder is made. A device or a pipe is written to."""
    pieces = [data] if isinstance(data, bytes) else data
    if _is_stream(path):
        with path.open("wb", buffering=0) as stream:
            return sum(_written(stream.fileno(), piece) for piece in pieces)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _beside(path)
    try:
        with unfinished.open("wb") as file:
            size = sum(map(file.write, pieces))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return size


def rewrite(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a file that other programs read: they find the one before or this one, also after a power failure.

    A link is followed, since a person may keep the file elsewhere; a file that is there keeps its mode.

    Args:
        mode: of a file that is new, less what the umask takes.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _beside(target)
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            if target.exists():
                unfinished.chmod(stat.S_IMODE(target.stat().st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:100]}.{os.getpid()}.tmp")


def _is_stream(path: Path) -> bool:
    try:
        kind = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(kind) or stat.S_ISDIR(kind))


def _written(descriptor: int, data: bytes) -> int:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return len(data)
