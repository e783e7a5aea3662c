"""Two commits' trees merged in process: only folders that differ are walked, only files that both changed are read.

A file one side left alone is the other side's. One side removed what the other changed: it stays. The tree that comes
out is the same whichever side is ours, so machines that merge the same commits at once have nothing left to merge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from chasm_git.archive import layout
from chasm_git.archive.plumbing import processes
from chasm_git.archive.plumbing.objects import Blob, blob_id, blob_of
from chasm_git.archive.plumbing.trees import Entry, files
from chasm_git.archive.syncing.bases import Bases
from chasm_git.archive.syncing.mergefiles import Clash, Task, beside, clashes_of, merge_file, notes_of
from chasm_git.archive.syncing.sessionmerge import merge_session
from chasm_git.session.codec import CodecError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_FILE = b"100644"

Kind = Literal["added", "updated", "removed"]
Progress = Callable[[int, int], None]


class Change(NamedTuple):
    """A path that is different for one side afterwards."""

    path: str
    kind: Kind


class _Three(NamedTuple):
    """A path at which the sides differ."""

    path: str
    bases: list[Entry | None]
    ours: Entry | None
    theirs: Entry | None


@dataclass(slots=True)
class MergedTrees:
    """What merging two trees gives."""

    changes: dict[str, Entry | None] = field(default_factory=dict)
    """What to change in our tree."""
    blobs: list[Blob] = field(default_factory=list)
    """Contents that are new."""
    received: list[Change] = field(default_factory=list)
    """What is new for us; `sent`: for them."""
    sent: list[Change] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    """Paths both sides changed."""
    clashes: list[Clash] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    staged: dict[str, Path] = field(default_factory=dict)
    """Path -> a file with the new content, for the worktree."""


def merge_trees(
    archive: Archive,
    bases: list[str],
    ours: str | None,
    theirs: str | None,
    *,
    strategy: str = "auto",
    tips: tuple[str, str] | None = None,
    stage: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> MergedTrees:
    """Merge two trees; nothing is written.

    Args:
        bases: commits, from `bases.merge_bases`; none: everything was added on both sides.
        ours, theirs: trees.
        strategy: see `sessionmerge.merge_session`.
        tips: the commits of the two, for the strategies that ask who changed a file last.
        stage: folder for worktree files.
        progress: told how many files are merged.

    Raises KeyError, repo.DamagedObject where the repository lacks something.
    """
    return _TreeMerge(archive, Bases(archive, bases), (strategy, tips), stage, progress).run(ours, theirs)


class _TreeMerge:
    def __init__(
        self,
        archive: Archive,
        bases: Bases,
        strategy: tuple[str, tuple[str, str] | None],
        stage: Path | None,
        progress: Progress,
    ) -> None:
        self._archive = archive
        self._bases = bases
        self._strategy, self._tips = strategy
        self._stage = stage
        self._progress = progress
        self._ours: dict[str, Entry | None] = {}
        self._theirs: dict[str, Entry | None] = {}
        self._results: dict[str, Entry | None] = {}
        self._crowded: list[str] = []
        self.made = MergedTrees()

    def run(self, ours: str | None, theirs: str | None) -> MergedTrees:
        threes = list(self._walk(self._bases.trees, ours, theirs, ""))
        tasks: list[Task] = []
        for three in threes:
            self._ours[three.path], self._theirs[three.path] = three.ours, three.theirs
            self._decide(three, tasks)
        self._merge(tasks)
        self._join_twins(threes, ours)
        self._keep_named(threes)
        self._make_room()
        self._report()
        return self.made

    def _walk(self, bases: list[str | None], ours: str | None, theirs: str | None, prefix: str) -> Iterator[_Three]:
        if ours == theirs:
            return
        mine, its = self._folder(ours), self._folder(theirs)
        before = [self._folder(tree) for tree in bases]
        for name in sorted(mine.keys() | its.keys()):
            one, other = mine.get(name), its.get(name)
            if one == other:
                continue
            known = [folder.get(name) for folder in before]
            path = prefix + name.decode("utf-8", "surrogateescape")
            below, beyond = _subtree(one), _subtree(other)
            if below or beyond:
                yield from self._walk([_subtree(entry) for entry in known], below, beyond, path + "/")
            one, other = None if below else one, None if beyond else other
            if one or other:
                if below or beyond:
                    self._crowded.append(path)
                yield _Three(path, [None if _subtree(entry) else entry for entry in known], one, other)

    def _folder(self, tree: str | None) -> dict[bytes, Entry]:
        return {entry.name: entry for entry in self._archive.tree(tree)} if tree else {}

    def _decide(self, three: _Three, tasks: list[Task]) -> None:
        """The result where it takes no reading; a task where both sides changed the file."""
        path, bases, ours, theirs = three
        base = self._bases.content(path, bases)
        mode = _mode(bases, ours, theirs)
        one, other = ours.id if ours else None, theirs.id if theirs else None
        if one == other or _is(base, other, self._archive):
            self._results[path] = _entry(path, mode, one)
        elif _is(base, one, self._archive):
            self._results[path] = _entry(path, mode, other)
        elif one is None or other is None:
            self._results[path] = _entry(path, mode, other if one is None else one)
        else:
            self._results[path] = _entry(path, mode, one)
            tasks.append(Task(path, base, one, other, self._strategy, self._tips, self._stage))

    def _merge(self, tasks: list[Task]) -> None:
        made = self.made
        for done, merged in enumerate(processes.each(self._archive, merge_file, tasks), 1):
            mode = before.mode if (before := self._results.get(merged.path)) is not None else _FILE
            self._results[merged.path] = _entry(merged.path, mode, merged.id)
            for path, blob in merged.beside.items():
                self._ours.setdefault(path, None)
                self._theirs.setdefault(path, None)
                self._results[path] = _entry(path, _FILE, blob)
            if merged.blob is not None:
                made.blobs.append(merged.blob)
            made.merged.append(merged.path)
            made.clashes += merged.clashes
            made.notes += merged.notes
            if merged.staged is not None:
                made.staged[merged.path] = Path(merged.staged)
            self._progress(done, len(tasks))

    def _join_twins(self, threes: list[_Three], ours: str | None) -> None:
        """One session at two places (each machine filed it under another month): one file, the earlier place."""
        if not any(_came_alone(three) for three in threes):
            return
        places: dict[layout.SessionPath, list[str]] = {}
        there = files(self._archive, ours, layout.SESSIONS) if ours else {}
        for path in {*there, *self._results}:
            entry = self._results.get(path)
            session = layout.parse_session_path(path)
            if session is not None and (entry is not None or path not in self._results):
                places.setdefault(session, []).append(path)
        bases = {three.path: self._bases.content(three.path, three.bases) for three in threes}
        for twins in places.values():
            if len(twins) > 1:
                self._join(sorted(twins), there, bases)

    def _join(self, paths: list[str], there: dict[str, str], bases: dict[str, bytes | str | None]) -> None:
        base = next((bases[path] for path in paths if bases.get(path) is not None), None)
        before = self._archive.read(base) if isinstance(base, str) else base
        known = {blob.id: blob for blob in self.made.blobs}
        # ours first, for strategies that ask who said what; the bytes do not depend on it
        contents = [self._result_data(path, there, known) for path in sorted(paths, key=lambda path: path not in there)]
        chosen = paths[0]
        data, clashes, notes = contents[0], [], []
        try:
            for other in contents[1:]:
                merged = merge_session(before, data, other, self._strategy)
                data = merged.data
                clashes += clashes_of(chosen, merged)
                notes += notes_of(chosen, merged, self._strategy)
        except CodecError:
            return  # they stay as they are; `verify` names the one that cannot be read
        blob = blob_of(data, self._archive.hash_name)
        made = self.made
        made.blobs.append(blob)
        made.staged.pop(chosen, None)
        made.clashes += clashes
        made.notes += notes
        made.merged.append(chosen)
        for path in paths:
            entry = _entry(path, _FILE, there.get(path))
            self._ours.setdefault(path, entry)
            self._theirs.setdefault(path, entry)
            self._results[path] = _entry(path, _FILE, blob.id) if path == chosen else None

    def _result_data(self, path: str, there: dict[str, str], known: dict[str, Blob]) -> bytes:
        entry = self._results.get(path)
        identity = entry.id if entry is not None else there[path]
        blob = known.get(identity)
        return blob.data() if blob is not None else self._archive.read(identity)

    def _keep_named(self, threes: list[_Three]) -> None:
        """An attachment one side removed stays if a session that the other side changed meanwhile names it."""
        for removing, keeping in ((self._ours, self._theirs), (self._theirs, self._ours)):
            wanted = {
                three.path: keeping[three.path]
                for three in threes
                if layout.is_attachment_path(three.path)
                and removing[three.path] is None
                and self._results[three.path] is None
            }
            for three in threes if wanted else ():
                entry = keeping[three.path]
                if entry is None or entry in three.bases or layout.parse_session_path(three.path) is None:
                    continue
                data = self._archive.read(entry.id)
                for path in [path for path in wanted if path.rpartition("/")[2].encode() in data]:
                    self._results[path] = wanted.pop(path)

    def _make_room(self) -> None:
        """A file on one side, a folder on the other: the file takes another name if both are to stay."""
        for path in self._crowded:
            entry = self._results.get(path)
            inside = any(found is not None and name.startswith(path + "/") for name, found in self._results.items())
            if entry is None or not inside:
                continue
            other = beside(path, entry.id)
            self._results[path] = None
            self._results[other] = _entry(other, entry.mode, entry.id)
            self._ours.setdefault(other, None)
            self._theirs.setdefault(other, None)
            self.made.clashes.append(Clash(path, "text", other))

    def _report(self) -> None:
        made = self.made
        for path, result in sorted(self._results.items()):
            ours, theirs = self._ours[path], self._theirs[path]
            if result != ours:
                made.changes[path] = result
                made.received.append(Change(path, _kind(ours, result)))
            if result != theirs:
                made.sent.append(Change(path, _kind(theirs, result)))
        made.merged.sort()
        made.clashes.sort(key=lambda clash: (clash.path, clash.kind, clash.where))
        made.notes.sort()


def _subtree(entry: Entry | None) -> str | None:
    return entry.id if entry is not None and entry.is_folder else None


def _entry(path: str, mode: bytes, blob: str | None) -> Entry | None:
    name = path.rpartition("/")[2].encode("utf-8", "surrogateescape")
    return None if blob is None else Entry(mode, name, blob)


def _mode(bases: list[Entry | None], ours: Entry | None, theirs: Entry | None) -> bytes:
    """The mode three-way: of two that differ the one a side changed."""
    if ours is None or theirs is None:
        entry = ours or theirs
        return entry.mode if entry is not None else _FILE
    known = {entry.mode for entry in bases if entry is not None}
    if ours.mode == theirs.mode or theirs.mode in known:
        return ours.mode
    return theirs.mode if ours.mode in known else max(ours.mode, theirs.mode)


def _is(base: bytes | str | None, blob: str | None, archive: Archive) -> bool:
    if isinstance(base, bytes):
        return blob is not None and blob_id(base, archive.hash_name) == blob
    return base == blob


def _came_alone(three: _Three) -> bool:
    """A session file that only one side has: the other may have it somewhere else."""
    return (three.ours is None) != (three.theirs is None) and layout.parse_session_path(three.path) is not None


def _kind(before: Entry | None, after: Entry | None) -> Kind:
    return "added" if before is None else "removed" if after is None else "updated"
