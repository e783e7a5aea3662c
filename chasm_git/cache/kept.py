"""What the cache keeps of texts: chunks, each the texts of one kind of consecutive messages, deflated."""

from __future__ import annotations

from typing import Any, NamedTuple

from chasm_git.archive.plumbing.objects import decompress
from chasm_git.cache.text import fold_bytes
from chasm_git.session import jsonio

KINDS = ("title", "user", "assistant", "thinking", "call", "result", "other", "file", "note", "tag")
"""What a text is: ``call`` a tool's name and arguments, ``other`` what nobody said (context, system, bookkeeping)."""
OF_SESSION = frozenset((0, 8, 9))
"""Kinds of text that stand in no message: what the session is called, and what a person wrote about it."""


class Text(NamedTuple):
    """One text of a message."""

    kind: int
    """Index into `KINDS`."""
    message: int
    """Which message, from 0."""
    tool: str | None
    """Name of the tool it is the call or the result of."""
    text: str


class Chunk(NamedTuple):
    """Consecutive texts of one kind."""

    kind: int
    sequence: int
    digest: bytes
    size: int
    """Characters of text."""
    packed: bytes
    """See `unpack`; empty, as the terms are, for a chunk the cache has already."""
    terms: str
    """What the index holds of it, blanks between."""


def unpack(kind: int, packed: bytes) -> list[Text]:
    """The texts of a chunk. Raises ValueError where it is damaged."""
    marks, _, raw = decompress(packed).partition(b"\n")
    joined = raw.decode("utf-8", "surrogatepass")
    found = []
    at = 0
    for message, size, tool in jsonio.loads(marks):
        found.append(Text(kind, message, tool, joined[at : at + size]))
        at += size + 1
    return found


def unpack_folded(packed: bytes) -> bytes:
    """All texts of a chunk folded, in one and in UTF-8; what does not stand there stands in none of them.

    Before them stands what they are: to cut that off would copy them all.
    """
    return fold_bytes(decompress(packed))


def unpack_records(packed: bytes) -> list[list[Any]]:
    """The messages of a session: ``[id, role, time, model, kinds]``. Raises ValueError."""
    found: list[list[Any]] = jsonio.loads(decompress(packed))
    return found
