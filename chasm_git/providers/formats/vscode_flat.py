"""Flat session files of VS Code: one JSON object. Read as a whole where that works, else piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chasm_git.providers.formats.vscode_log import BOM
from chasm_git.session import jsonio

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{},:]', re.DOTALL)


_OPENS = {b"]": b"[", b"}": b"{"}


class Unread(bytes):
    """A request whose bytes are no JSON: it stands in ``requests`` in the place of the value."""


@dataclass(slots=True)
class Flat:
    """What a file gives."""

    state: dict[str, Any] | None = None
    """None where the file holds no object at all."""
    reasons: list[str] = field(default_factory=list)
    """Why not all of it could be read."""
    unread: list[bytes] = field(default_factory=list)
    """Bytes that stand nowhere in `state`."""


def read_flat(data: bytes) -> Flat:
    """A session file's object. Never raises."""
    text = data[len(BOM) :] if data.startswith(BOM) else data
    try:
        state = jsonio.loads(text)
    except UnicodeDecodeError as error:
        try:  # as VS Code reads it
            state = jsonio.loads(text.decode("utf-8", "replace").encode())
        except ValueError:
            return _salvaged(text, f"not UTF-8 at byte {error.start}")
        reason = f"not UTF-8 at byte {error.start}, read with replacement characters"
        return Flat(state, [reason], [data]) if type(state) is dict else Flat(reasons=[reason])
    except ValueError as error:
        return _salvaged(text, f"not JSON: {error}" if text.strip() else "empty")
    return Flat(state) if type(state) is dict else Flat(reasons=["not a session: the JSON value is no object"])


def _salvaged(data: bytes, reason: str) -> Flat:
    """The keys of a broken file's object that are whole, and the requests that are."""
    made = Flat(reasons=[reason])
    state: dict[str, Any] = {}
    requests: list[Any] = []
    for key, piece, in_requests in _pieces(data):
        try:
            value = jsonio.loads(piece)
            if key is None and not (in_requests and type(value) is dict):
                raise ValueError("it may be half of a value")
            if in_requests:
                requests.append(value)
            elif key is not None:
                state[key] = value
        except ValueError:
            if in_requests and key is not None:
                requests.append(Unread(piece))
            else:
                made.unread.append(piece)
        if in_requests:
            state["requests"] = requests
    made.state = state or None
    if made.state is None:
        made.unread.clear()
    return made


def _pieces(data: bytes) -> Iterator[tuple[str | None, bytes, bool]]:
    """Each key with the bytes of its value; of ``requests`` each element, with True.

    What is left when the file ends too early comes last, without a key.
    """
    opened: list[bytes] = []
    start, key, listed = 0, None, False
    said: bytes | None = None
    for token in _TOKEN.finditer(data):
        mark = token[0]
        if mark[:1] == b'"':
            said = mark
        elif mark in b"[{":
            opened.append(mark)
            if len(opened) == 1 and mark == b"{":
                start = token.end()
            elif len(opened) == 2 and mark == b"[" and key == "requests":
                listed, start = True, token.end()
        elif mark == b":":
            if len(opened) == 1 and key is None and said is not None:
                key, start = _name(said), token.end()
        elif mark == b"," or (opened and opened[-1] == _OPENS[mark]):  # a stray end is part of what is broken
            if len(opened) == (2 if listed else 1):
                piece = data[start : token.start()].strip()
                if piece and key is not None:
                    yield key, piece, listed
                start = token.end()
                if not listed:
                    key = None
                elif mark != b",":
                    listed, key = False, ""
            if mark != b",":
                opened.pop()
                if not opened:
                    break
    rest = data[start:].strip()
    if rest:
        yield None, rest, listed


def _name(text: bytes) -> str | None:
    try:
        name = jsonio.loads(text)
    except ValueError:
        return None
    return name if type(name) is str else None
