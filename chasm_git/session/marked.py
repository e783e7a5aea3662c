"""A session file with the marks of a line merge in it: the versions it was made from, read back. Pure.

A clone without the merge driver lets git merge session files as text. What it could not merge stands between marks::

    <<<<<<< ours
    …
    ||||||| base        (with merge.conflictStyle diff3 or zdiff3 only)
    …
    =======
    …
    >>>>>>> theirs

Lines outside the marks belong to every version. Text within a session file is indented, so a line that begins with one
of these marks is git's.
"""

from __future__ import annotations

from typing import NamedTuple

from chasm_git.session.codec import CodecError

_OURS, _BASE, _THEIRS, _END = b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>"
_SIZE = len(_OURS)


class Sides(NamedTuple):
    """The versions of a file that holds marks."""

    base: bytes | None
    """None where the marks do not tell it."""
    ours: bytes
    theirs: bytes


def has_marks(data: bytes) -> bool:
    """Whether a file holds a mark a line merge begins with."""
    return data.startswith(_OURS) or b"\n" + _OURS in data


def sides(data: bytes) -> Sides | None:
    """The versions that a file with marks was made from; None for a file without marks.

    Raises CodecError, with the line, for marks that do not fit each other: then nobody can tell what belongs where.
    """
    if not has_marks(data):
        return None
    reading = _Reading()
    for number, line in enumerate(_lines(data), 1):
        reading.take(line, number)
    return reading.done()


def merged(data: bytes) -> bytes | None:
    """A file with marks merged by messages; None for a file without marks.

    Raises CodecError where marks do not fit each other or a version cannot be read.
    """
    from chasm_git.session.merge import merge

    found = sides(data)
    return None if found is None else merge(*found).data


def _lines(data: bytes) -> list[bytes]:
    """Lines that end in a line feed alone, as git counts them."""
    return [line + b"\n" for line in data[:-1].split(b"\n")] if data.endswith(b"\n") else data.split(b"\n")


class _Reading:
    """Puts each line where it belongs."""

    def __init__(self) -> None:
        self._made: dict[bytes, list[bytes]] = {_OURS: [], _BASE: [], _THEIRS: []}
        self._within: bytes | None = None
        self._opened = 0
        self._with_base: set[bool] = set()
        self._has_base = False

    def take(self, line: bytes, number: int) -> None:
        """One line of the file."""
        mark = self._mark(line)
        if mark is None:
            for name in (_OURS, _BASE, _THEIRS) if self._within is None else (self._within,):
                self._made[name].append(line)
        elif mark == _OURS and self._within is None:
            self._within, self._opened, self._has_base = _OURS, number, False
        elif mark == _BASE and self._within == _OURS:
            self._within, self._has_base = _BASE, True
        elif mark == _THEIRS and self._within in (_OURS, _BASE):
            self._within = _THEIRS
        elif mark == _END and self._within == _THEIRS:
            self._within = None
            self._with_base.add(self._has_base)
        else:
            raise CodecError(f"a conflict mark in the wrong place: {mark.decode()}", number)

    def done(self) -> Sides:
        """The versions."""
        if self._within is not None:
            raise CodecError("a conflict mark without its end", self._opened)
        ours, base, theirs = (b"".join(self._made[name]) for name in (_OURS, _BASE, _THEIRS))
        return Sides(base if self._with_base == {True} else None, ours, theirs)

    def _mark(self, line: bytes) -> bytes | None:
        """Which mark a line is: seven signs, and a blank with a label behind them."""
        mark = line[:_SIZE]
        if mark not in (_OURS, _BASE, _THEIRS, _END):
            return None
        rest = line[_SIZE:].rstrip(b"\r\n")
        return mark if not rest or rest.startswith(b" ") else None
