"""A worktree and its index follow the branch, path by path, without losing what a person did there meanwhile.

Of each path at which two commits differ, the old file, the new file and what stands in the worktree (or the index) are
a base and two sides. Where nobody touched the file it becomes the new one; an edit is merged and stays an edit; what
cannot be merged stays as it is and is reported. Running it again after it was interrupted gives the same result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chasm_git.archive.config import is_true
from chasm_git.archive.layout import ATTACHMENTS, SESSIONS
from chasm_git.archive.plumbing import sparse
from chasm_git.archive.plumbing.checkout import Checkout, checkouts
from chasm_git.archive.plumbing.files import Files, Left, Wanted
from chasm_git.archive.plumbing.index import read_index
from chasm_git.archive.plumbing.locks import LockFile
from chasm_git.archive.plumbing.objects import LooseWriter, blob_id
from chasm_git.archive.plumbing.trees import Difference, Entry, differences
from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Merge = Callable[[bytes, bytes, bytes], bytes | None]
"""(base, ours, theirs) -> merged, or None where a side cannot be read; an empty base where there is none."""

_OURS = (SESSIONS + "/", ATTACHMENTS + "/")


class Kept(NamedTuple):
    """A path that was left as a person has it."""

    path: str
    reason: str


class Unfinished(ChasmError):
    """Some paths could not be brought up to date (a full disk, a file in use); trying again later does the rest."""

    def __init__(self, path: str, error: Exception, kept: list[Kept]) -> None:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        super().__init__(f"the worktree could not follow at {path}: {reason}; the next run tries again")
        self.kept = kept


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
        staged: path -> a file that holds the new content already, in `Archive.scratch`; it is moved into place.
        merge: for files that a person edited.
        timeout: seconds to wait for the index.

    Returns:
        Paths left alone, with the reason.

    Raises locks.LockHeld where another program holds an index, index.IndexUnusable (nothing was touched then),
    Unfinished, KeyError where a commit is missing.
    """
    with ExitStack() as held:
        return [
            kept
            for follower in open_followers(archive, held, merge, timeout)
            for kept in follower.follow(old, new, staged or {})
        ]


def open_followers(archive: Archive, held: ExitStack, merge: Merge, timeout: float = 5.0) -> list[Follower]:
    """One follower for each worktree that shows the branch; while `held` is open git cannot write their indexes.

    Raises locks.LockHeld, index.IndexUnusable.
    """
    return [
        Follower(archive, shown, held.enter_context(LockFile(shown.index_file, archive.scratch, timeout)), merge)
        for shown in checkouts(archive)
    ]


class Follower:
    """Moves one worktree and its index, whose lock is held, from one commit to another."""

    def __init__(self, archive: Archive, shown: Checkout, lock: LockFile, merge: Merge) -> None:
        self._archive = archive
        self._lock = lock
        self._merge = merge
        self._index = read_index(shown.index_file, 32 if archive.hash_name == "sha256" else 20)
        self._files = Files(shown.worktree, archive.scratch, archive.hash_name)
        self._is_wanted = sparse.wanted_in(archive, shown.git_dir)
        self._executable = is_true(archive.settings.get("core.filemode"), default=os.name != "nt")
        self._blobs = LooseWriter(archive)
        self._kept: list[Kept] = []

    def follow(self, old: str | None, new: str, staged: Mapping[str, Path]) -> list[Kept]:
        """Apply the difference between two commits. Returns the paths left alone; raises as `bring_up_to_date`."""
        archive = self._archive
        changes = list(differences(archive, archive.tree_id(old), archive.tree_id(new)))
        changes.sort(key=lambda change: change.new is not None)  # a file may have to make room for a folder
        failed: tuple[str, Exception] | None = None
        with self._blobs:
            for change in changes:
                try:
                    self._path(change, staged.get(change.path))
                except (OSError, KeyError, ChasmError) as error:
                    failed = failed or (change.path, error)
        self._files.flush()
        if self._index.changed:
            self._lock.commit(self._index.serialize())
        if failed:
            raise Unfinished(*failed, self._kept)
        return self._kept

    def _path(self, change: Difference, staged: Path | None) -> None:
        seen: os.stat_result | None = None
        try:
            if not self._is_left_out(change):
                seen = self._file(change, staged)
        except Left as left:
            self._kept.append(Kept(change.path, str(left)))
        self._stage(change, seen)

    def _is_left_out(self, change: Difference) -> bool:
        """Whether a person wants to see only other files; what is new to the index is left out like its neighbours."""
        name = _name(change.path)
        if name in self._index or self._is_wanted is None or change.old is not None:
            return self._index.skips_worktree(name)
        return not self._is_wanted(change.path)

    def _file(self, change: Difference, staged: Path | None) -> os.stat_result | None:
        """Bring the file up to date; returns what ``lstat`` says of it where it holds the new content.

        Raises Left.
        """
        files, path, old, new = self._files, change.path, change.old, change.new
        if (new and not new.is_file) or (old and not old.is_file):
            raise Left("not a regular file in the archive")
        there = files.read(path, make_way=old is None)
        if there is None:
            if old is not None and new is not None:
                raise Left("deleted in the worktree; it stays deleted")
            return files.place(path, self._wanted(new, staged), None) if new else None
        if new is None:
            if old is None or there.id != old.id:
                raise Left("edited in the worktree; it stays, though the archive has it no more")
            files.remove(path, there)
            return None
        if there.id == new.id:
            return files.adopt(path, there, self._mode(new))
        if old is not None and there.id == old.id:
            return files.place(path, self._wanted(new, staged), there)
        content = self._content(new)
        merged = content
        if not (path.startswith(_OURS) and there.is_torn(content)):
            answer = self._merge(self._content(old), there.data, content)
            if answer is None:
                raise Left("edited in the worktree and cannot be merged; it stays as it is")
            merged = answer
        if merged == content:
            return files.place(path, self._wanted(new, staged), there)
        if merged != there.data:
            files.place(path, Wanted(blob_id(merged, self._archive.hash_name), lambda: merged), there)
        return None

    def _stage(self, change: Difference, seen: os.stat_result | None) -> None:
        """Bring the entry in the index up to date."""
        index, name, old, new = self._index, _name(change.path), change.old, change.new
        if index.unmerged(name):
            self._kept.append(Kept(change.path, "has conflicts that are not resolved"))
            return
        there = index.id_of(name)
        if new is None:
            if old is not None and there == old.id:
                index.drop(name)
        elif there is None and old is not None:
            pass  # its deletion is staged; what was said about the file says it
        elif there is None and index.in_the_way(name):
            self._kept.append(Kept(change.path, "something else is staged in its place"))
        elif there is None or there in (new.id, old.id if old else None):
            index.put(name, new.id, int(new.mode, 8), seen, skip=self._is_left_out(change))
        else:
            self._stage_merged(change, name, there, new)

    def _stage_merged(self, change: Difference, name: bytes, there: str, new: Entry) -> None:
        merged = self._merge(self._content(change.old), self._archive.read(there), self._content(new))
        if merged is None:
            self._kept.append(Kept(change.path, "staged changes cannot be merged; they stay as they are"))
            return
        blob = self._blobs.add("blob", merged)
        if blob != there:
            self._index.put(name, blob, self._index.mode_of(name) or int(new.mode, 8), None)

    def _content(self, entry: Entry | None) -> bytes:
        return b"" if entry is None else self._archive.read(entry.id)

    def _wanted(self, entry: Entry, staged: Path | None) -> Wanted:
        return Wanted(entry.id, lambda: self._archive.read(entry.id), self._mode(entry), staged)

    def _mode(self, entry: Entry) -> int | None:
        return int(entry.mode, 8) & 0o111 if self._executable else None


def _name(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
