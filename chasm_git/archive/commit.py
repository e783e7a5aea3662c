"""Commits, and the choice of how their objects are written."""

from __future__ import annotations

import re
import time
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chasm_git.archive.config import settings_of
from chasm_git.archive.plumbing.objects import LooseWriter, Sink, object_id
from chasm_git.archive.plumbing.pack import PackWriter

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

PACK_OBJECTS = 300
PACK_BYTES = 20_000_000
"""From so many objects, or bytes, on they go into one pack instead of a file each."""

NOBODY = "chasm-git <chasm@localhost>"
"""Who commits where git knows no name."""


class Writer:
    """A sink that writes few objects as files and many as one pack.

    It holds objects back until it knows. A context manager: leaving it closes it, or removes everything after an error.

    Args:
        objects, size: how many objects and bytes are to be expected, where that is known.
    """

    def __init__(self, archive: Archive, objects: int = 0, size: int = 0) -> None:
        self._archive = archive
        self._held: dict[str, tuple[str, int, bytes, bool]] = {}  # id -> kind, size, data, whether compressed
        self._size = 0
        self._pack: PackWriter | None = None
        if objects >= PACK_OBJECTS or size >= PACK_BYTES:
            self._pack = PackWriter(archive)

    def id_of(self, kind: str, data: bytes) -> str:
        """The id `data` gets."""
        return object_id(kind, data, self._archive.hash_name)

    def add(self, kind: str, data: bytes) -> str:
        """Write an object; returns its id."""
        if self._pack is not None:
            return self._pack.add(kind, data)
        name = self.id_of(kind, data)
        self._hold(name, kind, len(data), data, False)
        return name

    def add_compressed(self, kind: str, object_id: str, size: int, compressed: bytes) -> None:
        """Write an object hashed and compressed elsewhere."""
        if self._pack is not None:
            self._pack.add_compressed(kind, object_id, size, compressed)
        else:
            self._hold(object_id, kind, size, compressed, True)

    def close(self) -> None:
        """Write everything; from now on the objects can be read, and a power cut does not take them."""
        if self._pack is not None:
            self._pack.close()
        elif self._held:
            with LooseWriter(self._archive) as loose:
                self._release(loose)

    def abort(self) -> None:
        """Forget what is held back, remove what was written."""
        self._held.clear()
        if self._pack is not None:
            self._pack.abort()

    def _hold(self, name: str, kind: str, size: int, data: bytes, compressed: bool) -> None:
        if name in self._held:
            return
        self._held[name] = (kind, size, data, compressed)
        self._size += size
        if len(self._held) >= PACK_OBJECTS or self._size >= PACK_BYTES:
            self._pack = PackWriter(self._archive)
            self._release(self._pack)

    def _release(self, sink: Sink) -> None:
        for name, (kind, size, data, compressed) in self._held.items():
            if compressed:
                sink.add_compressed(kind, name, size, data)
            else:
                sink.add(kind, data)
        self._held.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()


def commit(
    archive: Archive,
    *,
    tree: str,
    parents: list[str],
    message: str,
    author_time: datetime | None = None,
    sink: Sink | None = None,
) -> str:
    """Write a commit object; no ref moves.

    Args:
        tree, parents: ids.
        message: for people; what git does not take in one (NUL, lone surrogates) is replaced.
        author_time: now by default; without a time zone it counts as UTC.
        sink: where it goes; by default into a file, durably.

    Returns:
        Its id.
    """
    who, committed = identity(archive), stamp()
    authored = stamp(author_time) if author_time is not None else committed
    data = commit_object(tree, parents, f"{who} {authored}", f"{who} {committed}", message)
    if sink is not None:
        return sink.add("commit", data)
    with LooseWriter(archive) as loose:
        return loose.add("commit", data)


def commit_object(tree: str, parents: list[str], author: str, committer: str, message: str) -> bytes:
    """A commit object; author and committer as ``Name <address> seconds zone``."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {author}", f"committer {committer}"]
    text = message.replace("\0", "\ufffd").strip() + "\n"
    return ("\n".join(lines) + "\n\n" + text).encode("utf-8", "replace")


def identity(archive: Archive) -> str:
    """``Name <address>`` as git's configuration has it, else a name of our own; never fails."""
    name, address = (_plain(said or "") for said in settings_of(archive, "user.name", "user.email"))
    if not name and not address:
        return NOBODY
    return f"{name or address.partition('@')[0]} <{address or 'chasm@localhost'}>"


def stamp(moment: datetime | None = None) -> str:
    """A time as git writes it: seconds and zone; now, in the local zone, by default."""
    if moment is None:
        seconds = int(time.time())
        offset = time.localtime(seconds).tm_gmtoff
    else:
        seconds = int(moment.timestamp()) if moment.tzinfo else int((moment - datetime(1970, 1, 1)).total_seconds())
        zone = moment.utcoffset()
        offset = int(zone.total_seconds()) if zone else 0
    minutes = abs(offset) // 60
    return f"{max(seconds, 0)} {'-' if offset < 0 else '+'}{minutes // 60:02d}{minutes % 60:02d}"


def _plain(text: str) -> str:
    # git allows no <, > and line feed in a name, and drops some characters at its ends
    return re.sub(r"[<>\x00-\x1f\x7f]", "", text).strip(" .,:;\"'\\")
