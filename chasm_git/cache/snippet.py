"""A few words of a text around what matched in it."""

from __future__ import annotations

import re
from typing import NamedTuple

from chasm_git.cache.text import fold, original_offsets

_BEFORE, _LENGTH = 50, 180
_BLANKS = re.compile(r"\s+")


class Snippet(NamedTuple):
    """One line of text and what in it matched."""

    text: str
    marks: tuple[tuple[int, int], ...]
    """Start and end of each match, in characters of `text`."""


def snippet(text: str, spans: list[tuple[int, int]]) -> Snippet:
    """The surroundings of the first match.

    Args:
        spans: matches as offsets in the folded text.
    """
    spans = _in_original(text, sorted(span for span in spans if span[1] > span[0]))
    first = spans[0][0] if spans else 0
    start = max(0, first - _BEFORE)
    end = min(len(text), start + max(_LENGTH, _BEFORE + min(spans[0][1] - first, _LENGTH) + 40 if spans else 0))
    if start and (blank := _BLANKS.search(text, start, first)):
        start = blank.end()
    made = "…" if start else ""
    marks = []
    at = start
    for left, right in spans:
        if left < at or left >= end:
            continue
        made += _BLANKS.sub(" ", text[at:left])
        marked = _BLANKS.sub(" ", text[left : min(right, end)])
        marks.append((len(made), len(made) + len(marked)))
        made += marked
        at = min(right, end)
    made += _BLANKS.sub(" ", text[at:end])
    return Snippet(made + ("…" if end < len(text) else ""), tuple(marks))


def _in_original(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    if text.isascii() or not spans or all(len(fold(character)) == 1 for character in set(text)):
        return spans
    offsets = original_offsets(text)
    return [(offsets[min(left, len(offsets) - 1)], offsets[min(right, len(offsets) - 1)]) for left, right in spans]
