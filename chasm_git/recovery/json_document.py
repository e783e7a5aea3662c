"""What is left of one damaged JSON value, in one pass over its bytes: the text itself, cut and closed where it must be.

Whatever stands whole is copied as it stands. What does not fit is cut out back to the last whole value, and reading
goes on at the next place that looks like the ones before: an object that begins like the others of its list, a key of
the object that is open. Where the file ends too early, what is open is closed behind the last whole value.

Time is linear in the bytes, memory in the depth (at most `DEPTH`) and in nothing else.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chasm_git.recovery.damage import Damage, Text
from chasm_git.session.jsonio import DEPTH

_BODY = rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+'
_TOKEN = re.compile(
    rb"[ \t\r\n]*+(?:([\[{])|([\]}])|(,)|(:)|(\"" + _BODY + rb"\")"
    rb"|((?:-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null)(?=[ \t\r\n,\]}])))"
)
_OPEN, _CLOSE, _COMMA, _COLON, _STRING, _SCALAR = range(1, 7)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_TEXT = re.compile(_BODY)
_NULS = re.compile(rb"\x00++")
_NULS_AND_SPACE = re.compile(rb"[ \t\r\n\x00]*+")
_GO_ON = re.compile(rb'([,{])[ \t\r\n]*+("[^"\\\x00-\x1f]{1,100}")[ \t\r\n]*+:')
_NEAR = 16
_BEHIND = b",:]}"
_MOST_BREAKS = 10_000
"""Odd characters in one string; one with more is taken for no string."""
_CLOSES = {ord("{"): b"}", ord("["): b"]"}
_OPENS = {ord("}"): ord("{"), ord("]"): ord("[")}
_ARRAY = ord("[")

# What may come next.
_VALUE, _VALUE_OR_END, _KEY, _KEY_OR_END, _COLON_NEXT, _COMMA_OR_END = range(6)


class _Point(NamedTuple):
    """A place in the text that is made, to which it can be cut back."""

    pieces: int
    """How many pieces there are before it."""
    segment: int
    """Where the range that is copied began."""
    at: int
    """Offset in the source."""
    depth: int
    """Containers that are open there."""


@dataclass(slots=True)
class _Level:
    """A container that is open."""

    kind: int
    opened: _Point
    filled: bool = False
    first_key: bytes | None = None
    """Of a list: the key its first object began with."""


class Document:
    """Reads one value.

    Args:
        data: where it stands.
        start: offset of its first byte.
        limit: offset behind the last byte it may have.
    """

    def __init__(self, data: mmap.mmap | bytes, start: int, limit: int, text: Text, damage: Damage) -> None:
        self._data, self._limit = data, limit
        self._text, self._damage = text, damage
        self._pieces: list[tuple[int, int] | bytes] = []
        self._flushed = 0
        self._segment = start
        self._levels: list[_Level] = []
        self._safe = _Point(0, start, start, 0)
        self._next = _VALUE
        self.at = start
        self.cuts = 0
        """How many times something was cut out."""
        self.first_fault = -1
        """Offset of the first of them."""
        self.reached = start
        """Offset of the last fault."""
        self.is_whole = False
        """The value has its own end."""
        self.is_torn = False
        """The file ends within the value."""

    def run(self, *, one_line: bool = False, strict: bool = False) -> int:
        """Read to the end of the value; returns the offset behind it.

        Args:
            one_line: as `Text.copy`.
            strict: give up at the first fault that would cost anything but odd characters; `reached` is where.
        """
        while not self.is_whole:
            token = _TOKEN.match(self._data, self.at, self._limit)
            if token is not None:
                start = token.start(token.lastindex or 0)
                if self._take(token.lastindex or 0, start, token.end()):
                    self.at = token.end()
                    continue
            else:
                space = _SPACE.match(self._data, self.at, self._limit)
                start = space.end() if space is not None else self.at
                if start < self._limit and self._data[start] == 0x22 and self._odd_string(start):
                    continue
            self.reached = start
            if (strict and self._data[start : start + 1] != b"\0") or not self._go_on(start):
                break
            if len(self._pieces) > _MOST_BREAKS:
                self._flush(self._safe.pieces, one_line)
        if not self.is_whole:
            self._close_all()
        self._pieces.append((self._segment, self.at))
        self._flush(self._flushed + len(self._pieces), one_line)
        return self.at

    def _take(self, kind: int, start: int, end: int) -> bool:
        """Go on with a token; False where it does not fit."""
        expected = self._next
        if expected == _COMMA_OR_END:
            if kind == _COMMA:
                self._next = _VALUE if self._levels[-1].kind == _ARRAY else _KEY
                return True
            if kind == _CLOSE:
                return self._closed(start, end)
            is_array = self._levels[-1].kind == _ARRAY
            if kind != _STRING and not (is_array and kind in (_OPEN, _SCALAR)):
                return False
            self._damage.mend(start, start, "a comma was missing")
            self._break(start, start, b",")
            self._next = expected = _VALUE if is_array else _KEY
        if expected in (_VALUE, _VALUE_OR_END):
            if kind == _OPEN:
                return self._opened(start, end)
            if kind in (_STRING, _SCALAR):
                self._whole(end)
                return True
            return kind == _CLOSE and self._closed(start, end)
        if expected in (_KEY, _KEY_OR_END):
            if kind == _STRING:
                self._note_key(start, end)
                self._next = _COLON_NEXT
                return True
            return kind == _CLOSE and self._closed(start, end)
        if kind != _COLON:
            return False
        self._next = _VALUE
        return True

    def _opened(self, start: int, end: int) -> bool:
        if len(self._levels) >= DEPTH:
            return False
        kind = self._data[start]
        self._levels.append(_Level(kind, self._point(end, len(self._levels) + 1)))
        self._next = _VALUE_OR_END if kind == _ARRAY else _KEY_OR_END
        return True

    def _closed(self, start: int, end: int) -> bool:
        """Close the container that is open, which may lack its last value."""
        if not self._levels or self._levels[-1].kind != _OPENS[self._data[start]]:
            return False
        level = self._levels[-1]
        if self._next not in (_COMMA_OR_END, _VALUE_OR_END, _KEY_OR_END):
            if self._next != (_VALUE if level.kind == _ARRAY else _KEY):
                return False  # a key without its value
            if self._safe.at <= level.opened.at:
                return False
            self._damage.mend(self._safe.at, start, "a comma with nothing behind it")
            self._back_to(self._safe, start)
        self._levels.pop()
        self._whole(end)
        return True

    def _whole(self, end: int) -> None:
        """A value has come to its end."""
        if self._levels:
            self._levels[-1].filled = True
            self._next = _COMMA_OR_END
        else:
            self.is_whole = True
        self._safe = self._point(end, len(self._levels))

    def _note_key(self, start: int, end: int) -> None:
        if len(self._levels) > 1 and not self._levels[-1].filled:
            above = self._levels[-2]
            if above.kind == _ARRAY and above.first_key is None and end - start <= 102:
                above.first_key = self._data[start:end]

    def _point(self, at: int, depth: int) -> _Point:
        return _Point(self._flushed + len(self._pieces), self._segment, at, depth)

    def _break(self, end: int, resume: int, literal: bytes = b"") -> None:
        """Copy as far as `end`, then `literal`, and go on at `resume`."""
        if end > self._segment:
            self._pieces.append((self._segment, end))
        if literal:
            self._pieces.append(literal)
        self._segment = resume

    def _back_to(self, point: _Point, resume: int, literal: bytes = b"") -> None:
        """Cut the text back to a point and go on at `resume`, with `literal` between them."""
        del self._pieces[point.pieces - self._flushed :]
        self._segment = point.segment
        self._break(point.at, resume, literal)

    def _odd_string(self, start: int) -> bool:
        """A string with characters in it that JSON does not allow; False where it is none after all."""
        if self._next == _COMMA_OR_END:
            return False
        before, segment = self._flushed + len(self._pieces), self._segment
        noted: list[tuple[int, int, str]] = []
        at = start + 1
        for _ in range(_MOST_BREAKS):
            found = _TEXT.match(self._data, at, self._limit)
            at = found.end() if found is not None else at
            if at >= self._limit:
                break
            mark = self._data[at]
            if mark == 0x22:
                behind = _NULS_AND_SPACE.match(self._data, at + 1, self._limit)
                after = behind.end() if behind is not None else at + 1
                if after < self._limit and self._data[after] in _BEHIND and self._take(_STRING, start, at + 1):
                    for item in noted:
                        (self._damage.lose if "NUL" in item[2] else self._damage.mend)(*item)
                    self.at = at + 1
                    return True
                break
            at = self._put_right(at, mark, noted)
        del self._pieces[before - self._flushed :]
        self._segment = segment
        return False

    def _put_right(self, at: int, mark: int, noted: list[tuple[int, int, str]]) -> int:
        """Put one odd character of a string right; returns the offset behind it."""
        if mark == 0x5C:
            self._break(at, at, b"\\")
            noted.append((at, at + 1, "a backslash that escapes nothing"))
            return at + 1
        if mark:
            self._break(at, at + 1, b"\\u%04x" % mark)
            noted.append((at, at + 1, "a control character in a text: escaped"))
            return at + 1
        run = _NULS.match(self._data, at, self._limit)
        end = run.end() if run is not None else at + 1
        self._break(at, end)
        noted.append((at, end, "NUL bytes in a text"))
        return end

    def _go_on(self, fault: int) -> bool:
        """Find where to go on behind a fault; False where the file ends, or nothing is open."""
        if fault >= self._limit or not self._levels:
            return False
        if self._data[fault] == 0:
            run = _NULS.match(self._data, fault, self._limit)
            self._pass_over(fault, run.end() if run is not None else fault + 1, "NUL bytes")
            return True
        if self._mismatched(fault):
            return True
        member = len(self._levels) if self._levels[-1].kind != _ARRAY else None
        elements = self._elements()
        for found in _GO_ON.finditer(self._data, fault, self._limit):
            is_element = found[1] == b"{"
            depth = elements.get(found[2], elements.get(None)) if is_element else member
            if depth is not None:
                self.at = found.start() if is_element else found.start(2)
                self._cut(depth, self.at, "damaged")
                self._next = _VALUE if is_element else _KEY
                return True
        return False

    def _elements(self) -> dict[bytes | None, int]:
        """How many containers stay open where an object goes on that begins with this key; None = with any."""
        found: dict[bytes | None, int] = {}
        for depth in self._depths():
            level = self._levels[depth - 1]
            if level.kind == _ARRAY and depth < DEPTH and (level.first_key is not None or not level.filled):
                found.setdefault(level.first_key, depth)
        return found

    def _depths(self) -> Iterator[int]:
        """The depths that are looked at, from within: of many a few from either end."""
        count = len(self._levels)
        yield from range(count, max(count - _NEAR, 0), -1)
        yield from range(min(_NEAR, count - _NEAR), 0, -1)

    def _mismatched(self, fault: int) -> bool:
        """The end of a container further out: what is open within it is closed first."""
        opens = _OPENS.get(self._data[fault])
        if opens is None:
            return False
        for depth in self._depths():
            if self._levels[depth - 1].kind == opens:
                self._cut(depth, fault, "not closed", more=False)
                self._next, self.at = _COMMA_OR_END, fault
                return True
        self._pass_over(fault, fault + 1, "closes nothing")
        return True

    def _pass_over(self, start: int, end: int, reason: str) -> None:
        """Leave out bytes that stand between two tokens."""
        self._damage.lose(start, end, reason)
        self._break(start, end)
        self.at = end

    def _cut(self, depth: int, resume: int, reason: str, *, more: bool = True) -> None:
        """Cut back to the last whole value, close all but `depth` containers, go on at `resume`.

        Args:
            more: another value follows.
        """
        self.cuts += 1
        level = self._levels[depth - 1]
        point, closers = level.opened, b""
        if self._safe.at > level.opened.at:
            point = self._safe
            closers = b"".join(_CLOSES[one.kind] for one in reversed(self._levels[depth : point.depth]))
            level.filled = True
        if self.first_fault < 0:
            self.first_fault = point.at
        self._damage.lose(point.at, resume, reason)
        self._back_to(point, resume, closers)
        del self._levels[depth:]
        self._safe = self._point(resume, depth)
        if more and level.filled:
            self._break(resume, resume, b",")

    def _close_all(self) -> None:
        """The file ends within the value: close what is open behind the last whole one."""
        self.is_torn = True
        self.cuts += 1
        point = self._safe
        if self.first_fault < 0:
            self.first_fault = point.at
        closers = b"".join(_CLOSES[one.kind] for one in reversed(self._levels[: point.depth]))
        if closers:
            self._damage.mend(point.at, point.at, "cut off: closed behind the last whole value")
        self._damage.lose(point.at, self._limit, "cut off" if closers else "no value")
        self._back_to(point, self._limit, closers)
        self.at = self._limit

    def _flush(self, pieces: int, one_line: bool) -> None:
        """Write the first pieces, which nothing can cut back any more."""
        ready = self._pieces[: pieces - self._flushed]
        for piece in ready:
            if isinstance(piece, bytes):
                self._text.put(piece)
            else:
                self._text.copy(self._data, *piece, one_line=one_line)
        del self._pieces[: len(ready)]
        self._flushed += len(ready)
