"""Many objects as one file: a pack without deltas, written in one pass, with its index.

The number of objects stands in front of a pack and is known at its end, so it is filled in then and the pack's checksum
is taken from what the disk gives back. The pack gets its name first, its index last: a pack without index does not
exist for git.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chasm_git.archive.plumbing import durable
from chasm_git.archive.plumbing.objects import KINDS, compress, object_id

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

NOTE = "quick-packs"
"""File in ``$GIT_DIR/chasm`` that names our packs, a line each: `maintain` packs them again, small instead of quick."""

_LARGE = 0x80000000
_CHUNK = 1 << 20


class PackWriter:
    """Streams objects into one pack. A context manager: leaving it with an error leaves nothing behind."""

    def __init__(self, archive: Archive) -> None:
        self._folder = archive.git_dir / "objects" / "pack"
        self._note = archive.state_dir / NOTE
        self._hash_name = archive.hash_name
        self._entries: dict[str, tuple[int, int]] = {}  # id -> CRC-32 of the entry, offset
        name = durable.scratch_name()
        self._pack_path = self._folder / f"tmp_pack_{name}"
        self._index_path = self._folder / f"tmp_idx_{name}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file: io.BufferedRandom | None = io.BufferedRandom(
            io.FileIO(durable.create(self._pack_path, 0o444), "r+"), _CHUNK
        )
        self._offset = self._file.write(struct.pack(">4sLL", b"PACK", 2, 0))

    @property
    def written(self) -> int:
        """Objects written so far."""
        return len(self._entries)

    def id_of(self, kind: str, data: bytes) -> str:
        """The id `data` gets."""
        return object_id(kind, data, self._hash_name)

    def add(self, kind: str, data: bytes) -> str:
        """Write an object unless this pack holds it; returns its id."""
        name = object_id(kind, data, self._hash_name)
        if name not in self._entries:
            self._write(kind, name, len(data), compress(data))
        return name

    def add_compressed(self, kind: str, object_id: str, size: int, compressed: bytes) -> None:
        """Write an object hashed and compressed elsewhere (`objects.object_id`, `objects.compress`)."""
        if object_id not in self._entries:
            self._write(kind, object_id, size, compressed)

    def _write(self, kind: str, name: str, size: int, compressed: bytes) -> None:
        assert self._file is not None
        header = _entry_header(KINDS[kind], size)
        self._file.write(header)
        self._file.write(compressed)
        self._entries[name] = (zlib.crc32(compressed, zlib.crc32(header)), self._offset)
        self._offset += len(header) + len(compressed)

    def close(self) -> Path | None:
        """Finish the pack and put it in place, durably. Returns its path; None where it would be empty."""
        if self._file is None:
            return None
        if not self._entries:
            self.abort()
            return None
        try:
            checksum = self._finish()
            name = self._folder / f"pack-{checksum.hex()}"
            durable.write_new(self._index_path, self._index(checksum), mode=0o444)
            with self._note.open("a", encoding="ascii") as note:
                note.write(f"{name.name}\n")
            return self._place(name)
        except BaseException:  # Ctrl-C, too: a pack may be large
            self.abort()
            raise

    def abort(self) -> None:
        """Remove what was written."""
        if self._file is not None:
            self._file.raw.close()  # what is still buffered need not be written
            self._file = None
        durable.remove(self._pack_path)
        durable.remove(self._index_path)

    def _finish(self) -> bytes:
        assert self._file is not None
        self._file.seek(0)
        self._file.write(struct.pack(">4sLL", b"PACK", 2, len(self._entries)))
        self._file.seek(0)
        digest = hashlib.new(self._hash_name, usedforsecurity=False)
        while chunk := self._file.read(_CHUNK):
            digest.update(chunk)
        self._file.seek(0, os.SEEK_END)
        self._file.write(digest.digest())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        return digest.digest()

    def _index(self, pack_checksum: bytes) -> bytes:
        """The index, version 2: fan-out, ids, checksums of entries, offsets."""
        ordered = sorted(self._entries)
        counts = [0] * 256
        for name in ordered:
            counts[int(name[:2], 16)] += 1
        total, fan_out = 0, []
        for count in counts:
            total += count
            fan_out.append(total)
        large: list[int] = []
        offsets: list[int] = []
        for name in ordered:
            offset = self._entries[name][1]
            if offset >= _LARGE:
                offsets.append(_LARGE | len(large))
                large.append(offset)
            else:
                offsets.append(offset)
        number = len(ordered)
        body = b"".join(
            (
                b"\377tOc\0\0\0\2",
                struct.pack(">256L", *fan_out),
                bytes.fromhex("".join(ordered)),
                struct.pack(f">{number}L", *(self._entries[name][0] for name in ordered)),
                struct.pack(f">{number}L", *offsets),
                struct.pack(f">{len(large)}Q", *large),
                pack_checksum,
            )
        )
        return body + hashlib.new(self._hash_name, body, usedforsecurity=False).digest()

    def _place(self, name: Path) -> Path:
        pack, index = name.with_suffix(".pack"), name.with_suffix(".idx")
        if pack.exists() and index.exists():
            self.abort()
            return pack
        try:
            try:
                # a second name, so that after a crash in between the half that is there can be told to be ours
                os.link(self._pack_path, pack)
            except OSError:
                self._pack_path.replace(pack)
            self._index_path.replace(index)
        except BaseException:  # Ctrl-C, too: nobody would know a pack without index for ours any more
            if not index.exists():
                durable.remove(pack)
            raise
        durable.remove(self._pack_path)
        durable.flush_folder(self._folder)
        return pack

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()


def remove_abandoned(git_dir: Path) -> None:
    """Remove what killed writers of ours left among the objects: unfinished files, and a pack without its index."""
    objects = git_dir / "objects"
    packs = objects / "pack"
    for path in objects.glob("tmp_obj_chasm-*"):
        if durable.abandoned(path):
            durable.remove(path)
    left = [path for path in packs.glob("tmp_*_chasm-*") if durable.abandoned(path)]
    ours = {(found.st_dev, found.st_ino) for path in left if (found := path.lstat()).st_nlink > 1}
    if ours:
        for pack in packs.glob("pack-*.pack"):
            found = pack.lstat()
            if (found.st_dev, found.st_ino) in ours and not pack.with_suffix(".idx").exists():
                durable.remove(pack)
    for path in left:
        durable.remove(path)


def _entry_header(number: int, size: int) -> bytes:
    byte = number << 4 | size & 15
    size >>= 4
    out = bytearray()
    while size:
        out.append(byte | 128)
        byte = size & 127
        size >>= 7
    out.append(byte)
    return bytes(out)
