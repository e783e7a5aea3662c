"""Work on many files of an archive, on all cores where there is enough of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from chasm_git.archive.repo import Archive

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

_CHUNK = 25
_WORTH_IT = 100
"""Tasks from which starting processes pays."""

_archive: Archive | None = None
_work: Callable[[Archive, Any], Any] | None = None


def each(
    archive: Archive,
    work: Callable[[Archive, Task], Outcome],
    tasks: Sequence[Task],
    *,
    processes: int | None = None,
    worth_it: int = _WORTH_IT,
) -> Iterator[Outcome]:
    """The outcome of every task, in their order.

    Args:
        work: a function of a module, for it may run in another process, with an archive opened there.
        processes: how many; None = one a core where there are at least `worth_it` tasks, else none.
    """
    count = processes if processes is not None else cores()
    if count < 2 or (processes is None and len(tasks) < worth_it):
        for task in tasks:
            yield work(archive, task)
        return
    import multiprocessing

    ways = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in ways else "spawn")
    place = (archive.path, archive.git_dir, archive.worktree, archive.branch)
    with context.Pool(count, _start, (place, work)) as pool:
        yield from pool.imap(_run, tasks, _CHUNK)


def cores() -> int:
    """How many processes can work at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start(place: tuple[Any, ...], work: Callable[[Archive, Any], Any]) -> None:
    global _archive, _work  # opened once a process: a fork must not share file positions
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # by this, whatever it does itself when it is asked to end
    _archive, _work = Archive(*place), work


def _run(task: Any) -> Any:
    assert _archive is not None and _work is not None
    return _work(_archive, task)
