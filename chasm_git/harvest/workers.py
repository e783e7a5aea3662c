"""Reading many sources on all cores: largest first, results as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chasm_git.harvest.plan import size_of
from chasm_git.harvest.read import Outcome, Reader

if TYPE_CHECKING:
    from chasm_git.providers.base import Provider, Source

Task = tuple["Provider", "Source"]

_WORTH_IT = 8 * 1024 * 1024
"""Bytes from which starting processes pays."""

_reader: Reader | None = None


def outcomes(reader: Reader, tasks: list[Task], *, processes: int | None = None) -> Iterator[Outcome]:
    """The outcome of every task, in no particular order.

    Args:
        processes: how many; None = one a core where there is enough to do, else none.
    """
    if processes is None and sum(size_of(source.stamp) for _, source in tasks) < _WORTH_IT:
        processes = 1
    if processes == 1:
        for provider, source in tasks:
            yield reader.outcome(provider, source)
        return
    from chasm_git.archive.plumbing.processes import cores, spread

    sized = sorted(tasks, key=lambda task: size_of(task[1].stamp), reverse=True)
    count = cores() if processes is None else processes
    for _, outcome in spread(sized, lambda task: reader.outcome(*task), _run, _start, (reader,), processes=count):
        yield outcome


def _start(reader: Reader) -> None:
    global _reader  # what every task of this process needs, sent once
    reader.reopen()
    _reader = reader


def _run(task: Task) -> Outcome:
    assert _reader is not None
    return _reader.outcome(*task)
