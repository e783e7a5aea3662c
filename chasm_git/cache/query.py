"""What a person looks for, from what was typed. Pure; nothing that can be typed is an error.

::

    login redirect        sessions that hold both words
    "login redirect"      the words in this order
    redir*                words that begin so
    -draft                sessions without the word (also -"a phrase", -tool:Bash)
    foo_bar->baz()        anything with punctuation inside is looked up as it is written
    role:user tool:Bash since:7d until:2026-01-31      look only into these messages
    provider:codex workspace:shop file:app.py model:opus tag:auth has:error      only these sessions

Case, diacritics and runs of blanks make no difference. A field with a value that makes no sense is text like any other.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Literal

from chasm_git.cache.text import BETWEEN, NOT_AFTER, NOT_BEFORE, PIECE, Run, fold, pairs, runs
from chasm_git.session.times import moment

_ITEM = re.compile(r'\s*(-(?=[^\s\-+*<>=&|!?.,;:()]))?(?:([a-z]+):)?(?:"([^"]*)(?:"|$)(\*)?|(\S+))', re.IGNORECASE)
_MESSAGE_FIELDS = ("role", "tool", "since", "until")
_SESSION_FIELDS = ("provider", "workspace", "file", "model", "tag", "has")
FIELDS = (*_MESSAGE_FIELDS, *_SESSION_FIELDS)
ROLES = ("user", "assistant", "system", "tool", "event")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SENTENCE_END = ".,;:!?…。、，！？"
_MOST = 64
"""Items of one query that are looked at."""
_LONGEST = 4000

Needed = tuple[Literal["exact", "prefix", "suffix", "inside"], str]
"""A term of the index that a match must have: the term itself, or what it begins with, ends with, or holds."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for in a text."""

    needed: tuple[Needed, ...]
    """What a text must have in the index; where that is nothing, only reading texts can tell."""
    pattern: str
    """Regular expression that finds it in folded text."""
    inside: str
    """The same without the edges of words, which finds it (and more) several times as fast."""
    anchor: str
    """What every match begins with."""
    certain: bool
    """Whether a text that has all that is `needed` matches."""


@dataclass(slots=True)
class Query:
    """A query, taken apart."""

    wanted: list[Term] = field(default_factory=list)
    unwanted: list[Term] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)
    """Field -> values; of several of one field any will do (of ``tag`` and ``has`` all). Folded, times as stored."""
    not_fields: dict[str, list[str]] = field(default_factory=dict)

    def looks_into_messages(self) -> bool:
        """Whether only some messages of a session count."""
        return any(name in self.fields or name in self.not_fields for name in _MESSAGE_FIELDS)

    def require(self, name: str, values: list[str]) -> None:
        """Ask for a field besides what was typed, as it would be typed (times as stored).

        What was typed about the same field is replaced, but for those of which all count.
        """
        folded = values if name in ("since", "until") else [fold(value) for value in values]
        together = name in ("tag", "has", "since", "until")
        self.fields[name] = [*(self.fields.get(name, []) if together else []), *folded]


def parse(text: str, now: dt.datetime | None = None) -> Query:
    """What was typed, taken apart.

    Args:
        now: what ``since:7d`` counts from.
    """
    query = Query()
    for item in _typed(text):
        minus, name, quoted, star, bare = item.groups()
        value = bare if quoted is None else quoted
        if name is not None:
            known = _field(name.lower(), value, now or dt.datetime.now(dt.UTC))
            if known is not None:
                into = query.not_fields if minus else query.fields
                into.setdefault(name.lower(), []).append(known)
                continue
            value = f"{name}:{value}"
        term = phrase(value, prefix=bool(star)) if quoted is not None else word(value)
        into_terms = query.unwanted if minus else query.wanted
        if term is not None and term not in into_terms:
            into_terms.append(term)
    return query


def fields_in(text: str) -> list[tuple[str, str]]:
    """Name and value of everything typed like a field that is none, or whose value says nothing: text, to a search."""
    now = dt.datetime.now(dt.UTC)
    found = [(item[2].lower(), item[5] if item[3] is None else item[3]) for item in _typed(text) if item[2] is not None]
    return [(name, value) for name, value in found if _field(name, value, now) is None]


def _typed(text: str) -> Iterator[re.Match[str]]:
    return islice(_ITEM.finditer(text[:_LONGEST]), _MOST)


def word(text: str) -> Term | None:
    """The term of something typed without quotes; None where there is nothing in it."""
    if not text.strip("*"):
        return None  # anything
    if text.endswith("*"):
        stripped = fold(text.rstrip("*"))
        found = runs(stripped)
        if len(found) == 1 and found[0] == Run(stripped, "word", 0, len(stripped)):
            return _words(found, prefix=True)
        return substring(text.rstrip("*"))
    stripped = text.rstrip(_SENTENCE_END) or text
    folded = fold(stripped)
    found = runs(folded)
    if len(found) == 1 and found[0].kind == "word" and found[0].text == folded:
        return _words(found)
    return substring(stripped) if stripped.strip("-") or len(stripped) > 1 else None


def phrase(text: str, *, prefix: bool = False) -> Term | None:
    """The term of something in quotes: words in order; with punctuation inside a word, the text as it is."""
    folded = fold(text)
    found = runs(folded)
    plain = all(one.kind == "word" for one in found) and all(
        folded[one.end : two.start].isspace() for one, two in pairwise(found)
    )
    outside = folded[: found[0].start] + folded[found[-1].end :] if found else folded
    if found and plain and not outside.strip(_SENTENCE_END + " \t\n\r"):
        return _words(found, prefix=prefix)
    return substring(text)


def substring(text: str) -> Term | None:
    """The term of a text looked up as it is written, inside of words too; blanks stand for any blanks."""
    folded = fold(text).strip()
    if not folded:
        return None
    needed: list[Needed] = []
    for run in runs(folded):
        needed += _needed(run, open_left=run.start == 0, open_right=run.end == len(folded))
    pattern = r"\s+".join(map(re.escape, folded.split()))
    lone = len(folded) == 1 and bool(needed)
    return Term(tuple(needed), pattern, pattern, folded.split()[0], lone)


def _words(found: list[Run], *, prefix: bool = False) -> Term:
    needed: list[Needed] = []
    for number, run in enumerate(found):
        needed += _needed(run, open_left=False, open_right=prefix and number == len(found) - 1)
    inside = f"{BETWEEN}+".join(re.escape(run.text) for run in found)
    certain = len(found) == 1 and len(found[0].text) <= PIECE
    whole = NOT_BEFORE + inside + ("" if prefix else NOT_AFTER)
    return Term(tuple(needed), whole, inside, found[0].text, certain)


def _needed(run: Run, *, open_left: bool, open_right: bool) -> list[Needed]:
    """What the index must hold for a run; an open side may go on in the text."""
    if run.kind == "symbol":
        return [("exact", run.text)]
    if run.kind == "unspaced":
        return [("exact", pair) for pair in pairs(run.text)] if len(run.text) > 1 else [("prefix", run.text)]
    text = run.text
    if len(text) > PIECE:
        text, open_right = text[:PIECE], True
    if not open_left:
        return [("prefix" if open_right else "exact", text)]
    if len(text) < 3:  # the index of parts of words knows three characters and more
        return []
    return [("inside" if open_right else "suffix", text)]


def _field(name: str, value: str, now: dt.datetime) -> str | None:
    """The value of a field as it is compared; None where it is no field, or says nothing."""
    if not value.strip():
        return None
    folded = fold(value.strip())
    if name == "role":
        return folded if folded in ROLES else None
    if name == "has":
        return "error" if folded in ("error", "errors") else None
    if name in ("since", "until"):
        found = moment(value, now)
        if found and name == "until" and _DAY.fullmatch(value.strip()):
            return moment((dt.date.fromisoformat(value.strip()) + dt.timedelta(days=1)).isoformat(), now)
        return found
    return folded if name in _SESSION_FIELDS or name == "tool" else None
