"""A person's own patterns for credentials: regular expressions from a settings file, made safe to run on any text.

Python's expressions backtrack: a careless one (``(a+)+b``) takes longer than the universe on a short text, and nothing
can stop it from outside. So an expression is judged before it is used, by the number of ways it could be tried from one
place (`ways`) within `WINDOW` bytes; and it is tried on a few places at a time, with a look at the clock.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

WINDOW = 1024
"""Bytes that are looked at from one place; ``+`` and ``*`` count as so many repeats."""
MOST_WAYS = 5000
_STEP = 4096
"""Places that are tried between two looks at the clock (a fraction of a second at worst)."""
_LONGEST = 16 * WINDOW
"""Bytes a match may have."""
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_CUT = re.compile(rb"[\"\\\x00-\x1f]")
"""Where a credential ends at the latest: texts stand in session files as JSON or line by line."""


class BadPattern(ValueError):
    """An expression that is none, or that could take too long; ``str(error)`` says how to mend it."""


class TooSlow(Exception):
    """A pattern took more time than it may; what it was to find in this file is not known."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the pattern {name} takes too long; give it a fixed beginning, or fewer repeats")
        self.name = name


class Pattern:
    """One pattern.

    Args:
        name: as it stands in masks: small letters, digits, dashes.
        expression: as Python's `re` has them, ASCII; a group in it is the credential, else the whole match is. A
            credential ends at a quote, a backslash or a line's end.

    Raises BadPattern.
    """

    def __init__(self, name: str, expression: str) -> None:
        self.name = name
        self.expression = expression
        if _NAME.fullmatch(name) is None:
            raise BadPattern(f"{name!r} is no name for a pattern: small letters, digits and dashes, 40 at most")
        try:
            self._compiled = re.compile(expression.encode("ascii"))
        except UnicodeEncodeError:
            raise BadPattern(f"the pattern {name} has characters that are not ASCII") from None
        except (re.error, OverflowError, RecursionError) as error:
            raise BadPattern(f"the pattern {name} is no regular expression: {error}") from None
        if self._compiled.groups > 1:
            raise BadPattern(f"the pattern {name} has several groups; write (?:…) for all but the credential's")
        if self._compiled.match(b"") is not None:
            raise BadPattern(f"the pattern {name} matches nothing at all, so it would match everywhere")
        if ways(expression) > MOST_WAYS:
            raise BadPattern(
                f"the pattern {name} could take too long: bound its repeats ({{1,40}} for +, {{0,3}} for *), "
                "and repeat no group that repeats"
            )

    def __reduce__(self) -> tuple[object, ...]:
        return Pattern, (self.name, self.expression)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and (self.name, self.expression) == (other.name, other.expression)

    def __hash__(self) -> int:
        return hash((self.name, self.expression))

    def find(self, data: bytes, seconds: float | None = None) -> Iterator[tuple[int, int]]:
        """Start and end of every credential. Raises TooSlow.

        Args:
            seconds: how long it may take; by default a second, and one more for every 4 MB.
        """
        deadline = time.monotonic() + (seconds if seconds is not None else 1 + len(data) / 4e6)
        at = 0
        while at < len(data):
            stop = min(at + _STEP, len(data))
            match = self._compiled.search(data, at, stop + WINDOW)
            if match is None or match.start() >= stop:
                at = stop
            else:
                # it may have been cut off at the end of what was looked at
                match = self._compiled.match(data, match.start(), match.start() + _LONGEST) or match
                at = max(match.end(), match.start() + 1)
                start, end = match.span(self._compiled.groups)
                cut = _CUT.search(data, start, end) if start >= 0 else None
                end = cut.start() if cut is not None else end
                if start < end:
                    yield start, end
            if time.monotonic() > deadline:
                raise TooSlow(self.name)


def ways(expression: str) -> float:
    """In how many ways, at most, an expression can be tried from one place of a text."""
    parser: Any = import_module("re._parser")  # the only place that knows what an expression means
    try:
        return _ways(parser.parse(expression.encode("ascii")))
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise BadPattern(f"the expression cannot be judged: {error}") from None


def _ways(items: Any) -> float:
    product = 1.0
    for operation, argument in items:
        product *= _ways_of(str(operation), argument)
        if product > MOST_WAYS:
            return float("inf")
    return product


def _ways_of(operation: str, argument: Any) -> float:
    if operation in ("LITERAL", "NOT_LITERAL", "IN", "ANY", "AT", "CATEGORY", "RANGE"):
        return 1
    if operation == "SUBPATTERN":
        return _ways(argument[-1])
    if operation in ("ASSERT", "ASSERT_NOT"):
        return _ways(argument[1])
    if operation == "ATOMIC_GROUP":
        return _ways(argument)
    if operation == "BRANCH":
        return sum(map(_ways, argument[1]))
    if operation in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return _ways_to_repeat(*argument)
    raise BadPattern(f"{operation.lower()} has no place in a pattern for credentials (no references, no conditions)")


def _ways_to_repeat(least: Any, most: Any, items: Any) -> float:
    least, most = min(int(least), WINDOW), min(int(most), WINDOW)
    inner = _ways(items)
    if inner == 1 and len(items) == 1:
        return float(most - least + 1)
    # every round in every way: a sum of powers
    total = 0.0
    for times in range(least, most + 1):
        total += max(inner, 2.0 if most > 8 else inner) ** min(times, 64)
        if total > MOST_WAYS:
            return float("inf")
    return total
