"""Points in time as sessions write them: UTC, ISO 8601, milliseconds, ``Z``."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

_CANONICAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def iso(value: Any) -> str | None:
    """A provider's time as UTC with milliseconds; None for what is no time.

    Takes ISO 8601 text (without zone = UTC) and numbers: seconds, milliseconds, microseconds or nanoseconds since
    1970, told apart by size (providers mix seconds and milliseconds in one store).
    """
    if type(value) is str:
        if _CANONICAL.fullmatch(value):
            return value
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
        moment = moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return _written(moment)
    if type(value) in (int, float) and value > 0:
        milliseconds = float(value)
        for limit, factor in ((1e11, 1000.0), (1e14, 1.0), (1e17, 1e-3)):
            if milliseconds < limit:
                milliseconds *= factor
                break
        else:
            milliseconds *= 1e-6
        try:
            return _written(_EPOCH + dt.timedelta(milliseconds=round(milliseconds)))
        except OverflowError:
            return None
    return None


def _written(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
