"""What two histories have in common: one commit mostly, several after a criss-cross, none of archives made apart.

Several bases are folded into one, file by file and only where a file needs it, by the same merge that follows; what
they have in common is their base in turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chasm_git.archive.plumbing import trees
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.plumbing.objects import blob_id
from chasm_git.archive.syncing.mergefiles import Merging, Task

if TYPE_CHECKING:
    from chasm_git.archive.plumbing.trees import Entry
    from chasm_git.archive.repo import Archive

_DEEPEST = 10


def merge_bases(archive: Archive, one: str, *others: str) -> list[str]:
    """The best common ancestors of a commit and (the merge of) others; none where they share no history."""
    return Git(archive).text("merge-base", "--all", "--end-of-options", one, *others, ok=(0, 1)).split()


class Bases:
    """The merge bases of two commits, as one.

    Args:
        commits: from `merge_bases`.
    """

    def __init__(self, archive: Archive, commits: list[str], depth: int = 0) -> None:
        self._archive = archive
        self._commits = commits
        self._depth = depth
        self._folded: dict[str, bytes | None] = {}
        self.trees = [archive.tree_id(commit) for commit in commits]

    def content(self, path: str, entries: list[Entry | None]) -> bytes | str | None:
        """The base's file at a path: a blob id, or the content where it had to be folded; None for no file.

        Args:
            entries: what each base has there.
        """
        ids = {entry.id if entry is not None and entry.is_file else None for entry in entries}
        if len(ids) <= 1:
            return next(iter(ids), None)
        if path not in self._folded:
            self._folded[path] = self._fold(path)
        return self._folded[path]

    def _fold(self, path: str) -> bytes | None:
        if self._depth >= _DEEPEST:
            return None  # no base loses nothing: it only asks a person more often
        made = self._of(self._commits[0], path)
        for number, commit in enumerate(self._commits[1:], 1):
            other = self._of(commit, path)
            if made == other:
                continue
            made = self._three_way(path, self._below(commit, self._commits[:number], path), made, other)
        return made

    def _below(self, commit: str, others: list[str], path: str) -> bytes | None:
        """The base of one base and the ones folded before."""
        found = Bases(self._archive, merge_bases(self._archive, commit, *others), self._depth + 1)
        content = found.content(path, [trees.lookup(self._archive, tree, path) for tree in found.trees])
        return self._archive.read(content) if isinstance(content, str) else content

    def _three_way(self, path: str, before: bytes | None, one: bytes | None, other: bytes | None) -> bytes | None:
        if one == before:
            return other
        if other == before:
            return one
        if one is None or other is None:
            return other if one is None else one
        name = self._archive.hash_name
        task = Task(path, before, blob_id(one, name), blob_id(other, name))
        made = Merging(self._archive, task, before, one, other).run()
        if made.blob is not None:
            return made.blob.data()
        return one if made.id == task.ours else other

    def _of(self, commit: str, path: str) -> bytes | None:
        try:
            return self._archive.read_path(commit, path)
        except KeyError:
            return None
