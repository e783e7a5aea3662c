"""Counting what is in an archive: sessions, messages, tokens, tool calls, files; by whatever a person asks for.

Everything is read from the cache's tables; days are those of the person's clock, made of hours that were counted in UTC
(in a zone with half hours, what was said in the last half hour of a day may count for the next one).
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from chasm_git.cache.kept import KINDS, unpack
from chasm_git.cache.schema import row_of

By = Literal["provider", "model", "workspace", "day", "tool", "file"]
BY: tuple[By, ...] = get_args(By)

_FILE = KINDS.index("file")


@dataclass(frozen=True, slots=True)
class StatsRow:
    """A session, as far as it is needed to choose it."""

    number: int
    provider: str
    workspace: str | None
    updated_at: str | None
    tags: tuple[str, ...]


@dataclass(slots=True)
class StatsLine:
    """The counts of one group: of one provider, say."""

    name: str
    sessions: int = 0
    messages: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    errors: int = 0
    """Tool calls whose result was an error."""
    first: str | None = None
    last: str | None = None
    """Hours (UTC) of the first and the last message."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Stats:
    """What was counted."""

    total: StatsLine
    files: int = 0
    """Files that are named, in all sessions together."""
    lines: list[StatsLine] = field(default_factory=list)
    """The groups, the largest first; days in order."""
    days: dict[str, int] = field(default_factory=dict)
    """Day (local) -> messages, in order; days without any are left out."""


def stats(
    connection: sqlite3.Connection,
    by: By | None,
    *,
    since: str | None = None,
    chosen: Callable[[StatsRow], bool] = lambda row: True,
    zone: dt.tzinfo | None = None,
) -> Stats:
    """Count sessions, and what was said and done in them: see `stats_by`."""
    return stats_by(connection, (by,), since=since, chosen=chosen, zone=zone)[0]


def stats_by(
    connection: sqlite3.Connection,
    ways: Iterable[By | None],
    *,
    since: str | None = None,
    chosen: Callable[[StatsRow], bool] = lambda row: True,
    zone: dt.tzinfo | None = None,
) -> list[Stats]:
    """The same counts, grouped in several ways; everything is read once.

    Args:
        ways: what each of the results is grouped by; None = not at all.
        since: only messages from then on (as sessions write times), and sessions with such messages. Tool calls and
            files are those of the whole sessions: their times are not kept.
        chosen: which sessions count.
        zone: of the days; None = the machine's.

    Raises sqlite3.Error where the cache is damaged.
    """
    rows = {row.number: row for row in _rows(connection) if chosen(row)}
    if since is not None:
        rows = {number: row for number, row in rows.items() if (row.updated_at or "") >= since}
    countings = [_Counting(rows, by, zone) for by in ways]
    hour = since[:13] if since is not None else ""
    for session, at, model, *counts in connection.execute("SELECT * FROM activity ORDER BY session, hour"):
        if session in rows and at >= hour:
            for counting in countings:
                counting.activity(session, at, model, *counts)
    for session, tool, calls, errors in connection.execute("SELECT * FROM calls"):
        if session in rows:
            for counting in countings:
                counting.calls(session, tool, calls, errors)
    files = _files(connection, rows)
    return [counting.finish(files) for counting in countings]


class _Counting:
    """Sums up in one pass."""

    def __init__(self, rows: dict[int, StatsRow], by: By | None, zone: dt.tzinfo | None) -> None:
        self._rows, self._by, self._zone = rows, by, zone
        self._total = StatsLine("")
        self._total.sessions = len(rows)
        self._lines: dict[str, StatsLine] = {}
        self._in: dict[str, set[int]] = {}
        self._days: Counter[str] = Counter()
        self._day_of: dict[str, str] = {}
        for number, row in rows.items():  # a session in which nothing was said counts, too
            if by == "provider" or by == "workspace":
                self._line(self._of_session(row), number)

    def activity(self, session: int, hour: str, model: str, messages: int, given: int, made: int) -> None:
        """Messages and tokens of a session in one hour."""
        day = self._day(hour)
        self._days[day] += messages
        lines = [self._total]
        if self._by in ("provider", "workspace"):
            lines.append(self._line(self._of_session(self._rows[session]), session))
        elif self._by == "model" and (model or given or made):
            lines.append(self._line(model, session))
        elif self._by == "day":
            lines.append(self._line(day, session))
        for line in lines:
            line.messages += messages
            line.input_tokens += given
            line.output_tokens += made
            if hour:
                line.first = min(line.first or hour, hour)
                line.last = max(line.last or hour, hour)

    def calls(self, session: int, tool: str, calls: int, errors: int) -> None:
        """Calls of a tool in a session."""
        lines = [self._total]
        if self._by in ("provider", "workspace"):
            lines.append(self._line(self._of_session(self._rows[session]), session))
        elif self._by == "tool":
            lines.append(self._line(tool, session))
        for line in lines:
            line.calls += calls
            line.errors += errors

    def finish(self, files: Counter[str]) -> Stats:
        """The sums, in order."""
        if self._by == "file":
            lines = [StatsLine(path, count) for path, count in files.most_common()]
        elif self._by == "day":
            lines = sorted(self._lines.values(), key=lambda line: line.name)
        else:
            lines = sorted(self._lines.values(), key=_largest_first)
        for line in lines:
            if line.name in self._in:
                line.sessions = len(self._in[line.name])
        days = {day: count for day, count in sorted(self._days.items()) if day}
        return Stats(self._total, len(files), lines, days)

    def _of_session(self, row: StatsRow) -> str:
        return row.provider if self._by == "provider" else row.workspace or ""

    def _line(self, name: str, session: int) -> StatsLine:
        self._in.setdefault(name, set()).add(session)
        return self._lines.setdefault(name, StatsLine(name))

    def _day(self, hour: str) -> str:
        if not hour:
            return ""
        day = self._day_of.get(hour)
        if day is None:
            try:
                moment = dt.datetime.fromisoformat(f"{hour}:00:00+00:00").astimezone(self._zone)
            except (ValueError, OverflowError):
                day = hour[:10]
            else:
                day = moment.strftime("%Y-%m-%d")
            self._day_of[hour] = day
        return day


def _largest_first(line: StatsLine) -> tuple[int, int, int, str]:
    return -line.messages, -line.calls, -line.sessions, line.name


def _rows(connection: sqlite3.Connection) -> Iterator[StatsRow]:
    import orjson

    for number, provider, workspace, updated, tags in connection.execute(
        "SELECT number, provider, workspace, updated, tags FROM sessions"
    ):
        yield StatsRow(number, provider, workspace, updated, tuple(orjson.loads(tags)))


def _files(connection: sqlite3.Connection, numbers: Iterable[int]) -> Counter[str]:
    """Path -> sessions that name it."""
    found: Counter[str] = Counter()
    for number in numbers:
        first, behind = row_of(number, _FILE, 0), row_of(number, _FILE + 1, 0)
        named: set[str] = set()
        for (packed,) in connection.execute("SELECT packed FROM chunks WHERE row >= ? AND row < ?", (first, behind)):
            named.update(text.text for text in unpack(_FILE, packed))
        found.update(named)
    return found
