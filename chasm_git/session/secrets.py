"""Finding credentials in bytes: session files as they are written, attachments, any text. Never shows what it found.

A finding says which rule, where, and a *fingerprint*: 32 bits of a hash of the credential, the same wherever and
however it is written, on every machine. What a service made at random (80 bits and more) nobody finds by trying all
there are, so its fingerprint may be read by everybody. What a person thought up (the password in a URL, whatever a
person's own pattern is for) can be guessed, and a hash would tell who guesses that he is right, whatever key it had
that all machines of an archive share. So its mask is made of nothing but the name of its rule.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from operator import methodcaller
from typing import NamedTuple

from chasm_git.session.secret_patterns import Pattern
from chasm_git.session.secret_rules import LONGEST_BEFORE, LONGEST_OPENING, PLACES, RAREST, RULES, Rule, pem_body

FINGERPRINT = re.compile(r"[0-9a-f]{8}")
MASK = re.compile(rb"\[secret:[a-z0-9-]{1,40}(?::[0-9a-f]{8})?\]")
"""What stands in the place of a credential that was masked."""

_PEM_PREFIX = 256
"""So much of a key's base64 tells it from others: a key that was cut off has the fingerprint of the whole one."""
_START_OF = methodcaller("start")
_REACH = 48_000
"""Bytes behind a mark that a match may take."""
_LONGEST_ESCAPE = 6
"""Characters of an escape before a token that look like ones of it: ``u003d``."""
_HEADER_IDS = re.compile(rb"^(?:id|provider|parent|forked_from|created_at): [^\n]*", re.MULTILINE)
_MESSAGE_IDS = re.compile(rb"^(?:- id|  after): [^\n]*", re.MULTILINE)


class Finding(NamedTuple):
    """A credential: bytes `start` to `end` of what was scanned."""

    rule: str
    start: int
    end: int
    fingerprint: str
    is_bound: bool = False
    """Known by what stands beside it: see `secret_rules.Rule`."""
    is_chosen: bool = False
    """A person may have thought it up: so too."""

    @property
    def mask(self) -> str:
        """What is written in its place."""
        return f"[secret:{self.rule}]" if self.is_chosen else f"[secret:{self.rule}:{self.fingerprint}]"

    @property
    def decision(self) -> str:
        """What stands in the settings for one that is to be masked; it tells as little as the mask."""
        return self.rule if self.is_chosen else self.fingerprint


class Scanner:
    """Finds credentials.

    Args:
        key: for fingerprints; every machine uses the same.
        patterns: the user's own, besides the built-in rules.
        skip: names of built-in rules that are off.
    """

    def __init__(self, key: bytes = b"chasm", *, patterns: Sequence[Pattern] = (), skip: Collection[str] = ()) -> None:
        self.key = key
        self.patterns = tuple(patterns)
        self.skip = frozenset(skip)

    def __reduce__(self) -> tuple[object, ...]:
        return _scanner, (self.key, self.patterns, self.skip)

    def scan(self, data: bytes) -> list[Finding]:
        """The credentials in any bytes, in order, none inside another. Raises secret_patterns.TooSlow."""
        found: list[tuple[int, int, int, str, bool]] = []
        for family in _families(self.skip):
            found += family.find(data)
        for number, pattern in enumerate(self.patterns, -len(self.patterns)):
            found += [(start, end, number, pattern.name, False) for start, end in pattern.find(data)]
        if not found:
            return []
        return [
            Finding(name, start, end, self.fingerprint(data[start:end]), bound, number < 0 or RULES[number].is_chosen)
            for start, end, number, name, bound in _apart(sorted(found))
            if not _in_mask(data, start, end)
        ]

    def scan_session(self, data: bytes) -> list[Finding]:
        """The credentials in a session file: message by message, so that each one's do not depend on its neighbours.

        Ids are left alone: they name records, and the archive finds sessions and messages by them.
        Raises secret_patterns.TooSlow.
        """
        found = []
        done = 0
        for first in self.scan(data):
            if first.start < done:
                continue
            start, done = _unit(data, first.start)
            ids = [line.span() for line in (_HEADER_IDS if start == 0 else _MESSAGE_IDS).finditer(data, start, done)]
            for one in self.scan(data[start:done]):
                moved = one._replace(start=one.start + start, end=one.end + start)
                if not any(begin < moved.end and moved.start < end for begin, end in ids):
                    found.append(moved)
        return found

    def fingerprint(self, secret: bytes) -> str:
        """Eight hexadecimal digits that stand for a credential; escapes and line breaks make no difference."""
        return hmac.digest(self.key, _normal(secret), "sha256").hex()[:8]


def _scanner(key: bytes, patterns: tuple[Pattern, ...], skip: frozenset[str]) -> Scanner:
    return Scanner(key, patterns=patterns, skip=skip)


class _Family:
    """The rules of one mark, and the search for the places where it is worth trying them."""

    def __init__(self, mark: bytes, rules: list[tuple[int, Rule]]) -> None:
        self._mark = mark
        self._width = len(mark)
        self._tokens: dict[bytes, list[tuple[int, Rule, re.Pattern[bytes]]]] = {}
        self._others: list[tuple[int, Rule, re.Pattern[bytes]]] = []
        for number, rule in rules:
            entry = number, rule, re.compile(rule.pattern)
            if not rule.tails:
                self._others.append(entry)
            for tail in rule.tails:
                self._tokens.setdefault(tail, []).append(entry)
        near = b"|".join(dict.fromkeys(rule.near for _, rule, _ in self._others))
        self._near = re.compile(near) if near else None
        places = PLACES.get(mark, re.escape(mark) + b"(?:" + near + b")")
        for number in (0, 1):
            before = re.escape(bytes({tail[number] for tail in self._tokens}))
            places = places.replace(b"%s", b"[" + before + b"]", 1)
        self._places = re.compile(places)
        self._rarest = RAREST.get(mark)

    def find(self, data: bytes) -> Iterator[tuple[int, int, int, str, bool]]:
        """Start, end, precedence, name, and whether it is bound, of everything that matches."""
        tokens, width = self._tokens, self._width
        near = self._near.match if self._near is not None else None
        none: list[tuple[int, Rule, re.Pattern[bytes]]] = []
        starts = map(_START_OF, self._places.finditer(data)) if self._rarest is None else self._by_byte(data)
        for at in starts:
            rules = tokens.get(data[at - 2 : at], none)
            if near is not None and near(data, at + width):
                rules = rules + self._others
            for number, rule, pattern in rules:
                if span := _match(pattern, rule, data, at):
                    yield *span, number, rule.name, rule.is_bound

    def _by_byte(self, data: bytes) -> Iterator[int]:
        """Where the mark is, found by its rarest byte."""
        mark, offset = self._mark, self._rarest or 0
        byte = mark[offset : offset + 1]
        found = data.find(byte, offset)
        while found >= 0:
            if data.startswith(mark, found - offset):
                yield found - offset
            found = data.find(byte, found + 1)


@cache
def _families(skip: frozenset[str]) -> tuple[_Family, ...]:
    by_mark: dict[bytes, list[tuple[int, Rule]]] = {}
    for number, rule in enumerate(RULES):
        if rule.name not in skip:
            by_mark.setdefault(rule.mark, []).append((number, rule))
    return tuple(_Family(mark, rules) for mark, rules in by_mark.items())


def _match(pattern: re.Pattern[bytes], rule: Rule, data: bytes, at: int) -> tuple[int, int] | None:
    """Where the credential is that has the mark at `at`, if there is one."""
    start = at - rule.lead
    tries = 1
    if rule.opening:
        start = data.rfind(rule.opening, max(at - LONGEST_OPENING, 0), at)
    if rule.before:
        start = max(at - LONGEST_BEFORE, 0)
        start += len(data[start:at].rstrip(rule.before))
        tries = _LONGEST_ESCAPE
    if start < 0:
        return None
    match = None
    while match is None and tries:
        match = pattern.match(data, start, at + _REACH)
        start += 1
        tries -= 1
    if match is None or not rule.check(match[1], match[0]):
        return None
    return match.span(1)


_Found = tuple[int, int, int, str, bool]


def _apart(found: list[_Found]) -> list[_Found]:
    """Those that do not overlap: of two that do the longer one, else the one of the rule that comes first."""
    kept: list[_Found] = []
    group: list[_Found] = []
    reach = 0
    for one in [*found, None]:
        if one is None or one[0] >= reach:
            taken: list[_Found] = []
            for rival in sorted(group, key=lambda one: (one[0] - one[1], one[2])):
                if all(rival[1] <= other[0] or other[1] <= rival[0] for other in taken):
                    taken.append(rival)
            kept += sorted(taken)
            group = []
        if one is not None:
            group.append(one)
            reach = max(reach, one[1])
    return kept


def _unit(data: bytes, at: int) -> tuple[int, int]:
    """Start and end of the header or the message that `at` is in."""
    start = data.rfind(b"\n- ", 0, at) + 1
    end = data.find(b"\n- ", max(start, at))
    return start, end + 1 if end >= 0 else len(data)


def _in_mask(data: bytes, start: int, end: int) -> bool:
    return any(mask.start() < end and start < mask.end() for mask in MASK.finditer(data, max(start - 64, 0), end + 64))


def _normal(secret: bytes) -> bytes:
    if secret.startswith(b"-----BEGIN"):
        return pem_body(secret)[:_PEM_PREFIX]
    return secret.replace(b"\\", b"")
