"""What is different between two versions of a session: which messages, and which words of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Literal

import orjson

from chasm_git.outputs.export.markup import difference as line_difference
from chasm_git.outputs.export.markup import plain
from chasm_git.outputs.web.texts import blocks_of

Kind = Literal["added", "changed", "removed", "same"]

_WORD = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_MOST_WORDS = 3000
"""Words of both texts, without what they begin and end with alike; longer ones are compared by lines."""
_LONGEST_SAME = 400
_KEPT = 120
"""Characters that are left at both ends of a longer part that is the same."""
_FIELDS = ("title", "workspace", "provider", "created_at", "parent", "forked_from", "tags", "git", "notes")


@dataclass(slots=True)
class Change:
    """A message, and what became of it."""

    kind: Kind
    number: int
    """Its place, from 1, in the new version; of a removed one in the old."""
    message: dict[str, Any]
    blocks: list[tuple[str, str, str]] = field(default_factory=list)
    """Of a changed one: what each piece is, as it was, as it is."""


def difference(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[Change]:
    """Every message of both in the order of the new one, removed ones behind the one they stood behind.

    Args:
        old, new: messages of the universal form.
    """
    before = {message["id"]: message for message in old}
    there = {message["id"] for message in new}
    gone: dict[str | None, list[Change]] = {}
    above: str | None = None
    for number, message in enumerate(old, 1):
        if message["id"] in there:
            above = message["id"]
        else:
            gone.setdefault(above, []).append(Change("removed", number, message))
    found = gone.get(None, [])
    for number, message in enumerate(new, 1):
        earlier = before.get(message["id"])
        if earlier is None:
            found.append(Change("added", number, message))
        elif earlier == message:
            found.append(Change("same", number, message))
        else:
            found.append(Change("changed", number, message, list(_paired(earlier, message))))
        found += gone.get(message["id"], [])
    return found


def _paired(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The pieces of two messages side by side: the first of a kind with the first of that kind."""
    before, after = _by_label(old), _by_label(new)
    for label in dict.fromkeys([*after, *before]):
        for one, other in zip_longest(before.get(label, ()), after.get(label, ()), fillvalue=""):
            yield label, one, other
    for name in ("role", "timestamp", "model", "status"):
        if old.get(name) != new.get(name):
            yield name, str(old.get(name) or ""), str(new.get(name) or "")


def _by_label(message: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label, text in blocks_of(message):
        found.setdefault(label, []).append(text)
    return found


def fields(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What is different of the sessions themselves: name, as it was, as it is."""
    for name in _FIELDS:
        before, after = _said(old.get(name)), _said(new.get(name))
        if before != after:
            yield name.replace("_", " "), before, after


def _said(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if value is None or isinstance(value, str):
        return value or ""
    return orjson.dumps(value, default=str).decode()


def words(old: str, new: str) -> str:
    """Two texts as one, as HTML: what went is ``del``, what came is ``ins``."""
    start, end = _alike(old, new)
    middle = _WORD.findall(old[start : len(old) - end]), _WORD.findall(new[start : len(new) - end])
    if len(middle[0]) + len(middle[1]) > _MOST_WORDS:
        return line_difference(old, new)
    made = [_same(new[:start])]
    from difflib import SequenceMatcher

    for how, left, right, first, last in SequenceMatcher(None, *middle, autojunk=False).get_opcodes():
        if how == "equal":
            made.append(_same("".join(middle[0][left:right])))
            continue
        if right > left:
            made.append(f"<del>{plain(''.join(middle[0][left:right]))}</del>")
        if last > first:
            made.append(f"<ins>{plain(''.join(middle[1][first:last]))}</ins>")
    made.append(_same(new[len(new) - end :] if end else ""))
    return f"<div class=words dir=auto>{''.join(made)}</div>"


def _alike(old: str, new: str) -> tuple[int, int]:
    """How many characters two texts begin and end with alike, in whole words."""
    most = min(len(old), len(new))
    start = _common(old, new, most)
    while 0 < start < most and old[start - 1].isalnum():
        start -= 1
    end = _common(old[::-1], new[::-1], most - start)
    while end and old[len(old) - end].isalnum():
        end -= 1
    return start, end


def _common(one: str, other: str, most: int) -> int:
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _same(text: str) -> str:
    if len(text) <= _LONGEST_SAME:
        return plain(text)
    left_out = len(text) - 2 * _KEPT
    return f"{plain(text[:_KEPT])}<i class=gap>… {left_out:,} characters the same …</i>{plain(text[-_KEPT:])}"
