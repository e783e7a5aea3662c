"""Git's index, read, changed at a few paths and written again as git would: versions 2 to 4, either object format.

What git derives and can make again is invalidated where paths change (the cached trees) or left out (untracked cache,
file system monitor, offsets); what a person did (staged changes, conflict stages, resolutions) stays as it is.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from chasm_git.errors import ChasmError

_STAT = struct.Struct(">10L")
_KEPT = {b"TREE", b"REUC"}
_DERIVED = {b"UNTR", b"FSMN", b"EOIE", b"IEOT"}
_NAME_MASK = 0x0FFF
_EXTENDED = 0x4000
_STAGE = 0x3000
_ASSUME_VALID = 0x8000
_SKIP_WORKTREE = 0x4000  # of the extended flags
_INTENT_TO_ADD = 0x2000


class IndexUnusable(ChasmError):
    """An index that must not be written by us: damaged, or of a kind only git knows."""


class Index:
    """The entries of an index file. Names are bytes, as in a tree; ids are hex.

    Args:
        data: the file's content; None for a repository without one.
        id_length: bytes of an object id.

    Raises IndexUnusable.
    """

    def __init__(self, data: bytes | None, id_length: int = 20) -> None:
        self._id_length = id_length
        self._hash_name = "sha1" if id_length == 20 else "sha256"
        self._entries: dict[bytes, bytes] = {}
        self._staged: dict[bytes, list[bytes]] = {}  # conflict stages
        self._extensions: list[tuple[bytes, bytes]] = []
        self._changed: set[bytes] = set()
        self._added = False
        self._holding: set[bytes] | None = None  # folders with entries in them, once somebody asked
        self._version = 2
        self._hashed = True
        if data is not None:
            self._parse(data)

    @property
    def changed(self) -> bool:
        """Whether anything is different from what was read."""
        return bool(self._changed)

    @property
    def conflicts(self) -> bool:
        """Whether a merge left paths that are not resolved."""
        return bool(self._staged)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: bytes) -> bool:
        return name in self._entries

    def unmerged(self, name: bytes) -> bool:
        """Whether `name` has conflict stages."""
        return name in self._staged

    def id_of(self, name: bytes) -> str | None:
        """The blob staged at `name`; None where there is none (``git add -N`` stages none)."""
        head = self._entries.get(name)
        if head is None or self._extended(head) & _INTENT_TO_ADD:
            return None
        return head[40 : 40 + self._id_length].hex()

    def mode_of(self, name: bytes) -> int | None:
        """The mode staged at `name`."""
        head = self._entries.get(name)
        return None if head is None else int.from_bytes(head[24:28], "big")

    def skips_worktree(self, name: bytes) -> bool:
        """Whether git keeps this file out of the worktree (sparse checkout)."""
        head = self._entries.get(name)
        return head is not None and bool(self._extended(head) & _SKIP_WORKTREE)

    def in_the_way(self, name: bytes) -> bool:
        """Whether an entry cannot stand beside a file `name`: a file where it needs a folder, or files below it."""
        if any(folder in self._entries for folder in _folders(name)):
            return True
        if self._holding is None:
            self._holding = {folder for other in self._entries for folder in _folders(other)}
        return name in self._holding

    def put(self, name: bytes, object_id: str, mode: int, seen: os.stat_result | None, *, skip: bool = False) -> None:
        """Stage a file.

        Args:
            seen: what ``lstat`` says of the file in the worktree, if that holds exactly this blob; None makes git look.
            skip: keep a new file out of the worktree (sparse checkout).
        """
        head = self._entries.get(name)
        flags = min(len(name), _NAME_MASK)
        extended = b""
        if head is not None:
            flags |= int.from_bytes(head[40 + self._id_length :][:2], "big") & (_ASSUME_VALID | _EXTENDED)
            if flags & _EXTENDED:
                extended = struct.pack(">H", self._extended(head) & ~_INTENT_TO_ADD)
        elif skip:
            flags |= _EXTENDED
            extended = struct.pack(">H", _SKIP_WORKTREE)
            self._version = max(self._version, 3)
        new = _stat_bytes(mode, seen) + bytes.fromhex(object_id) + struct.pack(">H", flags) + extended
        if new != head:
            if head is None:
                self._added = True
                if self._holding is not None:
                    self._holding.update(_folders(name))
            self._entries[name] = new
            self._changed.add(name)

    def drop(self, name: bytes) -> None:
        """Take a file out of the index."""
        if self._entries.pop(name, None) is not None:
            self._holding = None
            self._changed.add(name)

    def serialize(self) -> bytes:
        """The index file."""
        names: Iterable[bytes] = self._entries
        if self._added or self._staged:
            names = sorted({*self._entries, *self._staged})
        out = [struct.pack(">4sLL", b"DIRC", self._version, len(self._entries) + sum(map(len, self._staged.values())))]
        entries, staged = self._entries, self._staged
        if self._version < 4:
            pads = [b"\0" * (8 - rest) for rest in range(8)]
            for name in names:
                head = entries.get(name)
                if head is not None:
                    out.append(head + name + pads[(len(head) + len(name)) & 7])
                out.extend(one + name + pads[(len(one) + len(name)) & 7] for one in staged.get(name, ()))
        else:
            previous = b""
            for name in names:
                head = entries.get(name)
                for one in ([head] if head is not None else []) + staged.get(name, []):
                    shared = _shared(previous, name)
                    out.append(one + _offset_bytes(len(previous) - shared) + name[shared:] + b"\0")
                    previous = name
        for signature, content in self._extensions:
            if signature == b"TREE" and self._changed:
                try:
                    content = _invalidate(content, self._changed, self._id_length)
                except ValueError:
                    continue  # damaged; git makes it again
            out.append(signature + struct.pack(">L", len(content)) + content)
        body = b"".join(out)
        digest = hashlib.new(self._hash_name, body, usedforsecurity=False).digest()
        return body + (digest if self._hashed else bytes(self._id_length))

    def _extended(self, head: bytes) -> int:
        return int.from_bytes(head[42 + self._id_length :], "big")

    def _parse(self, data: bytes) -> None:
        end = len(data) - self._id_length
        if end < 12 or data[:4] != b"DIRC":
            raise IndexUnusable("the index is damaged")
        self._hashed = data[end:] != bytes(self._id_length)
        if self._hashed and hashlib.new(self._hash_name, data[:end], usedforsecurity=False).digest() != data[end:]:
            raise IndexUnusable("the index is damaged (its checksum does not match)")
        self._version, count = struct.unpack(">LL", data[4:12])
        if self._version not in (2, 3, 4):
            raise IndexUnusable(f"the index has version {self._version}, which only a newer git knows")
        try:
            at = self._parse_entries(data, count)
        except (struct.error, ValueError, IndexError) as error:
            raise IndexUnusable("the index is damaged") from error
        if at > end:
            raise IndexUnusable("the index is damaged")
        while at < end:
            signature, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
            content = data[at + 8 : at + 8 + length]
            at += 8 + length
            if at > end:
                raise IndexUnusable("the index is damaged")
            if signature == b"link":
                raise IndexUnusable("the index is split; `git update-index --no-split-index` makes it whole")
            if signature in _KEPT:
                self._extensions.append((signature, content))
            elif signature not in _DERIVED and not signature[:1].isupper():
                raise IndexUnusable(f"the index has a part only git knows ({signature.decode('ascii', 'replace')})")

    def _parse_entries(self, data: bytes, count: int) -> int:
        entries, staged = self._entries, self._staged
        compressed = self._version == 4
        fixed = 42 + self._id_length
        at = 12
        name = b""
        for _ in range(count):
            flags = data[at + fixed - 2] << 8 | data[at + fixed - 1]
            start = at + fixed + (2 if flags & _EXTENDED else 0)
            head = data[at:start]
            if compressed:
                strip, start = _read_offset(data, start)
                stop = data.index(b"\0", start)
                name = name[: len(name) - strip] + data[start:stop]
                at = stop + 1
            else:
                length = flags & _NAME_MASK
                stop = start + length if length < _NAME_MASK else data.index(b"\0", start)
                name = data[start:stop]
                at += (stop - at + 8) & ~7
            if flags & _STAGE:
                staged.setdefault(name, []).append(head)
            else:
                entries[name] = head
        return at


def _folders(name: bytes) -> Iterator[bytes]:
    """The folders above a name."""
    at = name.find(b"/")
    while at >= 0:
        yield name[:at]
        at = name.find(b"/", at + 1)


def _shared(one: bytes, other: bytes) -> int:
    """How many bytes two names begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _stat_bytes(mode: int, seen: os.stat_result | None) -> bytes:
    if seen is None:
        return bytes(24) + mode.to_bytes(4, "big") + bytes(12)
    seconds, nanoseconds = divmod(seen.st_ctime_ns, 1_000_000_000)
    modified, fraction = divmod(seen.st_mtime_ns, 1_000_000_000)
    mask = 0xFFFFFFFF
    return _STAT.pack(
        seconds & mask, nanoseconds, modified & mask, fraction, seen.st_dev & mask, seen.st_ino & mask,
        mode, seen.st_uid & mask, seen.st_gid & mask, seen.st_size & mask,
    )  # fmt: skip


def _invalidate(content: bytes, changed: set[bytes], id_length: int) -> bytes:
    """The cached trees, with those above a changed path marked as unknown."""
    folders = {b"", *(folder for name in changed for folder in _folders(name))}
    out: list[bytes] = []
    at = 0
    above: list[tuple[bytes, int]] = []  # path, folders still to come below it
    while at < len(content):
        stop = content.index(b"\0", at)
        end = content.index(b"\n", stop)
        name = content[at:stop]
        count, _, below = content[stop + 1 : end].partition(b" ")
        known = not count.startswith(b"-")
        at = end + 1 + (id_length if known else 0)
        path = name
        if above:
            parent, left = above[-1]
            path = parent + b"/" + name if parent else name
            above[-1] = (parent, left - 1)
        if path in folders:
            out.append(name + b"\0-1 " + below + b"\n")
        else:
            out.append(name + b"\0" + count + b" " + below + b"\n" + content[end + 1 : at])
        above.append((path, int(below)))
        while above and not above[-1][1]:
            above.pop()
    return b"".join(out)


def _read_offset(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    at += 1
    value = byte & 127
    while byte & 128:
        byte = data[at]
        at += 1
        value = (value + 1) << 7 | byte & 127
    return value, at


def _offset_bytes(value: int) -> bytes:
    out = [value & 127]
    value >>= 7
    while value:
        value -= 1
        out.append(128 | value & 127)
        value >>= 7
    return bytes(reversed(out))


def read_index(path: Path, id_length: int) -> Index:
    """The index in a file; an empty one where there is no file. Raises IndexUnusable."""
    try:
        data: bytes | None = path.read_bytes()
    except FileNotFoundError:
        data = None
    return Index(data, id_length)
