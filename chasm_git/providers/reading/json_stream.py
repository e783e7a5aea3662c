"""The objects of a JSON file one by one, in memory that does not grow with the file.

Takes a list of objects, a list at a key of one object, one object, or objects one after the other (JSON lines). Each is
parsed alone, and the parser says where it ends. One that is damaged ends where its brackets say, and costs itself:
reading goes on at the next that begins like the ones before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from chasm_git.session import jsonio

LARGEST = 128 * 1024 * 1024
"""Bytes of one object: one that is larger is taken for one that lost its end."""

_CHUNK = 1024 * 1024
_FAR = 16 * _CHUNK
"""How far behind a damaged first object the next one is looked for by the way it begins."""
_BOM = b"\xef\xbb\xbf"
_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([\[\]{}])', re.DOTALL)
_PLAIN = rb'[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_LEAF = rb"\{(?:" + _PLAIN + rb")*+\}|\[(?:" + _PLAIN + rb")*+\]"
_INNER_BRACKET = re.compile(rb"(?:" + _PLAIN + rb"|" + _LEAF + rb")*+([\[\]{}])", re.DOTALL)
"""As `_BRACKET`, but an object or list with no others in it is passed by as a whole."""
_FIRST_KEY = re.compile(rb'\{\s*("[^"\\]{1,80}"\s*:)')
_SCALAR = rb'\s*(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^"{}\[\],\s]++)\s*,\s*'
_TWO_KEYS = re.compile(_FIRST_KEY.pattern + rb"(?:" + _SCALAR + rb'("[^"\\]{1,80}"\s*:))?', re.DOTALL)
_NEXT_OBJECT = re.compile(rb'\}\s*,?\s*(\{\s*"[^"\\]{1,80}"\s*:)')
_SMALL = 64 * 1024
"""Bytes of an object that nothing is known of."""
_GROWTH = 4
"""How many times more is parsed of an object that turned out to be longer."""
_FOLLOWS = re.compile(rb"\s*,?\s*(?=\{)")
_OPEN = b"[{"


class Element(NamedTuple):
    """One object of the file."""

    number: int
    """1-based."""
    value: Any
    """None where it cannot be read (then `error` says why)."""
    error: str | None = None


def elements(stream: BinaryIO, key: str | None = None) -> Iterator[Element]:
    """The objects (or lists) of a file, in its order; what cannot be read comes as an element with an `error`.

    Args:
        key: where the file is one object: the key of the list whose items are wanted. Without it, or where there is no
            such list, the object itself is the only element.
    """
    yield from _Splitter(stream, key).elements()


class _Splitter:
    """Reads one file."""

    def __init__(self, stream: BinaryIO, key: str | None) -> None:
        self._stream = stream
        self._key = re.compile(re.escape(jsonio.dumps(key)) + rb"\s*:\s*\Z") if key is not None else None
        self._buffer = bytearray()
        self._at = 0
        """Where the next bracket is looked for."""
        self._is_all = False
        self._step = _CHUNK
        self._number = 0
        self._begins: re.Pattern[bytes] | None = None
        """How objects of this file begin."""
        self._follows: re.Pattern[bytes] | None = None
        """How the end of one looks, with the next behind it."""
        self._keys: set[str] = set()
        """The keys of the first object."""
        self._size = 0
        """Bytes of the object before."""
        self._is_lost = False
        """Within an object that is damaged: what is found counts only if it looks like one of the file's."""
        self._is_piece = False
        """What comes next may be a piece of a damaged object: others need not look like it."""

    def elements(self) -> Iterator[Element]:
        """See the function."""
        while not self._buffer[len(_BOM) :].strip() and self._more():
            pass
        if self._buffer.startswith(_BOM):
            del self._buffer[: len(_BOM)]
        first = bytes(self._buffer[:1024]).lstrip()[:1]
        base = 0
        if first == b"[":
            self._bracket()
            base = 1
        elif first == b"{" and self._key is not None and self._enter():
            base = 2
        yield from self._from(base)

    def _from(self, base: int) -> Iterator[Element]:
        """The elements whose brackets open within `base` others."""
        depth, start, end = base, -1, self._at
        while True:
            if start >= 0 and self._at - start > LARGEST:
                bracket = None
                reason = f"no end within {LARGEST // 1024 // 1024} MiB"
            else:
                bracket = self._bracket(_INNER_BRACKET if start >= 0 else _BRACKET)
                reason = "the file ends in the middle of it"
            if bracket is None:
                if start < 0:
                    yield from self._gap(end, len(self._buffer), base)
                    return
                yield from self._damaged(reason)
                if not self._resume(start + 1):
                    return
                depth, start, end = base, -1, self._at
                continue
            if bracket in _OPEN:
                if depth == base:
                    start = self._at - 1
                    yield from self._gap(end, start, base)
                    if (whole := self._whole(start)) is not None:
                        yield whole
                        start, end = -1, self._passed()
                        continue
                depth += 1
                continue
            depth -= 1
            if depth == base:
                found = self._element(start, bracket)
                if found is not None and found.error is not None:  # it may have swallowed the ones that follow
                    yield from self._damaged(found.error)
                    if not self._resume(start + 1):
                        return
                    depth, start, end = base, -1, self._at
                    continue
                if found is not None:
                    yield found
                start, end = -1, self._passed()
            elif depth < base:
                if bracket == b"]" and base and not self._is_lost:
                    yield from self._gap(end, self._at - 1, base)
                    yield from self._after_list(base)
                    return
                yield from self._damaged("a bracket that closes nothing")
                if not self._resume(self._at):
                    return
                depth, start, end = base, -1, self._at

    def _whole(self, start: int) -> Element | None:
        """What begins at `start`, far faster than by its brackets; None where it is damaged, or too large."""
        if self._is_lost:
            return None
        closing = b"}" if self._buffer[start : start + 1] == b"{" else b"]"
        far = max(self._size * _GROWTH, _SMALL)
        follows = self._follows.search(self._buffer, start, start + far) if self._follows is not None else None
        size = follows.start() + 1 - start if follows is not None else far
        while True:
            end = self._buffer.rfind(closing, start, start + size) + 1
            try:
                value, length = jsonio.loads_first(bytes(self._buffer[start : max(end, start + 1)]))
            except jsonio.UnfinishedError:
                if size >= LARGEST or (self._is_all and start + size >= len(self._buffer)):
                    return None
                size = min(max(size * _GROWTH, self._size * 2), LARGEST)
                while len(self._buffer) - start < size and self._more():
                    pass
            except ValueError:
                return None
            else:
                self._at = start + length
                return self._found(value, start)

    def _passed(self) -> int:
        """Forget what was read; where reading goes on."""
        if self._at > _CHUNK:
            del self._buffer[: self._at]
            self._at = 0
        return self._at

    def _bracket(self, pattern: re.Pattern[bytes] = _BRACKET) -> bytes | None:
        """The next bracket that stands in no string; None where there is no more."""
        while True:
            found = pattern.match(self._buffer, self._at)
            if found is not None:
                self._at = found.end()
                self._step = _CHUNK
                return found[1]
            if not self._more():
                return None

    def _more(self) -> bool:
        """Read on; ever more at once while it does not help, so that a long string is looked at a few times only."""
        if self._is_all:
            return False
        data = self._stream.read(self._step)
        self._step = min(self._step * 2, LARGEST // 4)
        self._is_all = not data
        self._buffer += data
        return bool(data)

    def _enter(self) -> bool:
        """Go to the first item of the list at the key; False where there is none, and nothing was passed by."""
        assert self._key is not None
        depth = 0
        while (bracket := self._bracket()) is not None and self._at < LARGEST:
            if bracket in _OPEN:
                if depth == 1 and bracket == b"[" and self._key.search(bytes(self._buffer[: self._at - 1][-200:])):
                    return True
                depth += 1
            else:
                depth -= 1
                if not depth:
                    break
        self._at = 0
        return False

    def _element(self, start: int, closing: bytes) -> Element | None:
        """The object that begins at `start` and has just ended; None where it is a piece of a damaged one."""
        data = bytes(self._buffer[start : self._at])
        if (data[:1] == b"{") != (closing == b"}"):
            return Element(0, None, "it has no end")
        try:
            value = jsonio.loads(data)
        except ValueError as error:
            return Element(0, None, f"not JSON: {error}")
        if self._is_lost and not (type(value) is dict and len(self._keys & value.keys()) * 2 >= len(self._keys)):
            return None
        self._is_lost = False
        return self._found(value, start)

    def _found(self, value: Any, start: int) -> Element:
        """An object (or list) that was read, from which there is to be learned how the others look."""
        is_piece, self._is_piece = self._is_piece, False
        if type(value) is dict and not self._keys and not is_piece:
            self._keys = set(value)
        if self._follows is None and not is_piece and (found := _TWO_KEYS.match(self._buffer, start)) is not None:
            self._begins = self._begins or _beginning(found[0])
            second = _SCALAR + re.escape(found[2]) if found[2] is not None else b""
            self._follows = re.compile(rb"\}\s*,?\s*\{\s*" + re.escape(found[1]) + second, re.DOTALL)
        self._size = self._at - start
        self._number += 1
        return Element(self._number, value)

    def _guess(self, start: int, end: int) -> None:
        """Learn from an object that is damaged, if not before: others begin like it, or like the one behind `end`."""
        if self._begins is not None:
            return
        likely = _beginning(self._buffer[start - 1 : start + 200])
        while likely is not None:
            if likely.search(self._buffer, max(start - 1, 0)) is not None:
                self._begins = likely
                return
            if len(self._buffer) - start > _FAR or not self._more():
                break
        follows = _FOLLOWS.match(self._buffer, end)
        if follows is not None:
            self._begins = _beginning(self._buffer[follows.end() : follows.end() + 200])

    def _gap(self, start: int, end: int, base: int) -> Iterator[Element]:
        """What stands between two objects should be a comma."""
        if self._is_lost or end - start < 2:
            return
        stray = bytes(self._buffer[start:end]).strip(b" \t\r\n,")
        if stray and not (base and not stray.strip(b"]}") and self._is_all):
            self._number += 1
            self._is_piece = True
            yield Element(self._number, None, f"neither an object nor a list: {stray[:40]!r}")

    def _after_list(self, base: int) -> Iterator[Element]:
        """Behind the list there is nothing more to read, where it is the whole file."""
        if base == 1:
            rest = self._at
            while self._more() and not self._buffer[rest:].strip():
                pass
            if self._buffer[rest:].strip():
                self._number += 1
                yield Element(self._number, None, "something follows the end of the list")

    def _damaged(self, reason: str) -> Iterator[Element]:
        if not self._is_lost:
            self._number += 1
            yield Element(self._number, None, reason)
        self._is_lost = True

    def _resume(self, start: int) -> bool:
        """Go on at the next object behind `start` that begins like those of this file."""
        self._guess(start, self._at)
        begins = self._begins or _NEXT_OBJECT
        while True:
            found = begins.search(self._buffer, max(start - 1, 0))
            if found is not None:
                begin = found.start(1)
                del found
                del self._buffer[:begin]
                self._at = 0
                return True
            keep = min(len(self._buffer), 200)
            del self._buffer[: len(self._buffer) - keep]
            start = self._at = 0
            if not self._more():
                return False


def _beginning(data: bytes | bytearray) -> re.Pattern[bytes] | None:
    """Matches where an object begins as this one does; None where it has no key."""
    found = _FIRST_KEY.match(data)
    if found is None:
        return None
    name = re.escape(found[1].partition(b":")[0].rstrip())
    return re.compile(rb"[\s,\[}](\{\s*" + name + rb"\s*:)")
