"""What is wrong with a file, by offset, and the text that is left of it.

A damaged file may be of any size and hold anything. So it is mapped, never read as a whole, and what is said of it has
an end.
"""

from __future__ import annotations

import codecs
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

MOST = 1000
"""Places that are named; of more there is the count alone."""
_CHUNK = 1 << 20
_REPLACEMENT = "\ufffd".encode()


@dataclass(frozen=True, slots=True)
class Lost:
    """Bytes of a file that could not be kept as they are."""

    start: int
    end: int
    """Offset behind them."""
    reason: str

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {"offset": self.start, "bytes": self.end - self.start, "reason": self.reason}


@dataclass(slots=True)
class Damage:
    """All that is wrong with a file."""

    lost: list[Lost] = field(default_factory=list)
    """Bytes that are not in what is left, in the order they were found."""
    mended: list[Lost] = field(default_factory=list)
    """Bytes that were put right: escaped, replaced, closed."""
    lost_bytes: int = 0
    places: int = 0
    """How many there are of both, also beyond those that are named."""

    def lose(self, start: int, end: int, reason: str) -> None:
        """Note bytes that are gone."""
        if end > start:
            self.lost_bytes += end - start
            self._note(self.lost, start, end, reason)

    def mend(self, start: int, end: int, reason: str) -> None:
        """Note bytes that stand there another way now."""
        self._note(self.mended, start, end, reason)

    def _note(self, noted: list[Lost], start: int, end: int, reason: str) -> None:
        self.places += 1
        if noted and noted[-1].end == start and noted[-1].reason == reason:
            noted[-1] = Lost(noted[-1].start, end, reason)
        elif len(noted) < MOST:
            noted.append(Lost(start, end, reason))


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap | bytes]:
    """The bytes of a file, in memory only as far as they are looked at. Raises OSError."""
    with path.open("rb") as stream:
        if not stream.seek(0, 2):
            yield b""
            return
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


class Text:
    """Where the text that is left goes; what is no UTF-8 in it is replaced and noted.

    Args:
        out: None where only the damage is wanted.
    """

    def __init__(self, out: BinaryIO | None, damage: Damage) -> None:
        self._out = out
        self._damage = damage
        self.written = 0

    def put(self, data: bytes) -> None:
        """Write bytes that are known to be right."""
        self.written += len(data)
        if self._out is not None:
            self._out.write(data)

    def copy(self, source: mmap.mmap | bytes, start: int, end: int, *, one_line: bool = False) -> None:
        """Write a range of the source.

        Args:
            one_line: line feeds become blanks (between the values of JSON they mean the same).
        """
        while start < end:
            stop = min(start + _CHUNK, end)
            while stop < end and stop > start + _CHUNK - 4 and source[stop] & 0xC0 == 0x80:
                stop -= 1  # not within a character
            piece = source[start:stop]
            clean = self._valid(piece, start)
            self.put(clean.replace(b"\n", b" ").replace(b"\r", b" ") if one_line else clean)
            start = stop

    def _valid(self, piece: bytes, offset: int) -> bytes:
        made: list[bytes] = []
        view = memoryview(piece)
        at = 0
        while at < len(piece):
            try:
                codecs.utf_8_decode(view[at:], "strict", True)
                made.append(piece[at:])
                break
            except UnicodeDecodeError as error:
                made += (piece[at : at + error.start], _REPLACEMENT)
                self._damage.mend(offset + at + error.start, offset + at + error.end, "not UTF-8: replaced")
                at += error.end
        return b"".join(made)
