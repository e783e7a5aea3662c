"""Reading many sources on all cores: largest first, results as they come."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chasm_git.harvest.read import Outcome, Reader

if TYPE_CHECKING:
    from chasm_git.providers.base import Provider, Source

Task = tuple["Provider", "Source"]

_WORTH_IT = 8 * 1024 * 1024
"""Bytes from which starting processes pays."""

_reader: Reader | None = None
_tasks: list[Task] = []


def outcomes(reader: Reader, tasks: list[Task], *, processes: int | None = None) -> Iterator[Outcome]:
    """The outcome of every task, in no particular order.

    Args:
        processes: how many; None = one a core where there is enough to do, else none.
    """
    sized = sorted(((_size(source), number) for number, (_, source) in enumerate(tasks)), reverse=True)
    count = processes if processes is not None else (os.cpu_count() or 1)
    if count < 2 or len(tasks) < 2 or (processes is None and sum(size for size, _ in sized) < _WORTH_IT):
        for provider, source in tasks:
            yield reader.outcome(provider, source)
        return
    import multiprocessing

    ways = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in ways else "spawn")
    with context.Pool(count, _start, (reader, tasks)) as pool:
        yield from pool.imap_unordered(_run, [number for _, number in sized])


def _start(reader: Reader, tasks: list[Task]) -> None:
    global _reader, _tasks  # what every task of this process needs, sent once
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # by this, whatever it does itself when it is asked to end
    reader.reopen()
    _reader, _tasks = reader, tasks


def _run(number: int) -> Outcome:
    assert _reader is not None
    return _reader.outcome(*_tasks[number])


def _size(source: Source) -> int:
    return sum(int(part.partition(":")[0]) for part in source.stamp.split() if part[:1].isdigit())
