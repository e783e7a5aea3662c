"""One file that both sides changed, merged: by messages, by keys, by lines, or both kept. Never by a person.

The result does not depend on which side is ours, so two machines that merge at once make the same bytes. What cannot be
merged stays twice: one text at the path, the other beside it (``notes~3f2a90c1.md``; of a session below ``unmerged/``),
for a person to put together.

Runs in worker processes as well as in the main one; nothing is written to the repository here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import layout, settings
from chasm_git.archive.plumbing import durable
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.plumbing.objects import Blob, blob_of
from chasm_git.archive.syncing.incoming import format_of
from chasm_git.archive.syncing.sessionmerge import MergedSession, merge_session
from chasm_git.session.codec import CodecError, loads
from chasm_git.session.model import FORMAT_VERSION

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

UNMERGED = "unmerged"
"""Folder for versions of sessions that could not be read, and so not be merged."""

_BY_LINES = {".gitattributes", ".gitignore"}
_BINARY = 8000


@dataclass(frozen=True, slots=True)
class Task:
    """One file to merge."""

    path: str
    base: bytes | str | None
    """Blob id, or content (several bases folded into one); None where there is none."""
    ours: str
    theirs: str
    """Blob ids."""
    strategy: str = "auto"
    tips: tuple[str, str] | None = None
    """The commits that are merged, ours and theirs: asked when a side last changed the file."""
    stage: Path | None = None
    """Folder for a file with the result, to be moved into the worktree; None = there is none."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Something a person is to decide."""

    path: str
    kind: str
    """``edit``, ``metadata``, ``unreadable`` (a session), ``text`` (any other file)."""
    where: str
    """Id of the message, key of the header, or the path of the other text."""


@dataclass(slots=True)
class Merged:
    """What a file becomes."""

    path: str
    id: str
    blob: Blob | None = None
    """The content, where it is new."""
    beside: dict[str, str] = field(default_factory=dict)
    """Path -> blob id of what is kept in another file."""
    clashes: list[Clash] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    staged: str | None = None


def merge_file(archive: Archive, task: Task) -> Merged:
    """Merge one file. Raises KeyError, DamagedObject where the repository lacks it."""
    base = archive.read(task.base) if isinstance(task.base, str) else task.base
    ours, theirs = archive.read(task.ours), archive.read(task.theirs)
    return Merging(archive, task, base, ours, theirs).run()


class Merging:
    """One merge at work."""

    def __init__(self, archive: Archive, task: Task, base: bytes | None, ours: bytes, theirs: bytes) -> None:
        self._archive = archive
        self._task = task
        self._base, self._ours, self._theirs = base, ours, theirs
        self._ids = {ours: task.ours, theirs: task.theirs}

    def run(self) -> Merged:
        """The result for whatever kind of file it is."""
        path = self._task.path
        name = path.rpartition("/")[2]
        if layout.parse_session_path(path) is not None:
            return self._session()
        if layout.is_attachment_path(path):
            return self._attachment()
        if path == settings.PATH:
            merged = settings.merge(self._base, self._ours, self._theirs, self._by_lines)
            if merged is not None:
                return self._made(merged.data, notes=merged.overruled)
        if name in _BY_LINES:
            one, other = sorted((self._ours, self._theirs))
            united = text_merge(self._archive, self._base or b"", one, other, union=True)
            if united is not None:
                return self._made(united)
        return self._text()

    def _session(self) -> Merged:
        task = self._task
        try:
            merged = merge_session(self._base, self._ours, self._theirs, task.strategy, self._times())
        except CodecError:
            return self._unreadable()
        clashes = clashes_of(task.path, merged)
        made = self._made(merged.data, clashes=clashes, notes=notes_of(task.path, merged, task.strategy))
        if task.stage is not None and made.blob is not None:
            staged = task.stage / durable.scratch_name()
            staged.write_bytes(merged.data)
            made.staged = str(staged)
        return made

    def _times(self) -> tuple[float, float]:
        task = self._task
        if task.strategy != "most-recent" or task.tips is None:
            return 0.0, 0.0
        return last_changed(self._archive, task.tips[0], task.path), last_changed(
            self._archive, task.tips[1], task.path
        )

    def _unreadable(self) -> Merged:
        """A side that is no session file: the readable one goes on, the other one waits apart.

        What a newer version of us wrote is more than we know, so it stays in its place.
        """
        sides = (self._ours, self._theirs)
        ranked = sorted((max(format_of(data), FORMAT_VERSION), is_readable(data), len(data), data) for data in sides)
        lost, won = ranked[0][-1], ranked[1][-1]
        path = self._task.path
        name = path.removeprefix(f"{layout.SESSIONS}/").removesuffix(".yaml")
        other = f"{UNMERGED}/{name}~{self._ids[lost][:12]}.yaml"
        return self._made(won, beside={other: self._ids[lost]}, clashes=[Clash(path, "unreadable", other)])

    def _attachment(self) -> Merged:
        """Two contents under one hash: one of them is damaged."""
        digest = self._task.path.rpartition("/")[2].partition(".")[0]
        for data in sorted((self._ours, self._theirs)):
            if hashlib.sha256(data).hexdigest() == digest:
                return self._made(data)
        return self._made(max(self._ours, self._theirs))

    def _text(self) -> Merged:
        by_lines = self._by_lines(self._base or b"", *sorted((self._ours, self._theirs)))
        if by_lines is not None:
            return self._made(by_lines)
        lost, won = sorted((self._ours, self._theirs), key=lambda data: (len(data), data))
        path = self._task.path
        other = beside(path, self._ids[lost])
        return self._made(won, beside={other: self._ids[lost]}, clashes=[Clash(path, "text", other)])

    def _by_lines(self, base: bytes, one: bytes, other: bytes) -> bytes | None:
        return text_merge(self._archive, base, one, other)

    def _made(
        self,
        data: bytes,
        *,
        beside: dict[str, str] | None = None,
        clashes: list[Clash] | None = None,
        notes: list[str] | None = None,
    ) -> Merged:
        known = self._ids.get(data)
        if known is not None:
            return Merged(self._task.path, known, None, beside or {}, clashes or [], notes or [])
        blob = blob_of(data, self._archive.hash_name)
        return Merged(self._task.path, blob.id, blob, beside or {}, clashes or [], notes or [])


def clashes_of(path: str, merged: MergedSession) -> list[Clash]:
    """What waits for a person in a session that was merged."""
    return [Clash(path, one.kind, one.where) for one in merged.conflicts if one.kind != "deletion"]


def notes_of(path: str, merged: MergedSession, strategy: str) -> list[str]:
    """What a person should hear of and has nothing to decide about."""
    notes = [
        f"{path}: message {one.where} was forgotten on one side and changed on the other; it stays forgotten"
        for one in merged.conflicts
        if one.kind == "deletion"
    ]
    if merged.decided:
        count = len(merged.decided)
        what = "conflict" if count == 1 else "conflicts"
        notes.append(f"{path}: {count} {what} decided as {strategy} says; what lost can be read in the file")
    return notes


def last_changed(archive: Archive, commit: str, path: str) -> float:
    """When a file was last changed in a history, in seconds; 0 where that cannot be told."""
    said = Git(archive).text("log", "-1", "--format=%ct", "--end-of-options", commit, "--", path, ok=(0, 128))
    return float(said) if said.strip().isdigit() else 0.0


def text_merge(archive: Archive, base: bytes, one: bytes, other: bytes, *, union: bool = False) -> bytes | None:
    """Merged by lines as git does it; None where both changed the same lines, or they are no text.

    Args:
        union: keep the lines of both instead.
    """
    if any(b"\0" in data[:_BINARY] for data in (base, one, other)):
        return None
    files = []
    try:
        for data in (one, base, other):
            file = archive.scratch / durable.scratch_name()
            file.write_bytes(data)
            files.append(file)
        how = ["--union"] if union else []
        result = Git(archive).result("merge-file", "-p", "-q", *how, "--", *map(str, files))
    finally:
        for file in files:
            durable.remove(file)
    return result.out if result.status == 0 else None


def beside(path: str, blob: str) -> str:
    """Where the other text of a file goes: ``notes~3f2a90c1.md``."""
    folder, slash, name = path.rpartition("/")
    stem, dot, end = name.partition(".") if not name.startswith(".") else (name, "", "")
    return f"{folder}{slash}{stem}~{blob[:8]}{dot}{end}"


def is_readable(data: bytes) -> bool:
    """Whether a session file reads."""
    try:
        loads(data)
    except CodecError:
        return False
    return True
