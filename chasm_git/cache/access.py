"""What an archive can be asked about what is said in it, a method each; `api.Archive` has them all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive
    from chasm_git.cache.found import Results
    from chasm_git.cache.query import Query
    from chasm_git.cache.search import Known
    from chasm_git.cache.stats import By, Stats, StatsRow

T = TypeVar("T")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """How the search cache stands."""

    path: str
    state: str
    """``current``, ``behind`` (the next search follows), ``missing``, ``unusable``."""
    reason: str | None
    """Why it is unusable, or has to be made again."""
    commit: str | None
    sessions: int
    unread: int
    size: int
    """Bytes of its file."""
    text: int
    """Characters of text it makes searchable."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Workspace:
    """A folder sessions were held in."""

    workspace: str
    sessions: int
    messages: int
    providers: list[str]
    created_at: str | None
    updated_at: str | None

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs: as `list workspaces` has it."""
        return {name: getattr(self, name) for name in self.__slots__}


class Searching:
    """Searches one archive, its cache open in between; each search sees the latest commit. For one thread alone."""

    def __init__(self, repository: Archive, *, progress: Progress, notice: Callable[[str], None]) -> None:
        self._repository = repository
        self._progress, self._notice = progress, notice
        self._connection: sqlite3.Connection | None = None
        self._known: Known | None = None
        self._at: str | None = None

    def follow(self) -> None:
        """Bring the cache up to date, which takes a while where there is none yet."""
        from chasm_git.cache import follow

        head = self._repository.head()
        if self._connection is None or head != self._at:
            self.close()
            self._at = head
            self._connection = follow.opened(self._repository, progress=self._progress, notice=self._notice)

    def search(self, text: str, limit: int = 20, *, fields: dict[str, list[str]] | None = None) -> Results:
        """As `Searchable.search`."""
        from chasm_git.cache import follow, schema
        from chasm_git.cache.query import parse

        query = parse(text)
        for name, values in (fields or {}).items():
            query.require(name, values)
        try:
            self.follow()
            return self._search(text, query, limit)
        except sqlite3.Error as error:
            reason = schema.reason(error)
        self.close()
        self._connection = follow.mended(self._repository, reason, progress=self._progress, notice=self._notice)
        return self._search(text, query, limit)

    def _search(self, text: str, query: Query, limit: int) -> Results:
        from chasm_git.cache.search import Known, search

        assert self._connection is not None
        if self._known is None:
            self._known = Known()
        found = search(self._connection, query, limit, self._known)
        if not found.matches:
            from chasm_git.cache.hints import hints

            found.hints = hints(self._connection, text, query)
        return found

    def close(self) -> None:
        """Let go of the cache."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._known = None


class Searchable:
    """Search in one archive."""

    repository: Archive

    def search(
        self,
        text: str,
        limit: int = 20,
        *,
        progress: Progress = lambda done, total: None,
        notice: Callable[[str], None] = lambda text: None,
        fields: dict[str, list[str]] | None = None,
    ) -> Results:
        """The sessions that match a query (see `cache.query`), the best first; the cache is brought up to date first.

        Args:
            fields: asked for besides what the query says: field -> values, as `cache.query.Query.fields`.
            notice: told where the cache could not be used, or was made again.
        """
        with closing(Searching(self.repository, progress=progress, notice=notice)) as searching:
            return searching.search(text, limit, fields=fields)

    def search_like(
        self,
        text: str,
        limit: int = 20,
        *,
        progress: Progress = lambda done, total: None,
        notice: Callable[[str], None] = lambda text: None,
        fields: dict[str, list[str]] | None = None,
    ) -> Results:
        """The sessions in which something of the same meaning is said, the nearest first: see `cache.meaning`.

        Args and what is kept up to date are those of `search`; `text` is no query, but what to look for.

        Raises ChasmError where there is no model, or the extra is not installed.
        """
        from chasm_git.archive.config import settings_of
        from chasm_git.cache import follow, meaning, vectors
        from chasm_git.cache.query import parse

        (folder,) = settings_of(self.repository, meaning.SETTING)
        model = meaning.Model(folder)
        query, place = parse(""), follow.path_of(self.repository).with_name(vectors.NAME)
        for name, values in (fields or {}).items():
            query.require(name, values)

        def ask(connection: sqlite3.Connection) -> Results:
            return meaning.search(connection, place, model, text, query, limit, progress)

        return self._answer(ask, progress, notice)

    def searching(
        self,
        *,
        progress: Progress = lambda done, total: None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> Searching:
        """For who searches at every keystroke: `search`, with the cache kept open."""
        return Searching(self.repository, progress=progress, notice=notice)

    def known_sessions(self, start: str, limit: int) -> list[tuple[str, str | None]]:
        """Ids that begin with a text, and titles, the latest first, as the cache has them now; it is not followed.

        Without a cache the names of the session files serve.
        """
        from chasm_git.cache import follow, schema

        pattern = "".join(f"\\{char}" if char in "%_\\" else char for char in start) + "%"
        try:
            with closing(schema.connect(follow.path_of(self.repository))) as connection:
                rows = connection.execute(
                    "SELECT id, title FROM sessions WHERE id LIKE ? ESCAPE '\\' AND messages > 0"
                    " ORDER BY updated DESC LIMIT ?",
                    (pattern, limit),
                ).fetchall()
            return [(str(name), title) for name, title in rows]
        except (schema.Unusable, sqlite3.Error):
            files = self.repository.files(self.repository.head())
            names = sorted({path.rpartition("/")[2].removesuffix(".yaml") for path in files})
            found: list[tuple[str, str | None]] = [(name, None) for name in names if name.startswith(start)]
            return [one for one in found if "~" not in one[0]][:limit]

    def workspaces(
        self,
        pattern: str,
        *,
        progress: Progress = lambda done, total: None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> list[Workspace]:
        """The folders whose path holds a text, the one with the latest message first."""
        from chasm_git.cache.scope import fits
        from chasm_git.cache.text import fold

        asked = fold(pattern.replace("\\", "/"))
        asked = f"*{asked}*" if "*" in asked else asked

        def ask(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(
                "SELECT workspace, count(*), sum(messages), group_concat(DISTINCT provider), min(created), "
                "max(updated) AS latest FROM sessions WHERE workspace IS NOT NULL "
                "GROUP BY workspace ORDER BY latest DESC, workspace"
            ).fetchall()

        return [
            Workspace(place, sessions, messages, sorted(providers.split(",")), created, updated)
            for place, sessions, messages, providers, created, updated in self._answer(ask, progress, notice)
            if fits("workspace", place.replace("\\", "/"), asked)
        ]

    def stats(
        self,
        by: By | None = None,
        *,
        since: str | None = None,
        chosen: Callable[[StatsRow], bool] = lambda row: True,
        progress: Progress = lambda done, total: None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> Stats:
        """Count what is in the archive: see `stats_by`."""
        return self.stats_by((by,), since=since, chosen=chosen, progress=progress, notice=notice)[0]

    def stats_by(
        self,
        ways: Sequence[By | None],
        *,
        since: str | None = None,
        chosen: Callable[[StatsRow], bool] = lambda row: True,
        progress: Progress = lambda done, total: None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> list[Stats]:
        """Count what is in the archive in several ways: see `cache.stats.stats_by`; the cache is followed first."""
        from chasm_git.cache.stats import stats_by

        def ask(connection: sqlite3.Connection) -> list[Stats]:
            return stats_by(connection, ways, since=since, chosen=chosen)

        return self._answer(ask, progress, notice)

    def _answer(self, ask: Callable[[sqlite3.Connection], T], progress: Progress, notice: Callable[[str], None]) -> T:
        """What the cache, brought up to date, says; where it proves to be damaged, what the one in its place does."""
        from chasm_git.cache import follow, schema

        try:
            with closing(follow.opened(self.repository, progress=progress, notice=notice)) as connection:
                return ask(connection)
        except sqlite3.Error as error:
            reason = schema.reason(error)
        with closing(follow.mended(self.repository, reason, progress=progress, notice=notice)) as connection:
            return ask(connection)

    def rebuild_cache(self, *, progress: Progress = lambda done, total: None) -> CacheStatus:
        """Make the search cache anew. Raises ChasmError where it cannot be written."""
        from chasm_git.cache import follow, schema
        from chasm_git.errors import ChasmError

        try:
            follow.rebuild(self.repository, progress=progress).close()
        except schema.Unusable as error:
            raise ChasmError(f"the search cache cannot be made: {error}") from error
        return self.cache_status()

    def follow_cache(self) -> None:
        """Let the search cache, where there is one, follow the archive now; not where another process does so."""
        from chasm_git.archive.plumbing.locks import ArchiveLocked
        from chasm_git.cache import follow

        try:
            with self.repository.lock(0, "cache"):
                if follow.path_of(self.repository).exists():
                    follow.opened(self.repository, processes=1).close()
        except ArchiveLocked:
            return  # that one, or the next search, sees what is new

    def cache_status(self) -> CacheStatus:
        """How the search cache stands; it is not touched."""
        from chasm_git.cache import follow, schema

        path = follow.path_of(self.repository)
        size = path.stat().st_size if path.is_file() else 0
        try:
            with closing(schema.connect(path)) as connection:
                held = follow.followed(connection)
                sessions, text = connection.execute("SELECT count(*), sum(size) FROM sessions").fetchone()
                unread = connection.execute("SELECT count(*) FROM unread").fetchone()[0]
        except schema.Missing:
            return CacheStatus(str(path), "missing", None, None, 0, 0, 0, 0)
        except (schema.Unusable, sqlite3.Error) as error:
            return CacheStatus(str(path), "unusable", str(error), None, 0, 0, size, 0)
        current = follow.position_of(self.repository).same_content(held)
        state = "current" if current else "behind"
        return CacheStatus(str(path), state, None, held.commit or None, sessions, unread, size, text or 0)
