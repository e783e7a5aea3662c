"""Git objects: their ids, their compressed forms, and writing them one file each.

An object is compressed once, where it suits (a worker process, say), and handed to a sink: `LooseWriter` here,
`PackWriter` for many. Nothing refers to an object before a ref moves, so a writer that is killed leaves only files to
be cleaned up.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, cast

from chasm_git.archive.plumbing import durable
from chasm_git.archive.plumbing.trees import write_tree

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

__all__ = ["Blob", "LooseWriter", "Sink", "blob_id", "blob_of", "compress", "decompress", "object_id", "write_tree"]

KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
"""The number of each kind of object in a pack."""

_DAMAGED: tuple[type[Exception], ...] = (zlib.error,)
try:
    from isal.igzip_lib import IsalError
    from isal.isal_zlib import compress as _deflate
    from isal.isal_zlib import decompress as _inflate
except ImportError:  # no wheel for this platform: slower, and the same to every reader
    from zlib import compress as _deflate
    from zlib import decompress as _inflate
else:
    _DAMAGED += (cast(type[Exception], IsalError),)

_LEVEL = 1
"""Effort of everything we write: git compresses again when it packs. Measured on 200 MB of sessions: isal 560 MB/s to a
quarter of the size, zlib 150 MB/s to a little more."""


class Blob(NamedTuple):
    """A file's content ready to be written (`Sink.add_compressed`)."""

    id: str
    size: int
    compressed: bytes

    def data(self) -> bytes:
        """The content."""
        return decompress(self.compressed)


class Sink(Protocol):
    """Where objects go."""

    def id_of(self, kind: str, data: bytes) -> str:
        """The id `data` gets."""
        ...

    def add(self, kind: str, data: bytes) -> str:
        """Write an object (``blob``, ``tree``, ``commit``, ``tag``); one that is there already is not written again."""
        ...

    def add_compressed(self, kind: str, object_id: str, size: int, compressed: bytes) -> None:
        """Write an object that was hashed and compressed elsewhere (`object_id`, `compress`); `size` before it was."""
        ...


def decompress(packed: bytes) -> bytes:
    """What `compress` made of some bytes, undone. Raises ValueError for anything else."""
    try:
        return _inflate(packed)
    except _DAMAGED as error:
        raise ValueError(str(error)) from error


def object_id(kind: str, data: bytes, hash_name: str) -> str:
    """The id git gives to an object in a repository that names them by `hash_name` (``sha1``, ``sha256``)."""
    digest = hashlib.new(hash_name, b"%s %d\0" % (kind.encode("ascii"), len(data)), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def blob_id(data: bytes, hash_name: str) -> str:
    """The id git gives to a file's content."""
    return object_id("blob", data, hash_name)


def compress(data: bytes) -> bytes:
    """An object's content as a pack holds it."""
    return _deflate(data, _LEVEL)


def blob_of(data: bytes, hash_name: str) -> Blob:
    """A file's content, hashed and compressed."""
    return Blob(blob_id(data, hash_name), len(data), compress(data))


class LooseWriter:
    """Writes every object into a file of its own.

    The files get their names at `close` (or when a few hundred wait), after their bytes are on the disk: flushing many
    at once, from several threads, costs a tenth of flushing one after the other. A context manager: leaving it with an
    error removes what has no name yet.

    Args:
        flush: wait for the disk; without, a power cut may leave empty objects.
    """

    _MOST_WAITING = 256

    def __init__(self, archive: Archive, *, flush: bool = True) -> None:
        self._folder = archive.git_dir / "objects"
        self._hash_name = archive.hash_name
        self._flush = flush
        self._waiting: dict[str, Path] = {}
        self.written = 0
        """Objects written so far."""

    def id_of(self, kind: str, data: bytes) -> str:
        """The id `data` gets."""
        return object_id(kind, data, self._hash_name)

    def add(self, kind: str, data: bytes) -> str:
        """Write an object unless it is there; returns its id."""
        name = object_id(kind, data, self._hash_name)
        if name not in self._waiting and not self._there(name):
            self._write(name, compress(b"%s %d\0%s" % (kind.encode("ascii"), len(data), data)))
        return name

    def add_compressed(self, kind: str, object_id: str, size: int, compressed: bytes) -> None:
        """Write an object that is compressed as for a pack (which costs compressing it again).

        Raises ValueError where `compressed` does not hold the object.
        """
        data = decompress(compressed)
        if len(data) != size or self.id_of(kind, data) != object_id:
            raise ValueError(f"not the content of object {object_id}")
        self.add(kind, data)

    def close(self) -> None:
        """Give every object its name; from now on they can be read."""
        if not self._waiting:
            return
        try:
            if self._flush:
                durable.flush_files(list(self._waiting.values()))
            for name, path in list(self._waiting.items()):
                final = self._path(name)
                final.parent.mkdir(exist_ok=True)
                _name(path, final)
                del self._waiting[name]
                self.written += 1
        except BaseException:  # Ctrl-C, too: what has its name already is a whole object, the rest is nothing
            self.abort()
            raise

    def abort(self) -> None:
        """Remove what has no name yet."""
        for path in self._waiting.values():
            durable.remove(path)
        self._waiting.clear()

    def _write(self, name: str, raw: bytes) -> None:
        path = self._folder / f"tmp_obj_{durable.scratch_name()}"
        durable.write_new(path, raw, mode=0o444, flush=False)
        self._waiting[name] = path
        if len(self._waiting) >= self._MOST_WAITING:
            self.close()

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name[2:]

    def _there(self, name: str) -> bool:
        """Whether a sound copy exists; it is made to look new, so that no pruning takes it before a ref holds it."""
        path = self._path(name)
        try:
            raw = zlib.decompress(path.read_bytes())
        except FileNotFoundError:
            return False
        except zlib.error:
            return False  # damaged, by a power cut mostly: the copy we write mends it
        if hashlib.new(self._hash_name, raw, usedforsecurity=False).hexdigest() != name:
            return False
        try:
            os.utime(path)
        except OSError:
            return False  # somebody else's file, or gone by now: a fresh copy is as good
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()


def _name(path: Path, final: Path) -> None:
    try:
        path.replace(final)
    except PermissionError:
        if not final.exists():
            raise
        durable.remove(path)  # Windows does not replace what somebody reads; it is the same object
