"""Texts and images as VS Code stores them, as content parts; and where the stored texts stand in them.

A text of an answer is joined from many values of the record. `Text` remembers which part of it each one is, so that
the record's values can be stored as slices of it (see `native`).
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from chasm_git.session.model import Json, Part
from chasm_git.session.native import SHORTEST, octets, slice_of

_SHORTEST_SLICE = 48
"""A text of one line this short is kept: its slice would be no shorter."""
_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"BM", "image/bmp"),
)


class Text:
    """A text that is put together from pieces."""

    __slots__ = ("_length", "_pieces", "_sources")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._sources: list[tuple[str, int, str, str]] = []
        """Value of the record, where it begins here, and what of it was left out before and behind."""

    def add(self, piece: str, source: str | None = None, before: str = "", behind: str = "") -> None:
        """Append `piece`; it is the record's text `source` without what stands `before` and `behind`."""
        if source is not None and len(piece) > (SHORTEST if "\n" in piece else _SHORTEST_SLICE):
            self._sources.append((source, self._length, before, behind))
        self._pieces.append(piece)
        self._length += len(piece)

    def __str__(self) -> str:
        if len(self._pieces) != 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def derived(self, path: str, into: dict[str, Json]) -> None:
        """Say how to get the record's texts back once this one stands at `path` of the message."""
        try:
            str(self).encode()
        except UnicodeEncodeError:  # two halves of a character may have met, and would become one in a file
            return
        for source, start, before, behind in self._sources:
            end = start + len(source) - len(before) - len(behind)
            if not before and not behind and end - start == self._length:
                continue  # the whole of it: a pointer does
            marker: Json = slice_of(path, start, end)
            if before or behind:
                marker = {"$cat": [piece for piece in (before, marker, behind) if piece]}
            into.setdefault(source, marker)


def as_dict(value: Any) -> dict[str, Any]:
    """The value, if it is an object; else an empty one."""
    return value if type(value) is dict else {}


def as_list(value: Any) -> list[Any]:
    """The value, if it is a list; else an empty one."""
    return value if type(value) is list else []


def text_of(value: Any) -> str:
    """The text of a string or of a Markdown object; "" for anything else."""
    if type(value) is dict:
        value = value.get("value")
    return value if type(value) is str else ""


def image_part(value: Any, media_type: Any = None) -> Part | None:
    """An image, or a file of another type, from its bytes in any of the forms VS Code stored them in."""
    data = base64_of(value)
    if data is None:
        return None
    kind = media_type if type(media_type) is str and media_type else _sniffed(data)
    return {"type": "image" if kind.startswith("image/") else "file", "media_type": kind, "data": data}


def base64_of(value: Any) -> str | None:
    """The base64 text of bytes: as they are, behind ``$base64``, in a ``data:`` URL, or as an object of numbers."""
    if type(value) is dict and type(value.get("$base64")) is str:
        value = value["$base64"]
    if type(value) is str:
        text = value.partition(",")[2] if value.startswith("data:") else value
        return text if _is_base64(text) else None
    if type(value) is dict and (value.get("type") == "Buffer" or "buffer" in value):
        value = value.get("data", value.get("buffer"))
    data = octets(value)
    if data is None and type(value) is list and value and all(type(n) is int and 0 <= n <= 255 for n in value):
        data = bytes(value)
    return base64.b64encode(data).decode() if data is not None else None


def _is_base64(text: str) -> bool:
    if len(text) < 16 or len(text) % 4:
        return False
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _sniffed(data: str) -> str:
    start = base64.b64decode(data[:16])
    return next((kind for magic, kind in _MAGIC if start.startswith(magic)), "application/octet-stream")
