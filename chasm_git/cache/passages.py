"""Texts cut into passages: pieces short enough to mean one thing, along paragraphs where there are any. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_GOOD, _LONGEST = 600, 1200
"""Characters from which a passage is long enough, and that none has more than."""
_PARAGRAPH = re.compile(r"\S(?:.|\n(?!\s*\n))*", re.MULTILINE)


def passages(text: str) -> Iterator[tuple[int, int]]:
    """Where the passages of a text begin and end. Short paragraphs are taken together; all that is said is in one."""
    start = end = 0
    for found in _PARAGRAPH.finditer(text):
        first, behind = found.span()
        if end and behind - start > _GOOD:
            yield start, end
            end = 0
        if not end:
            start = first
        end = behind
        while end - start > _LONGEST:
            cut = _cut(text, start)
            yield start, cut
            start = cut
    if end > start:
        yield start, end


def _cut(text: str, start: int) -> int:
    """Where a passage from `start` on ends: behind a word, if one ends near."""
    for blank in ("\n", " "):
        at = text.rfind(blank, start + _GOOD, start + _LONGEST)
        if at >= 0:
            return at + 1
    return start + _LONGEST
