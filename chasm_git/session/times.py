"""Points in time as sessions write them: UTC, ISO 8601, milliseconds, ``Z``."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any

_CANONICAL = len("2025-01-31T23:59:59.999Z")
_UTC = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{3}\d*)?Z", re.ASCII)
_EPOCH = dt.datetime(1970, 1, 1)


def iso(value: Any) -> str | None:
    """A provider's time as UTC with milliseconds; None for what is no time.

    Takes ISO 8601 text (without zone = UTC) and numbers: seconds, milliseconds, microseconds or nanoseconds since
    1970, told apart by size (providers mix seconds and milliseconds in one store).
    """
    if type(value) is str:
        try:
            moment = dt.datetime.fromisoformat(value)
            if _UTC.fullmatch(value):
                return value if len(value) == _CANONICAL else f"{value[:19]}{value[19:23] if value[20:] else '.000'}Z"
            if (offset := moment.utcoffset()) is not None:
                moment = moment.replace(tzinfo=None) - offset
            return moment.isoformat(timespec="milliseconds") + "Z"
        except (ValueError, OverflowError):  # the latter: a zone that leads out of the years there are
            return None
    if type(value) in (int, float) and value > 0:
        try:
            milliseconds = float(value)
            for limit, factor in ((1e11, 1000.0), (1e14, 1.0), (1e17, 1e-3)):
                if milliseconds < limit:
                    milliseconds *= factor
                    break
            else:
                milliseconds *= 1e-6
            minutes, rest = divmod(round(milliseconds), 60_000)
            return f"{_minute(minutes)}:{rest // 1000:02}.{rest % 1000:03}Z"
        except OverflowError:
            return None
    return None


@lru_cache(maxsize=64)
def _minute(since: int) -> str:
    """The minute so many after 1970 began: what is read together was written together."""
    return (_EPOCH + dt.timedelta(minutes=since)).isoformat(timespec="minutes")


_AGO = re.compile(r"(\d{1,6})\s*(h|d|w|m|y)")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24}


def moment(text: str, now: dt.datetime) -> str | None:
    """The moment a person means, as sessions write it; None where it says none.

    A date or time (local where it names no zone), an age (``12h``, ``7d``, ``2w``), ``today``, ``yesterday``. An age
    beyond all calendars is ``""``, which is before everything.
    """
    words = text.strip().lower()
    try:
        if ago := _AGO.fullmatch(words):
            try:
                found = now - dt.timedelta(hours=int(ago[1]) * _HOURS[ago[2]])
            except OverflowError:
                return ""
        elif words in ("today", "yesterday"):
            today = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
            found = today - dt.timedelta(days=words == "yesterday")
        else:
            found = dt.datetime.fromisoformat(text.strip()).astimezone()
        return found.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    except (ValueError, OverflowError):
        return None
