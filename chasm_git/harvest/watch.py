"""Harvesting while sessions are written: a change is noticed, a quiet moment awaited, then all of it is one commit.

Where the operating system can tell of changes (the package ``watchfiles``), nothing runs until it does; without it, or
where it cannot watch so many folders, the sources are looked at from time to time, as an idle harvest does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Source
from chasm_git.providers.traces import TRACES, Traces

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_EDITOR_STORES = ("workspaceStorage", "globalStorage")
_RESTART = 900.0
"""Seconds after which folders are looked for anew: a client may have been installed."""
_NOISE = frozenset({"Cache", "CachedData", "Code Cache", "GPUCache", "History", "logs", "node_modules"})
"""Folders within a client's own that change all the time and hold no session."""

Told = Callable[[str], None]


class Changes(Protocol):
    """Tells that sources may have changed."""

    def wait(self, seconds: float) -> bool:
        """Wait for a change, at most so long; whether there was one."""
        ...

    def close(self) -> None:
        """Stop looking."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait, in seconds."""

    quiet: float = 10.0
    """Without a change, before a harvest."""
    longest: float = 300.0
    """From the first change to the harvest, however much is written."""
    poll: float = 15.0
    """Between two looks, where the system does not tell of changes."""


def watch(
    harvest: Callable[[], None], changes: Callable[[], Changes], pace: Pace, stop: threading.Event, told: Told
) -> None:
    """Harvest now, and after every burst of changes, until `stop` is set.

    Args:
        harvest: does it; what it raises is told, and the next change tries again.
        changes: starts looking; called again from time to time.
        stop: set from elsewhere. What is under way is finished first.
    """
    while not stop.is_set():
        found = changes()
        try:
            _attempt(harvest, told)
            renew = time.monotonic() + _RESTART
            changed = True  # what was written while the watching began
            while not stop.is_set() and time.monotonic() < renew:
                if (changed or found.wait(min(1.0, pace.quiet))) and _settled(found, pace, stop):
                    _attempt(harvest, told)
                changed = False
        finally:
            found.close()


def _settled(found: Changes, pace: Pace, stop: threading.Event) -> bool:
    """Wait for the end of a burst; False where it is time to stop."""
    start = last = time.monotonic()
    while not stop.is_set():
        now = time.monotonic()
        if now - last >= pace.quiet or now - start >= pace.longest:
            return True
        if found.wait(min(1.0, pace.quiet - (now - last))):
            last = time.monotonic()
    return False


def _attempt(harvest: Callable[[], None], told: Told) -> None:
    try:
        harvest()
    except Exception as error:  # noqa: BLE001 - told, and tried again: a watch of weeks outlives a full disk
        told(f"this harvest failed, the next change tries again: {error}")


class Notified:
    """Changes the operating system tells of.

    Args:
        deep: folders that are watched with all that is below them.
        flat: folders whose entries are watched.

    Raises ImportError without ``watchfiles``.
    """

    def __init__(self, deep: Iterable[Path], flat: Iterable[Path]) -> None:
        import watchfiles

        self._changed = threading.Event()
        self._stop = threading.Event()
        self._watch = watchfiles.watch
        self._filter = watchfiles.DefaultFilter(ignore_dirs=sorted(_NOISE))
        self.failed: str | None = None
        """Why the system tells nothing, if so."""
        self._threads = [
            threading.Thread(target=self._follow, args=(sorted(paths), recursive), daemon=True)
            for paths, recursive in ((set(deep), True), (set(flat), False))
            if paths
        ]
        for thread in self._threads:
            thread.start()

    def _follow(self, paths: list[Path], recursive: bool) -> None:
        try:
            for _ in self._watch(
                *paths,
                watch_filter=self._filter,
                stop_event=self._stop,
                recursive=recursive,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                self._changed.set()
        except OSError as error:  # no more watches to be had, mostly
            self.failed = str(error)
            self._changed.set()

    def wait(self, seconds: float) -> bool:
        """See `Changes.wait`. Raises OSError where the system tells nothing (any more)."""
        changed = self._changed.wait(seconds)
        self._changed.clear()
        if self.failed is not None:
            raise OSError(self.failed)
        return changed

    def close(self) -> None:
        """See `Changes.close`."""
        self._stop.set()
        for thread in self._threads:
            thread.join(5)


class Polled:
    """Changes found by looking.

    Args:
        is_idle: whether there is nothing to harvest.
        stop: ends a wait.
    """

    def __init__(self, is_idle: Callable[[], bool], seconds: float, stop: threading.Event) -> None:
        self._is_idle = is_idle
        self._seconds = seconds
        self._stop = stop
        self._next = time.monotonic() + seconds

    def wait(self, seconds: float) -> bool:
        """See `Changes.wait`."""
        pause = min(seconds, max(0.0, self._next - time.monotonic()))
        self._stop.wait(pause)
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._seconds
        return not self._is_idle()

    def close(self) -> None:
        """See `Changes.close`."""


class Best:
    """Changes as the system tells them, and by looking as soon as it does not."""

    def __init__(self, notified: Notified, polled: Polled, told: Told) -> None:
        self._now: Changes = notified
        self._polled, self._told = polled, told

    def wait(self, seconds: float) -> bool:
        """See `Changes.wait`."""
        try:
            return self._now.wait(seconds)
        except OSError as error:
            self._told(f"the system does not tell of changes ({error}); looking from time to time instead")
            self._now.close()
            self._now = self._polled
            return False

    def close(self) -> None:
        """See `Changes.close`."""
        self._now.close()


def folders(env: Env, names: Iterable[str] | None = None) -> tuple[set[Path], set[Path]]:
    """What to watch with all that is below it, and what without; folders only, each there now.

    Clients keep their stores in folders of their own. A file in somebody's project is watched by its folder, and the
    folders in which a client would make its own are watched for that.
    """
    traces = Traces(env)
    deep: set[Path] = set()
    flat = {env.home, env.config_home(), env.home / ".local" / "share"}
    for name in names if names is not None else registry.names():
        if not traces.has(name):
            continue
        deep.update(_stores(traces, env, name))
        for source in registry.load(name).discover(env):
            if isinstance(source, Source) and not any(source.path.is_relative_to(top) for top in deep):
                flat.add(source.path.parent)
    deep = {path for path in deep if path.is_dir() and not any(other in path.parents for other in deep)}
    flat = {path for path in flat if path.is_dir() and not any(path.is_relative_to(top) for top in deep)}
    return deep, flat


def _stores(traces: Traces, env: Env, name: str) -> Iterator[Path]:
    for trace in TRACES.get(name, ()):
        if trace[0] == "$":
            named = env.variables.get(trace[1:])
            if named and Path(named).is_dir() and Path(named) not in (env.home, *env.home.parents):
                yield Path(named)
            continue
        for path in traces.places(trace):
            if trace == "editor:":
                yield from (path / store for store in _EDITOR_STORES)
            else:
                yield path


def follow(
    archive: Archive,
    env: Env,
    names: list[str] | None,
    harvest: Callable[[], None],
    pace: Pace,
    stop: threading.Event,
    told: Told,
) -> None:
    """Watch the sources of some providers (None: of all) for one archive: see `watch`.

    Raises ArchiveLocked where another process does that already.
    """
    from chasm_git.archive.machine import machine_name
    from chasm_git.harvest.plan import make_plan

    machine = machine_name(archive, keep=True)

    def is_idle() -> bool:
        return make_plan(archive, env, machine, names).is_idle()

    def changes() -> Changes:
        polled = Polled(is_idle, pace.poll, stop)
        try:
            return Best(Notified(*folders(env, names)), polled, told)
        except ImportError:
            told(f"looking every {pace.poll:g} s; with `pip install 'chasm-git[watch]'` the system tells of changes")
            return polled

    with archive.lock(0, "watching"):
        watch(harvest, changes, pace, stop, told)
