"""Sessions whose tool holds less of them than it once did: what the archive kept can be put back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chasm_git.archive import history, layout
from chasm_git.archive.naming import id_in
from chasm_git.archive.plumbing import refs, trees
from chasm_git.harvest.plan import provider_ref
from chasm_git.session import blocks, codec
from chasm_git.session.summary import summarize

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_MOST_STATES = 200
"""Earlier states of a session at its tool that are looked at."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A session the last harvest found shorter than one before."""

    id: str
    provider: str
    title: str
    held: int
    """Records its tool has of it."""
    lost: int
    """Records it once had, and the archive has."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {name: getattr(self, name) for name in self.__slots__}


def shrunk(archive: Archive, machine: str) -> Iterator[Shrunk]:
    """The sessions of this machine's tools that have lost records; as the last harvest found them."""
    head = archive.files(archive.head(), layout.SESSIONS)
    start = provider_ref(machine, "")
    for ref, commit in sorted(refs.list_refs(archive, start).items()):
        for path, blob in archive.files(commit, layout.SESSIONS).items():
            kept = head.get(path)
            if kept is None or kept == blob:
                continue
            try:
                now, ours = _ids(archive, blob), _ids(archive, kept)
            except (codec.CodecError, ValueError, KeyError):
                continue  # `verify` names a file that cannot be read
            lost = (ours - now) & _once(archive, commit, path, blob) if ours - now else set()
            if lost:
                data = archive.read(kept)
                title = summarize(data).title or ""
                yield Shrunk(id_in(data) or path, ref.rpartition("/")[2], title, len(now), len(lost))


def _ids(archive: Archive, blob: str) -> set[bytes]:
    """The ids of a session's messages."""
    return {block.id for block in blocks.parse(codec.split(archive.read(blob))[1])}


def _once(archive: Archive, commit: str, path: str, blob: str) -> set[bytes]:
    """The ids of all messages the tool had at any harvest; what another machine added is not among them."""
    found: set[bytes] = set()
    seen = {blob}
    for earlier in itertools.islice(history.path_history(archive, commit, path), _MOST_STATES):
        entry = trees.lookup(archive, archive.tree_id(earlier), path)
        if entry is not None and entry.id not in seen:
            seen.add(entry.id)
            try:
                found |= _ids(archive, entry.id)
            except (codec.CodecError, ValueError):
                continue  # an earlier state that was no session file
    return found
