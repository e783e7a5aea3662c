"""Work spread over processes, one a core.

A process that is killed (the system is out of memory, mostly) costs time alone: what it was at, and all that nobody had
begun, is done here instead, one after the other.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

_MOST = 61  # Windows waits for no more at once

_FILES = 100
"""Files from which starting processes pays."""
_CHUNK = 25

_work: Callable[[Any], Any] | None = None
_tasks: Sequence[Any] = ()
_archive: Archive | None = None


def cores() -> int:
    """How many processes can work at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(
    archive: Archive,
    work: Callable[[Archive, Task], Outcome],
    tasks: Sequence[Task],
    *,
    processes: int | None = None,
    worth_it: int = _FILES,
) -> Iterator[Outcome]:
    """The outcome of every task on an archive's files, in their order. Raises what `work` raises.

    Args:
        work: a function of a module, for it may run in another process, with an archive opened there.
        processes: how many; None = one a core where there are at least `worth_it` tasks, else none.
    """
    if processes is None:
        processes = cores() if len(tasks) >= worth_it else 1
    here, apart = partial(work, archive), partial(_on_archive, work)
    place = (archive.path, archive.git_dir, archive.worktree, archive.branch)
    early: dict[int, Outcome] = {}
    wanted = 0
    for number, outcome in spread(tasks, here, apart, _open, place, processes=processes, chunk=_CHUNK):
        early[number] = outcome
        while wanted in early:
            yield early.pop(wanted)
            wanted += 1


def spread(
    tasks: Sequence[Task],
    here: Callable[[Task], Outcome],
    apart: Callable[[Task], Outcome],
    start: Callable[..., None],
    given: tuple[Any, ...],
    *,
    processes: int,
    chunk: int = 1,
) -> Iterator[tuple[int, Outcome]]:
    """The number and the outcome of every task, as they come. Raises what a task raises.

    Args:
        here: does a task in this process.
        apart: does it in another one; like `start` a function of a module.
        start: makes a process ready; called once in each with what is `given`.
        processes: how many; below two, everything is done here.
        chunk: tasks to be handed over at once.
    """
    done = bytearray(len(tasks))
    if processes > 1 and len(tasks) > 1:
        for number, outcome in _spread(tasks, apart, start, given, min(processes, _MOST), chunk):
            done[number] = True
            yield number, outcome
    for number, task in enumerate(tasks):
        if not done[number]:
            yield number, here(task)


def _spread(
    tasks: Sequence[Task],
    apart: Callable[[Task], Outcome],
    start: Callable[..., None],
    given: tuple[Any, ...],
    processes: int,
    chunk: int,
) -> Iterator[tuple[int, Outcome]]:
    """As `spread`; it ends early where a process is killed."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    ways = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in ways else "spawn")
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, context, _ready, (apart, tasks, start, given))
    try:
        for future in as_completed([pool.submit(_do, at, at + chunk) for at in range(0, len(tasks), chunk)]):
            at, outcomes = future.result()
            yield from enumerate(outcomes, at)
    except BrokenProcessPool:
        return
    except BaseException:
        # whatever ends us early (a failure, Ctrl-C, a caller that wants no more) must not wait for what is under way
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _ready(
    work: Callable[[Any], Any], tasks: Sequence[Any], start: Callable[..., None], given: tuple[Any, ...]
) -> None:
    global _work, _tasks  # what every task of this process needs, sent once
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # by this, whatever it does itself when it is asked to end
    start(*given)
    _work, _tasks = work, tasks


def _open(*place: Any) -> None:
    from chasm_git.archive.repo import Archive

    global _archive  # opened once a process: a fork must not share file positions
    _archive = Archive(*place)


def _on_archive(work: Callable[[Archive, Task], Outcome], task: Task) -> Outcome:
    assert _archive is not None
    return work(_archive, task)


def _do(first: int, end: int) -> tuple[int, list[Any]]:
    assert _work is not None
    return first, [_work(task) for task in _tasks[first:end]]
