"""What is left of a damaged file of JSON lines: every line that is whole, as it stands, in one pass.

A line that does not parse is looked at closely: NUL bytes, bad UTF-8 and odd characters are put right; documents that
were written one behind the other become lines; of a line that was begun twice the second one counts; a value that
somebody spread over several lines becomes one. A line that was torn is left out, and noted with its offset.
"""

from __future__ import annotations

import mmap
import re

from chasm_git.recovery.damage import Damage, Text
from chasm_git.recovery.json_document import Document
from chasm_git.session import jsonio

LONGEST_PARSED = 32 << 20
"""Bytes of a line that is parsed; a longer one is only looked through."""
_NOTHING = re.compile(rb"[ \t\r\n\x00]*+")
_FIRST_KEY = re.compile(rb'\{[ \t]*+"[^"\\\x00-\x1f]{1,100}"[ \t]*+:')
_TRIES = 4
"""Second beginnings that are tried in one line."""
_BOM = b"\xef\xbb\xbf"


class Lines:
    """Reads one file.

    Args:
        data: the file.
        text: where the lines go.
    """

    def __init__(self, data: mmap.mmap | bytes, text: Text, damage: Damage) -> None:
        self._data, self._text, self._damage = data, text, damage
        self._size = len(data)
        self._budget = 2 * self._size + (1 << 20)
        """Bytes that may be looked at again for values of several lines."""
        self.records = 0
        """Lines that were written."""

    def run(self) -> None:
        """Read all of it."""
        at = len(_BOM) if self._data[: len(_BOM)] == _BOM else 0
        kept = at
        while at < self._size:
            end = self._end_of_line(at)
            if self._is_whole(at, end):
                self.records += 1
                at = end + 1
                continue
            self._copy(kept, at)
            at = kept = self._odd_line(at, end)
        self._copy(kept, self._size)

    def _copy(self, start: int, end: int) -> None:
        """Write lines as they stand."""
        if end > start:
            self._text.copy(self._data, start, end)
            if self._data[end - 1] != 0x0A:
                self._text.put(b"\n")

    def _end_of_line(self, at: int) -> int:
        end = self._data.find(b"\n", at)
        return self._size if end < 0 else end

    def _is_whole(self, start: int, end: int) -> bool:
        """Whether a line is one value, or empty."""
        if end - start > LONGEST_PARSED:
            seen = Damage()
            document = Document(self._data, start, end, Text(None, seen), seen)
            behind = document.run(strict=True)
            return document.is_whole and not seen.places and not self._data[behind : min(end, behind + 9)].strip()
        line = self._data[start:end]
        if not line or line.isspace():
            return True
        try:
            value = jsonio.loads(line)
        except ValueError:
            return False
        # half of a number is a number: only what has an end of its own is whole where the file ends
        return end < self._size or type(value) in (dict, list)

    def _odd_line(self, start: int, end: int) -> int:
        """Save what can be saved of a line; returns where the next one begins."""
        at = start
        while at < end:
            begin = self._past(at, end)
            if begin > at and 0 in self._data[at : min(begin, at + 4096)]:
                self._damage.lose(at, begin, "NUL bytes")
            if begin >= end:
                break
            behind = self._value(begin, end) or self._begun_twice(begin, end)
            if behind is None and (behind := self._spread(begin, end)) is not None and behind > end:
                return self._past_line(behind)
            if behind is None:
                self._damage.lose(begin, end, "a line that is cut off" if end == self._size else "a damaged line")
                break
            if behind < end and at == start and self._past(behind, end) < end:
                self._damage.mend(behind, behind, "values one behind the other: a line each")
            at = behind
        return end + 1

    def _past(self, at: int, end: int) -> int:
        """The first byte that is something."""
        found = _NOTHING.match(self._data, at, end)
        return found.end() if found is not None else at

    def _past_line(self, at: int) -> int:
        """Behind the line that a value ended in; what else stands in it is looked at as a line."""
        end = self._end_of_line(at)
        return end + 1 if self._past(at, end) >= end else at

    def _value(self, start: int, end: int) -> int | None:
        """Write the value that begins here, if it is whole but for odd characters; returns the offset behind it."""
        seen = Damage()
        document = Document(self._data, start, end, Text(None, seen), seen)
        behind = document.run(strict=True)
        if not document.is_whole or document.cuts or self._data[start] not in b"{[":
            return None
        Document(self._data, start, behind, self._text, self._damage).run(one_line=True)
        self._text.put(b"\n")
        self.records += 1
        return behind

    def _begun_twice(self, start: int, end: int) -> int | None:
        """The same line written again behind a torn one."""
        found = _FIRST_KEY.match(self._data, start, end)
        if found is None:
            return None
        again = start
        for _ in range(_TRIES):
            again = self._data.find(found[0], again + 1, end)
            if again < 0:
                return None
            behind = self._value(again, end)
            if behind is not None:
                self._damage.lose(start, again, "a line that was begun twice: the first try")
                return behind
        return None

    def _spread(self, start: int, end: int) -> int | None:
        """A value over several lines, each of which is none: somebody formatted the file."""
        following = self._end_of_line(end + 1) if end < self._size else self._size
        if end >= self._size or (self._is_whole(end + 1, following) and self._data[end + 1 : end + 2] in (b"{", b"[")):
            return None
        if self._budget <= 0:
            return None
        limit = min(self._size, start + self._budget)
        seen = Damage()
        document = Document(self._data, start, limit, Text(None, seen), seen)
        behind = document.run(strict=True)
        self._budget -= max(document.reached, document.at if document.is_whole else 0) - start + 64
        if not document.is_whole or document.cuts or seen.lost or self._data[start] not in b"{[":
            return None
        Document(self._data, start, behind, self._text, self._damage).run(one_line=True)
        self._damage.mend(start, behind, "a value over several lines: now on one")
        self._text.put(b"\n")
        self.records += 1
        return behind
