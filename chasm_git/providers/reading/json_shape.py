"""What kind of JSON a file holds, from its first bytes: enough to tell whose export it is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

SAMPLE = 256 * 1024
"""Bytes that are looked at."""

_TOKEN = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*:)?|[\[\]{}]', re.DOTALL)


class Shape(NamedTuple):
    """The keys of a file, as far as a sample goes."""

    is_list: bool
    top: frozenset[str]
    """Keys of the object, or of the objects in the list."""
    all: frozenset[str]
    """Keys at any depth."""


_NOTHING = Shape(False, frozenset(), frozenset())


def is_json(sample: bytes) -> bool:
    """Whether a file begins like an object or a list."""
    return sample.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


@lru_cache(maxsize=2)
def shape_of(sample: bytes) -> Shape:
    """The shape of what begins with `sample`; one without keys for what is no JSON."""
    if not is_json(sample):
        return _NOTHING
    data = sample.removeprefix(b"\xef\xbb\xbf").lstrip()
    is_list = data[:1] == b"["
    wanted = 2 if is_list else 1
    top: set[str] = set()
    every: set[str] = set()
    depth = 0
    for found in _TOKEN.finditer(data):
        token = found[0]
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
        elif found[2] is not None:
            key = found[1].decode("utf-8", "replace")
            every.add(key)
            if depth == wanted:
                top.add(key)
    return Shape(is_list, frozenset(top), frozenset(every))
