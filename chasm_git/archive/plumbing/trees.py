"""Git's trees: reading them, comparing two, and writing a changed one by touching only the folders that change."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from chasm_git.archive.plumbing.objects import Sink
    from chasm_git.archive.repo import Archive

EMPTY = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""The id of the tree without entries, by object format; it exists in every repository."""

_FILE = b"100644"
_FOLDER = b"40000"
_ENTRY = {
    20: re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL),
    32: re.compile(rb"([0-7]+) ([^\0]+)\0(.{32})", re.DOTALL),
}


class Entry(NamedTuple):
    """One name in a folder."""

    mode: bytes
    """As git writes it: ``100644``, ``40000``, …"""
    name: bytes
    id: str

    @property
    def is_file(self) -> bool:
        """A regular file, executable or not."""
        return self.mode.startswith(b"100")

    @property
    def is_folder(self) -> bool:
        """Another tree."""
        return self.mode == _FOLDER or self.mode == b"040000"


class Difference(NamedTuple):
    """A path at which two trees differ; a side without a file there has no entry."""

    path: str
    old: Entry | None
    new: Entry | None


def parse(data: bytes, id_length: int) -> list[Entry]:
    """The entries of a tree object. Raises ValueError for data that is no tree."""
    found = _ENTRY[id_length].findall(data)
    if sum(len(mode) + len(name) for mode, name, _ in found) + len(found) * (id_length + 2) != len(data):
        raise ValueError("not a tree object")
    return [Entry(mode, name, raw.hex()) for mode, name, raw in found]


def serialize(entries: Mapping[bytes, Entry]) -> bytes:
    """The tree object that holds `entries`."""
    ordered = sorted(entries.values(), key=lambda entry: entry.name + b"/" if entry.is_folder else entry.name)
    return b"".join(b"%s %s\0%s" % (entry.mode, entry.name, bytes.fromhex(entry.id)) for entry in ordered)


def lookup(archive: Archive, tree: str | None, path: str) -> Entry | None:
    """The entry at `path`, file or folder; None where there is none."""
    if tree is None:
        return None
    entry: Entry | None = Entry(_FOLDER, b"", tree)
    for part in _encode(path).split(b"/"):
        if entry is None or not entry.is_folder:
            return None
        entry = next((item for item in archive.tree(entry.id) if item.name == part), None)
    return entry


def files(archive: Archive, tree: str, prefix: str) -> dict[str, str]:
    """Path -> blob id of every regular file below `prefix`, in git's order."""
    if prefix:
        start = lookup(archive, tree, prefix)
        if start is None or not start.is_folder:
            return {}
        tree = start.id
    found: dict[str, str] = {}
    _collect(archive, tree, f"{prefix}/" if prefix else "", found)
    return found


def _collect(archive: Archive, tree: str, prefix: str, into: dict[str, str]) -> None:
    for mode, name, object_id in archive.tree(tree):
        if mode == b"100644" or mode.startswith(b"100"):
            into[prefix + name.decode("utf-8", "surrogateescape")] = object_id
        elif mode in (b"40000", b"040000"):
            _collect(archive, object_id, f"{prefix}{name.decode('utf-8', 'surrogateescape')}/", into)


def differences(archive: Archive, old: str | None, new: str | None) -> Iterator[Difference]:
    """Every path at which two trees differ (None: an empty tree), reading only folders that differ.

    A file that became a folder is two differences: the file that went, and the files that came.
    """
    yield from _differences(archive, old, new, "")


def _differences(archive: Archive, old: str | None, new: str | None, prefix: str) -> Iterator[Difference]:
    if old == new:
        return
    before = {entry.name: entry for entry in archive.tree(old)} if old else {}
    after = {entry.name: entry for entry in archive.tree(new)} if new else {}
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        path = prefix + name.decode("utf-8", "surrogateescape")
        old_folder = was.id if was and was.is_folder else None
        new_folder = now.id if now and now.is_folder else None
        if old_folder or new_folder:
            yield from _differences(archive, old_folder, new_folder, path + "/")
        old_file = None if old_folder else was
        new_file = None if new_folder else now
        if old_file or new_file:
            yield Difference(path, old_file, new_file)


def write_tree(archive: Archive, base_tree: str | None, changes: Mapping[str, str | Entry | None], sink: Sink) -> str:
    """The tree that is `base_tree` with `changes`; only folders on the way to a change are read and written.

    Args:
        base_tree: None for an empty one.
        changes: path -> blob id (an entry also says the mode), or None for a path to be removed (fine where it is not
            there). A file takes the place of a folder and the other way round.
        sink: where the new tree objects go.

    Returns:
        The id of the new root; a folder left without files is left out.

    Raises ValueError for a path git does not allow, KeyError where a tree of the base is missing.
    """
    root = _Folder()
    for path, blob in changes.items():
        parts = _encode(path).split(b"/")
        folder = root
        for part in parts[:-1]:
            _check(part, path)
            folder = folder.folders.setdefault(part, _Folder())
        _check(parts[-1], path)
        folder.files[parts[-1]] = blob
    written = _write(archive, base_tree, root, sink)
    return written if written is not None else sink.add("tree", b"")


class _Folder:
    """What is to change in one folder."""

    __slots__ = ("files", "folders")

    def __init__(self) -> None:
        self.files: dict[bytes, str | Entry | None] = {}
        self.folders: dict[bytes, _Folder] = {}


def _write(archive: Archive, base: str | None, changes: _Folder, sink: Sink) -> str | None:
    """The id of the changed folder, None where nothing is left in it."""
    entries = {entry.name: entry for entry in archive.tree(base)} if base else {}
    for name, blob in changes.files.items():
        there = entries.get(name)
        if isinstance(blob, Entry):
            entries[name] = Entry(blob.mode, name, blob.id)
        elif blob is not None:
            entries[name] = Entry(there.mode if there and there.is_file else _FILE, name, blob)
        elif there and not there.is_folder:
            del entries[name]
    for name, inside in changes.folders.items():
        there = entries.get(name)
        below = there.id if there and there.is_folder else None
        folder = _write(archive, below, inside, sink)
        if folder is not None:
            if changes.files.get(name) is not None:
                raise ValueError(f"{os.fsdecode(name)!r} cannot be both a file and a folder")
            entries[name] = Entry(_FOLDER, name, folder)
        elif below is not None:
            del entries[name]
    if not entries:
        return None
    data = serialize(entries)
    tree = sink.id_of("tree", data)
    return tree if tree == base else sink.add("tree", data)


def _encode(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _check(part: bytes, path: str) -> None:
    if not part or part in (b".", b"..") or b"\0" in part or part.lower() == b".git":
        raise ValueError(f"{path!r} is not a path git allows")
