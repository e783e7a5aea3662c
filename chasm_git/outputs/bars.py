"""Numbers drawn with block characters."""

from __future__ import annotations

from collections.abc import Sequence

_UP = "▁▂▃▄▅▆▇█"
_ALONG = " ▏▎▍▌▋▊▉"


def sparkline(values: Sequence[int]) -> str:
    """One character a value; the largest is a full block, nothing is a blank."""
    largest = max(values, default=0)
    return "".join(_UP[max(0, -(-value * len(_UP) // largest) - 1)] if value else " " for value in values)


def bar(value: int, largest: int, width: int) -> str:
    """A bar as long as the value's share of the largest, in eighths of a character; something is never nothing."""
    if value <= 0 or largest <= 0:
        return ""
    eighths = max(1, round(value / largest * width * 8))
    return "█" * (eighths // 8) + _ALONG[eighths % 8].strip()


def short(number: int) -> str:
    """A number of at most five characters: 999, 12.3k, 4.56M."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            scaled = number / size
            return f"{scaled:.{max(0, 2 - len(str(int(scaled))) + 1)}f}{unit}"
    return str(number)


def counted(number: int, what: str) -> str:
    """``1 session``, ``2,000 sessions``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
