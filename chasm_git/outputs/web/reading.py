"""Reading the archive for pages: in threads, each with the archive open, and nothing read twice without need.

Whatever is kept is kept for one state of the archive or one content of a file, so a harvest meanwhile is seen at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from chasm_git.api import Archive, Found, Unreadable, open_archive
from chasm_git.errors import ChasmError
from chasm_git.outputs.web.answers import NotThere
from chasm_git.session.model import Session
from chasm_git.session.summary import Summary
from chasm_git.session.universal import universal

if TYPE_CHECKING:
    from chasm_git.api import By, Entry, Results, Stats, StatsRow

T = TypeVar("T")
_THREADS = 3
_SESSIONS_KEPT = 8
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Listing:
    """What one state of the archive holds."""

    commit: str | None
    sessions: list[Summary] = field(default_factory=list)
    """The latest first."""
    unreadable: list[str] = field(default_factory=list)
    below: dict[str, list[Summary]] = field(default_factory=dict)
    """Id of a session -> those of its sub-agents."""
    forks: dict[str, list[Summary]] = field(default_factory=dict)
    """Id of a session -> those that branched off from it."""
    by_id: dict[str, Summary] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opened:
    """A session in one of its versions."""

    found: Found
    session: Session
    shown: dict[str, Any]
    """Its universal form."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What is shown of it."""
        messages: list[dict[str, Any]] = self.shown["messages"]
        return messages

    def number_of(self, message: str) -> int | None:
        """The place, from 1, of the shown message a record went into; None where there is no such record."""
        numbers = {made["id"]: number for number, made in enumerate(self.messages, 1)}
        number: int | None = None
        for record in self.session.messages:
            number = numbers.get(record.id, number)
            if record.id == message:
                return number or 1
        return None


class Reading:
    """The archive at `path`, for the pages of one server.

    Raises NotAnArchive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._opened: list[Archive] = []
        self._threads = ThreadPoolExecutor(_THREADS, "reading")
        self._searching = ThreadPoolExecutor(1, "searching")
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._sessions: OrderedDict[str, Opened] = OrderedDict()
        self._listing = Listing("")
        self._listing_lock = threading.Lock()
        self._made: tuple[int, int] | None = None
        self._stopping = False
        with open_archive(path) as archive:
            self.name = archive.path.name

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do something in a thread of the pages."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def search(self, text: str, limit: int, fields: dict[str, list[str]], patience: float) -> Results | None:
        """What a query finds; None where the search cache is still being made after `patience` seconds."""
        asked: Future[Results] = self._searching.submit(self._search, text, limit, fields)
        done, _ = await asyncio.wait([asyncio.wrap_future(asked)], timeout=patience)
        if not done:
            asked.cancel()
            return None
        return asked.result()

    def prepare(self) -> None:
        """Bring the search cache up to date, meanwhile."""
        self._searching.submit(self._search, "", 0, {})

    def progress(self) -> tuple[int, int] | None:
        """How far the search cache is; None where it is not being made."""
        return self._made

    def archive(self) -> Archive:
        """The archive, for this thread alone."""
        found: Archive | None = getattr(self._mine, "archive", None)
        if found is None:
            found = self._mine.archive = open_archive(self.path)
            with self._lock:
                self._opened.append(found)
        return found

    def commit(self) -> str | None:
        """The latest commit."""
        return self.archive().repository.head()

    def listing(self) -> Listing:
        """The sessions there are."""
        archive = self.archive()
        with self._listing_lock:
            if self.commit() != self._listing.commit:
                self._listing = _listed(archive, self.commit())
            return self._listing

    def find(self, name: str, revision: str = "") -> Found:
        """A session, now or at a revision. Raises NoSuchSession, AmbiguousSession, NoSuchRevision."""
        if revision:
            for entry in self._versions_or_none(name):
                if entry.commit.id == revision and entry.sessions and entry.sessions[0].new:
                    found = self.find(name)
                    return Found(found.id, found.provider, entry.sessions[0].path, entry.sessions[0].new, revision)
        whole = f"{name}@{revision}" if revision else name
        return self.kept(("find", self.commit(), whole), lambda: self.archive().find(whole))

    def opened(self, name: str, revision: str = "") -> Opened:
        """A session, read. Raises as `find`, and Unreadable."""
        found = self.find(name, revision)
        with self._lock:
            known = self._sessions.get(found.blob)
            if known is not None:
                self._sessions.move_to_end(found.blob)
                return Opened(found, known.session, known.shown)
        archive = self.archive()
        try:
            session = archive.session(found)
        except KeyError as error:
            raise NotThere(f"version {revision[:12]} of {name} is not in this copy of the archive") from error
        made = Opened(found, session, universal(session, archive.attachments(found)))
        with self._lock:
            self._sessions[found.blob] = made
            while len(self._sessions) > _SESSIONS_KEPT:
                self._sessions.popitem(last=False)
        return made

    def versions(self, name: str) -> list[Entry]:
        """The commits that changed a session, the latest first. Raises as `find`."""
        return self.kept(("log", self.commit(), name), lambda: list(self.archive().log(name)))

    def _versions_or_none(self, name: str) -> list[Entry]:
        from chasm_git.api import NoSuchSession

        try:
            return self.versions(name)
        except NoSuchSession:  # only earlier commits have it: `ID@REV` finds it there
            return []

    def stats(self, ways: tuple[By, ...], since: str | None, provider: str, today: str) -> list[Stats]:
        """Counts of what the archive holds, grouped in several ways; `today` is part of what they depend on."""

        def chosen(row: StatsRow) -> bool:
            return not provider or row.provider == provider

        key = ("stats", self.commit(), ways, since, provider, today)
        return self.kept(key, lambda: self.archive().stats_by(ways, since=since, chosen=chosen))

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made for a key before, or is made now."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                found: T = self._kept[key]
                return found
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def close(self) -> None:
        """Let go of everything, when what is under way is done; a search cache that is being made is given up."""
        self._stopping = True
        self._threads.shutdown(cancel_futures=True)
        self._searching.submit(self._stop_searching)
        self._searching.shutdown()
        for archive in self._opened:
            archive.close()

    def _search(self, text: str, limit: int, fields: dict[str, list[str]]) -> Results:
        searching = getattr(self._mine, "searching", None)
        if searching is None:
            searching = self._mine.searching = self.archive().searching(progress=self._progress)
        try:
            # ``since:1h`` moves on with the clock
            key = ("search", self.commit(), text, limit, repr(fields), _minute())
            return self.kept(key, lambda: searching.search(text, limit, fields=fields))
        finally:
            self._made = None

    def _progress(self, done: int, total: int) -> None:
        self._made = (done, total)
        if self._stopping:
            raise ChasmError("stopped")

    def _stop_searching(self) -> None:
        searching = getattr(self._mine, "searching", None)
        if searching is not None:
            searching.close()


def _minute() -> int:
    return int(time.time() // 60)


def _listed(archive: Archive, commit: str | None) -> Listing:
    made = Listing(commit)
    if commit is None:
        return made
    for one in archive.sessions():
        if isinstance(one, Unreadable):
            made.unreadable.append(str(one))
            continue
        made.sessions.append(one.summary)
        made.by_id.setdefault(one.summary.id, one.summary)
        if one.summary.parent is not None:
            made.below.setdefault(one.summary.parent, []).append(one.summary)
        elif one.summary.forked_from is not None:
            made.forks.setdefault(one.summary.forked_from, []).append(one.summary)
    made.sessions.sort(key=lambda one: (one.updated_at or "", one.id), reverse=True)
    return made
