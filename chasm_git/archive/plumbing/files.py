"""The files of a worktree, written so that nothing else is: whole or not, never over an edit, never through a link."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chasm_git.archive.plumbing import durable
from chasm_git.archive.plumbing.objects import blob_id

_PLAIN = re.compile(r"(?!git)[a-z0-9_][a-z0-9_.-]*(?<!\.)", re.IGNORECASE)
"""Names that mean the same on every file system. Others are looked at more closely."""


class Left(Exception):
    """A file is to be left alone; the text says why."""


@dataclass(frozen=True, slots=True)
class There:
    """What stands at a path of the worktree."""

    data: bytes
    id: str
    """The blob id of `data`."""
    seen: os.stat_result
    """``lstat``, from before it was read."""

    def is_torn(self, content: bytes) -> bool:
        """Whether this is what a power cut leaves of `content`: its beginning, perhaps filled up with zeros."""
        return content.startswith(self.data.rstrip(b"\0"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to stand there."""

    id: str
    load: Callable[[], bytes]
    """Gives the content, whose blob id is `id`."""
    executable: int | None = None
    """The execute bits it is to have; None: those of what was there."""
    staged: Path | None = None
    """A file that should hold the content already; it is used up."""


class Files:
    """Reads and writes below `top`.

    Args:
        top: the worktree.
        scratch: for unfinished files, normally on the same file system.
        hash_name: ``sha1`` or ``sha256``.
    """

    def __init__(self, top: Path, scratch: Path, hash_name: str) -> None:
        self._top = str(top)
        self._scratch = scratch
        self._hash_name = hash_name
        self._device = scratch.lstat().st_dev
        self._written: list[str] = []
        self._folders = {"": os.lstat(top).st_dev}  # those known to be real folders: name -> device

    def read(self, path: str, *, make_way: bool) -> There | None:
        """The file at `path`; None where there is none.

        Args:
            make_way: make the folders above it where they are missing.

        Raises Left for anything but a regular file, or a way to it that leads elsewhere; OSError.
        """
        _check(path.rpartition("/")[2])
        if not self._way(path, make_way):
            return None
        file = f"{self._top}/{path}"
        try:
            seen = os.lstat(file)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(seen.st_mode):
            raise Left("not a regular file in the worktree")
        data = Path(file).read_bytes()
        return There(data, blob_id(data, self._hash_name), seen)

    def place(self, path: str, wanted: Wanted, over: There | None) -> os.stat_result | None:
        """Put content at a path.

        Args:
            over: what was found there, to be replaced; anything else by now is an edit and is left alone.

        Returns:
            ``lstat`` of the file; None where somebody changed it already.

        Raises Left, OSError, and what loading the content raises.
        """
        executable = wanted.executable
        if executable is None:
            executable = over.seen.st_mode & 0o111 if over else 0
        file, folder = f"{self._top}/{path}", path.rpartition("/")[0]
        # a linked worktree may lie on another file system
        ready = self._ready(wanted, self._scratch if self._folders[folder] == self._device else None)
        try:
            before = os.lstat(ready)
            if executable:
                os.chmod(ready, stat.S_IMODE(before.st_mode) | executable)  # noqa: PTH101 hot loop
            self._require_unchanged(file, over)
            os.replace(ready, file)  # noqa: PTH105 hot loop
        except BaseException:  # Left and Ctrl-C, too: it would stay in the worktree's top as long as this process lives
            durable.remove(Path(ready))
            raise
        self._written.append(file)
        after = os.lstat(file)
        return after if _same(after, before) else None

    def adopt(self, path: str, there: There, executable: int | None) -> os.stat_result | None:
        """A file that holds the right content already: see to its mode. Returns as `place`."""
        file = Path(self._top, path)
        if executable is not None and bool(executable) != bool(there.seen.st_mode & 0o111):
            mode = stat.S_IMODE(there.seen.st_mode)
            file.chmod(mode | executable if executable else mode & ~0o111)
        now = file.lstat()
        return now if _same(now, there.seen) else None

    def remove(self, path: str, there: There) -> None:
        """Remove a file, and the folders it leaves empty. Raises Left if it changed since it was read."""
        file = f"{self._top}/{path}"
        self._require_unchanged(file, there)
        durable.remove(Path(file))
        folder = path.rpartition("/")[0]
        while folder:
            try:
                os.rmdir(f"{self._top}/{folder}")  # noqa: PTH106 hot loop
            except OSError:
                return  # not empty
            self._folders.pop(folder, None)
            folder = folder.rpartition("/")[0]

    def flush(self) -> None:
        """Make everything that was placed durable."""
        durable.flush_files(self._written)
        self._written.clear()

    def _ready(self, wanted: Wanted, scratch: Path | None) -> str:
        """A finished file with the wanted content, not in place yet; at the worktree's top if `scratch` is None."""
        staged = wanted.staged
        if staged is not None and scratch is not None:
            try:
                if blob_id(staged.read_bytes(), self._hash_name) == wanted.id:
                    return str(staged)
            except FileNotFoundError:
                pass  # cleaned away; written again below
        if staged is not None:
            durable.remove(staged)
        name = durable.scratch_name()
        ready = f"{scratch}/{name}" if scratch is not None else f"{self._top}/.{name}.tmp"
        durable.write_new(ready, wanted.load(), flush=False)
        return ready

    def _require_unchanged(self, file: str, over: There | None) -> None:
        try:
            now = os.lstat(file)
        except FileNotFoundError:
            if over is None:
                return
            raise Left("deleted in the worktree this moment; it stays deleted") from None
        if over is None or not _same(now, over.seen):
            raise Left("edited in the worktree this moment; it stays as it is")

    def _way(self, path: str, make: bool) -> bool:
        """Whether the folders above `path` are there, making them if asked. Raises Left where one is no folder."""
        at = path.rfind("/")
        name = path[: max(at, 0)]
        if name in self._folders:
            return True
        if not self._way(name, make):
            return False
        _check(name.rpartition("/")[2])
        folder = f"{self._top}/{name}"
        try:
            found = os.lstat(folder)
        except FileNotFoundError:
            if not make:
                return False
            os.mkdir(folder)  # noqa: PTH102 hot loop
            found = os.lstat(folder)
        if stat.S_ISLNK(found.st_mode):
            raise Left(f"{name} is a symbolic link in the worktree")
        if not stat.S_ISDIR(found.st_mode):
            raise Left(f"{name} is a file in the worktree, where a folder is needed")
        self._folders[name] = found.st_dev
        return True


def remove_abandoned(top: Path) -> None:
    """Remove the unfinished files that killed processes of ours left at the top of a worktree."""
    for path in top.glob(".chasm-*.tmp"):
        if durable.abandoned(path):
            durable.remove(path)


def _check(name: str) -> None:
    """No name that some file system takes for ``.git``, or for a way out: the tree may come from another machine."""
    if _PLAIN.fullmatch(name):
        return
    from dulwich.index import validate_path_element_hfs, validate_path_element_ntfs

    raw = name.encode("utf-8", "surrogateescape")
    odd = os.name == "nt" and not {"\\", ":"}.isdisjoint(name)
    if odd or not validate_path_element_ntfs(raw) or not validate_path_element_hfs(raw):
        raise Left("not a name for a file")


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_ino, one.st_size, one.st_mtime_ns) == (other.st_ino, other.st_size, other.st_mtime_ns)
