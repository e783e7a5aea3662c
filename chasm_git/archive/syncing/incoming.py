"""What another machine, or whoever can write to the remote, wants to become part of the archive: looked at before.

A commit is taken whole or not at all, so one path that must not be refuses everything: a name that some file system
takes for ``.git`` or for a way out, a symbolic link, another repository, an attachment that is not what its name says,
a file too large to be handled. A session file of a newer format is taken as it is, and said: one machine that was
updated before the others must not stop them all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from chasm_git.archive import layout
from chasm_git.archive.erasing import erased
from chasm_git.archive.plumbing import processes
from chasm_git.archive.plumbing.git import Git
from chasm_git.errors import ChasmError
from chasm_git.session.model import FORMAT_VERSION

if TYPE_CHECKING:
    from chasm_git.archive.plumbing.trees import Entry
    from chasm_git.archive.repo import Archive

LARGEST = 512 << 20
"""Bytes of the largest file that is taken."""
_MOST = 2_000_000
_DEEPEST = 40
_ENOUGH = 100
_PLAIN = re.compile(rb"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*")
_ODD = re.compile(rb"[\x00-\x1f\x7f\\]")
_VERSION = re.compile(rb"^chasm: *(\d{1,9})\b", re.MULTILINE)
VARIANTS = b"\n  variants:"
ALTERNATIVES = b"\nalternatives:"
_KINDS = {b"120000": "is a symbolic link", b"160000": "is another repository (a submodule)"}
_SHOWN = 5


class Refusal(NamedTuple):
    """A path that must not become ours."""

    path: str
    reason: str


class Refused(ChasmError):
    """Something on the remote must not become ours, so nothing of it did; or something here must not go there."""

    def __init__(self, where: str, refusals: Sequence[Refusal]) -> None:
        named = "; ".join(f"{one.path!r} {one.reason}" for one in refusals[:_SHOWN])
        more = f"; and {len(refusals) - _SHOWN} more" if len(refusals) > _SHOWN else ""
        super().__init__(f"{where}: {named}{more}")
        self.refusals = tuple(refusals)


class File(NamedTuple):
    """One file that is new or changed."""

    path: str
    blob: str


class Looked(NamedTuple):
    """What a file's content says."""

    path: str
    reason: str | None
    """Why it must not become ours."""
    is_undecided: bool
    """Whether a person's decision waits in it (variants, alternatives)."""
    note: str | None = None
    """What is to be said of it."""


class Incoming(NamedTuple):
    """What came of looking."""

    refusals: list[Refusal]
    undecided: list[str]
    """Paths of sessions in which decisions wait."""
    notes: Sequence[str] = ()
    """What is to be said of files that are taken."""


def look(archive: Archive, known: Iterable[str | None], tree: str | None) -> Incoming:
    """Look at every file of a tree that is not in one of the known trees.

    Args:
        known: trees that were looked at before, or are our own.
        tree: the one to look at.

    Raises KeyError where an object is missing.
    """
    files, refusals = new_files(archive, known, tree)
    refusals += _erased(archive, files)
    if refusals:
        return Incoming(refusals, [])
    refusals = _too_large(archive, files)
    if refusals:
        return Incoming(refusals, [])
    told = [one for one in files if layout.parse_session_path(one.path) or layout.is_attachment_path(one.path)]
    looked = list(processes.each(archive, _look, told))
    return Incoming(
        [Refusal(one.path, one.reason) for one in looked if one.reason is not None],
        [one.path for one in looked if one.is_undecided],
        [one.note for one in looked if one.note is not None],
    )


def _erased(archive: Archive, files: Sequence[File]) -> list[Refusal]:
    """Sessions that were erased here, history and all, and are still whole there."""
    gone = erased.known(archive)
    return [
        Refusal(
            one.path, f"was erased here; `chasm forget {gone[one.blob]} --from-history` there, then here, then sync"
        )
        for one in files
        if one.blob in gone
    ]


def outgoing(archive: Archive, known: str | None, tree: str | None) -> list[Refusal]:
    """What in a tree other machines would refuse by its name, its kind or its size, if it is not in `known` already."""
    files, refusals = new_files(archive, [known], tree)
    return refusals or _too_large(archive, files)


def new_files(archive: Archive, known: Iterable[str | None], tree: str | None) -> tuple[list[File], list[Refusal]]:
    """The files of a tree that the known trees do not have at that path, and the paths that must not be."""
    walk = _Walk(archive)
    if tree is not None:
        walk.folder(tree, tuple(one for one in known if one is not None), "", 0)
    return walk.files, walk.refusals


class _Walk:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._seen = 0
        self.files: list[File] = []
        self.refusals: list[Refusal] = []

    def folder(self, tree: str, known: tuple[str, ...], prefix: str, depth: int) -> None:
        if depth > _DEEPEST or self._seen > _MOST:
            if len(self.refusals) > _ENOUGH:
                return
            self.refusals.append(Refusal(prefix, "holds more files, or deeper folders, than any archive"))
            return
        entries = self._archive.tree(tree)
        self._seen += len(entries)
        before = [{entry.name: entry for entry in self._archive.tree(one)} for one in known]
        for entry in entries:
            there = [found for one in before if (found := one.get(entry.name)) is not None]
            if any(found.id == entry.id and found.mode == entry.mode for found in there):
                continue
            path = prefix + entry.name.decode("utf-8", "surrogateescape")
            reason = bad_name(entry.name) or _bad_mode(entry)
            if reason is not None:
                self.refusals.append(Refusal(path, reason))
            elif entry.is_folder and len(self.refusals) <= _ENOUGH:
                below = tuple(found.id for found in there if found.is_folder)
                self.folder(entry.id, below, path + "/", depth + 1)
            elif not entry.is_folder:
                self.files.append(File(path, entry.id))


def bad_name(name: bytes) -> str | None:
    """Why one part of a path must not be used; None where nothing is wrong with it."""
    if _PLAIN.fullmatch(name) and len(name) <= 255 and not name.lower().startswith(b"git~"):
        return None
    from dulwich.index import validate_path_element_hfs, validate_path_element_ntfs

    if not name or name in (b".", b"..") or b"/" in name or len(name) > 255:
        return "is no name for a file"
    if _ODD.search(name):
        return "has a control character or a backslash in its name"
    if not validate_path_element_ntfs(name) or not validate_path_element_hfs(name):
        return "has a name that git, or a file system, takes for something else"
    return None


def _bad_mode(entry: Entry) -> str | None:
    if entry.is_folder or entry.is_file:
        return None
    return _KINDS.get(entry.mode, f"has the mode {entry.mode.decode('ascii', 'replace')}")


def _too_large(archive: Archive, files: Sequence[File]) -> list[Refusal]:
    """Files that would not fit into memory; sizes come from the pack's headers, nothing is unpacked."""
    if not files:
        return []
    asked = "\n".join([*(one.blob for one in files), ""]).encode("ascii")
    told = Git(archive).run("cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=asked).decode("ascii")
    refusals = []
    for one, line in zip(files, told.split("\n"), strict=False):
        kind, _, size = line.partition(" ")
        if kind != "blob":
            raise KeyError(one.blob)
        if int(size) > LARGEST:
            refusals.append(Refusal(one.path, f"has {int(size) >> 20} MB; more than {LARGEST >> 20} MB are not taken"))
    return refusals


def _look(archive: Archive, file: File) -> Looked:
    data = archive.read(file.blob)
    if layout.is_attachment_path(file.path):
        digest = hashlib.sha256(data).hexdigest()
        matches = file.path.rpartition("/")[2].partition(".")[0] == digest
        return Looked(file.path, None if matches else "is not what its name says (its content has another hash)", False)
    version = format_of(data)
    if version > FORMAT_VERSION:
        note = f"{file.path} is written in format {version} by a newer chasm-git: kept as it is; install that version"
        return Looked(file.path, None, False, note)
    return Looked(file.path, None, is_undecided(data))


def format_of(data: bytes) -> int:
    """The version of the format a session file says it is written in; 0 where it does not."""
    version = _VERSION.search(data[:4096])
    return int(version[1]) if version is not None else 0


def is_undecided(data: bytes) -> bool:
    """Whether a session file holds variants of a message, or alternatives of a header key: seen without parsing it."""
    return VARIANTS in data or ALTERNATIVES in data[: data.find(b"\nmessages:") + 1]
