"""The files of a worktree, written so that nothing else is: whole or not, never over an edit, never through a link."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from chasm_git.archive import durable
from chasm_git.archive.objects import blob_id


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


class Files:
    """Reads and writes below `top`.

    Args:
        top: the worktree.
        scratch: for unfinished files, normally on the same file system.
        hash_name: ``sha1`` or ``sha256``.
    """

    def __init__(self, top: Path, scratch: Path, hash_name: str) -> None:
        self._top = top
        self._scratch = scratch
        self._hash_name = hash_name
        self._written: list[Path] = []
        self._checked: set[str] = set()
        self._allowed: set[str] = set()

    def read(self, path: str, *, make_way: bool) -> There | None:
        """The file at `path`; None where there is none.

        Args:
            make_way: make the folders above it where they are missing.

        Raises Left for anything but a regular file, or a way to it that leads elsewhere; OSError.
        """
        self._check(path)
        if not self._way(path, make_way):
            return None
        file = self._top / path
        try:
            seen = file.lstat()
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(seen.st_mode):
            raise Left("not a regular file in the worktree")
        data = file.read_bytes()
        return There(data, blob_id(data, self._hash_name), seen)

    def place(
        self, path: str, content: bytes, staged: Path | None, over: There | None, executable: int | None
    ) -> os.stat_result | None:
        """Put content at a path.

        Args:
            staged: a file that should hold `content`; it is used up.
            over: what was found there, to be replaced; anything else by now is an edit and is left alone.
            executable: the execute bits it is to have; None: those of `over`.

        Returns:
            ``lstat`` of the file; None where somebody changed it already.

        Raises Left, OSError.
        """
        if executable is None:
            executable = over.seen.st_mode & 0o111 if over else 0
        ready = self._ready(content, staged)
        try:
            if executable:
                ready.chmod(stat.S_IMODE(ready.lstat().st_mode) | executable)
            return self._rename(ready, self._top / path, content, over)
        except BaseException:
            durable.remove(ready)
            raise

    def adopt(self, path: str, there: There, executable: int | None) -> os.stat_result | None:
        """A file that holds the right content already: see to its mode. Returns as `place`."""
        file = self._top / path
        if executable is not None and bool(executable) != bool(there.seen.st_mode & 0o111):
            mode = stat.S_IMODE(there.seen.st_mode)
            file.chmod(mode | executable if executable else mode & ~0o111)
        now = file.lstat()
        return now if _same(now, there.seen) else None

    def remove(self, path: str, there: There) -> None:
        """Remove a file, and the folders it leaves empty. Raises Left if it changed since it was read."""
        file = self._top / path
        if not _same(file.lstat(), there.seen):
            raise Left("edited in the worktree; it stays, though the archive has it no more")
        durable.remove(file)
        for folder in file.parents:
            if folder == self._top:
                return
            try:
                folder.rmdir()
            except OSError:
                return  # not empty
            self._checked.clear()

    def flush(self) -> None:
        """Make everything that was placed durable."""
        durable.flush_files([path for path in self._written if path.exists()])
        self._written.clear()

    def _ready(self, content: bytes, staged: Path | None) -> Path:
        """A finished file with `content`, not in place yet."""
        if staged is not None:
            try:
                if staged.read_bytes() == content:
                    return staged
            except FileNotFoundError:
                pass  # cleaned away; written again below
            durable.remove(staged)
        ready = self._scratch / durable.scratch_name()
        durable.write_new(ready, content, flush=False)
        return ready

    def _rename(self, ready: Path, file: Path, content: bytes, over: There | None) -> os.stat_result | None:
        before = ready.lstat()
        if before.st_dev != file.parent.lstat().st_dev:
            # a linked worktree may lie on another file system
            durable.remove(ready)
            ready = file.with_name(f".{durable.scratch_name()}.tmp")
            durable.write_new(ready, content, mode=stat.S_IMODE(before.st_mode), flush=False)
            before = ready.lstat()
        try:
            now: os.stat_result | None = file.lstat()
        except FileNotFoundError:
            now = None
        if over is None:
            if now is not None:
                durable.remove(ready)
                raise Left("appeared in the worktree this moment; it stays as it is")
        elif now is None or not _same(now, over.seen):
            durable.remove(ready)
            raise Left("edited in the worktree this moment; it stays as it is")
        ready.replace(file)
        self._written.append(file)
        after = file.lstat()
        return after if _same(after, before) else None

    def _way(self, path: str, make: bool) -> bool:
        """Whether the folders above `path` are there, making them if asked. Raises Left where one is no folder."""
        at = path.find("/")
        while at >= 0:
            name = path[:at]
            if name not in self._checked:
                folder = self._top / name
                try:
                    mode = folder.lstat().st_mode
                except FileNotFoundError:
                    if not make:
                        return False
                    folder.mkdir()
                else:
                    if stat.S_ISLNK(mode):
                        raise Left(f"{name} is a symbolic link in the worktree")
                    if not stat.S_ISDIR(mode):
                        raise Left(f"{name} is a file in the worktree, where a folder is needed")
                self._checked.add(name)
            at = path.find("/", at + 1)
        return True

    def _check(self, path: str) -> None:
        """No name that some file system takes for ``.git``: the tree may come from another machine."""
        from dulwich.index import validate_path_element_hfs, validate_path_element_ntfs

        for part in path.split("/"):
            if part not in self._allowed:
                name = part.encode("utf-8", "surrogateescape")
                odd = os.name == "nt" and not {"\\", ":"}.isdisjoint(part)
                if odd or not validate_path_element_ntfs(name) or not validate_path_element_hfs(name):
                    raise Left("not a name for a file")
                self._allowed.add(part)


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_ino, one.st_size, one.st_mtime_ns) == (other.st_ino, other.st_size, other.st_mtime_ns)
