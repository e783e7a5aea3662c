"""A worktree and its index follow the branch, path by path, without losing what a person did there meanwhile.

Of each path at which two commits differ, the old file, the new file and what stands in the worktree (or the index) are
a base and two sides. Where nobody touched the file it becomes the new one; an edit is merged and stays an edit; what
cannot be merged stays as it is and is reported. Running it again after it was interrupted gives the same result.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chasm_git.archive import durable
from chasm_git.archive.checkout import Checkout, checkouts
from chasm_git.archive.index import read_index
from chasm_git.archive.locks import LockFile
from chasm_git.archive.objects import LooseWriter, blob_id
from chasm_git.archive.trees import Difference, Entry, differences

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Merge = Callable[[bytes, bytes, bytes], bytes | None]
"""(base, ours, theirs) -> merged, or None where a side cannot be read; an empty base where there is none."""

_FILE_MODE = 0o100644
_SCRATCH = ".chasm-{}.tmp"


class Kept(NamedTuple):
    """A path that was left as a person has it."""

    path: str
    reason: str


def merge_sessions(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """The merge of session files (`session.merge`); None where a side is none."""
    from chasm_git.session.codec import CodecError
    from chasm_git.session.merge import merge

    try:
        return merge(base, ours, theirs).data
    except CodecError:
        return None


def bring_up_to_date(
    archive: Archive,
    old: str | None,
    new: str,
    staged: Mapping[str, Path] | None = None,
    merge: Merge = merge_sessions,
    *,
    timeout: float = 5.0,
) -> list[Kept]:
    """Make every worktree that shows the branch, and its index, follow it from one commit to another.

    Args:
        old: the commit they show now; None for none.
        staged: path -> a file on the same file system that holds the new content already; it is moved into place.
        merge: for files that a person edited.
        timeout: seconds to wait for the index.

    Returns:
        Paths left alone, with the reason.

    Raises locks.LockHeld where another program holds an index, index.IndexUnusable; nothing was touched there then.
    """
    kept: list[Kept] = []
    with ExitStack() as held:
        for checkout in checkouts(archive):
            lock = held.enter_context(LockFile(checkout.index_file, archive.scratch, timeout))
            kept += Follower(archive, checkout, lock, merge).follow(old, new, staged or {})
    return kept


class Follower:
    """Moves one worktree and its index, whose lock is held, from one commit to another."""

    def __init__(self, archive: Archive, checkout: Checkout, lock: LockFile, merge: Merge) -> None:
        self._archive = archive
        self._top = checkout.worktree
        self._lock = lock
        self._merge = merge
        self._index = read_index(checkout.index_file, 32 if archive.hash_name == "sha256" else 20)
        self._blobs = LooseWriter(archive)
        self._kept: list[Kept] = []
        self._folders: dict[Path, str | None] = {}

    def follow(self, old: str | None, new: str, staged: Mapping[str, Path]) -> list[Kept]:
        """Apply the difference between two commits. Returns the paths left alone."""
        archive = self._archive
        with self._blobs:
            for change in differences(archive, archive.tree_id(old), archive.tree_id(new)):
                self._path(change, staged.get(change.path))
        if self._index.changed:
            self._lock.commit(self._index.serialize())
        return self._kept

    def _path(self, change: Difference, staged: Path | None) -> None:
        reason = _unwritable(change)
        if reason is None:
            reason = self._file(change, staged)
        if reason is not None:
            self._kept.append(Kept(change.path, reason))
        self._stage(change)

    def _file(self, change: Difference, staged: Path | None) -> str | None:
        """Bring the file in the worktree up to date; returns why it was left alone, if it was."""
        name = _name(change.path)
        if self._index.skips_worktree(name):
            return None
        path = self._top / change.path
        reason = self._way(path.parent, make=change.new is not None and change.old is None)
        if reason is not None:
            return reason
        try:
            seen = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            if change.old is not None:
                return "deleted in the worktree; it stays deleted" if change.new else None
            assert change.new is not None
            self._place(path, self._archive.read(change.new.id), staged, None)
            return None
        if not stat.S_ISREG(seen.st_mode):
            return "not a regular file in the worktree"
        return self._over(change, path, seen, staged)

    def _over(self, change: Difference, path: Path, seen: os.stat_result, staged: Path | None) -> str | None:
        there = path.read_bytes()
        now = blob_id(there, self._archive.hash_name)
        old, new = change.old, change.new
        if new is not None and now == new.id:
            return None
        if old is not None and now == old.id:
            if new is None:
                self._remove(path)
            else:
                self._place(path, self._archive.read(new.id), staged, seen)
            return None
        if new is None:
            return "edited in the worktree; it stays, though the archive has it no more"
        merged = self._merge(self._content(old), there, self._archive.read(new.id))
        if merged is None:
            return "edited in the worktree and cannot be merged; it stays as it is"
        if merged != there:
            self._place(path, merged, None, seen)
        return None

    def _stage(self, change: Difference) -> None:
        """Bring the entry in the index up to date."""
        name, old, new = _name(change.path), change.old, change.new
        index = self._index
        if index.unmerged(name):
            self._kept.append(Kept(change.path, "has conflicts that are not resolved"))
            return
        there = index.id_of(name)
        if new is None:
            if old is not None and there == old.id:
                index.drop(name)
            return
        if there == new.id or there == (old.id if old else None):
            if there is None and (index.in_the_way(name) or index.has_below(name)):
                self._kept.append(Kept(change.path, "something else is staged in its place"))
            else:
                index.put(name, new.id, int(new.mode, 8), self._seen(change.path, new))
            return
        if there is None:
            return  # staged for deletion; what was said about the file says it
        merged = self._merge(self._content(old), self._archive.read(there), self._archive.read(new.id))
        if merged is None:
            self._kept.append(Kept(change.path, "staged changes cannot be merged; they stay as they are"))
            return
        blob = self._blobs.add("blob", merged)
        index.put(name, blob, index.mode_of(name) or _FILE_MODE, None)

    def _seen(self, path: str, new: Entry) -> os.stat_result | None:
        """What the index is to remember of a file, if it holds just this blob."""
        file = self._top / path
        try:
            before = file.lstat()
            if not stat.S_ISREG(before.st_mode) or blob_id(file.read_bytes(), self._archive.hash_name) != new.id:
                return None
            after = file.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return after if after.st_mtime_ns == before.st_mtime_ns else None

    def _content(self, entry: Entry | None) -> bytes:
        return b"" if entry is None else self._archive.read(entry.id)

    def _way(self, folder: Path, make: bool) -> str | None:
        """Why a folder inside the worktree cannot be written to, or None; never through a symbolic link."""
        if folder == self._top:
            return None
        if folder in self._folders and not make:
            return self._folders[folder]
        reason = self._way(folder.parent, make)
        if reason is None:
            try:
                mode = folder.lstat().st_mode
            except FileNotFoundError:
                if make:
                    folder.mkdir()
            else:
                if stat.S_ISLNK(mode):
                    reason = f"{folder.relative_to(self._top).as_posix()} is a symbolic link"
                elif not stat.S_ISDIR(mode):
                    reason = f"{folder.relative_to(self._top).as_posix()} is a file where a folder is needed"
        self._folders[folder] = reason
        return reason

    def _place(self, path: Path, data: bytes, staged: Path | None, over: os.stat_result | None) -> None:
        """Put content at a path of the worktree, whole or not at all."""
        if staged is None:
            staged = self._archive.scratch / durable.scratch_name()
            durable.write_new(staged, data, flush=False)
        if over is not None and over.st_mode & 0o111:
            staged.chmod(stat.S_IMODE(over.st_mode))
        try:
            staged.replace(path)
        except OSError:
            # a linked worktree may lie on another file system
            durable.remove(staged)
            beside = path.with_name(_SCRATCH.format(durable.scratch_name()))
            durable.write_new(beside, data, flush=False)
            beside.replace(path)

    def _remove(self, path: Path) -> None:
        durable.remove(path)
        folder = path.parent
        while folder != self._top:
            try:
                folder.rmdir()
            except OSError:
                return  # not empty
            folder = folder.parent


def _unwritable(change: Difference) -> str | None:
    if (change.new and not change.new.is_file) or (change.old and not change.old.is_file):
        return "not a regular file in the archive"
    return None


def _name(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
