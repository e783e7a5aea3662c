"""Whole processes, timed from outside; figures are medians of several runs."""

from __future__ import annotations

import atexit
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CHASM = [sys.executable, "-m", "chasm_git"]


@dataclass(frozen=True)
class Run:
    """One finished process."""

    wall: float
    """Seconds."""
    memory: int
    """Largest resident set of it or a process it waited for (or of this one, if that is larger), bytes."""
    cpu: float
    """Processor seconds of it and the processes it waited for."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    figure: str
    wanted: str
    holds: bool


def run(command: Sequence[str], cwd: Path | None = None) -> Run:
    """Run a command to its end; raises CalledProcessError where it fails."""
    start = time.perf_counter()
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    variables.setdefault("PYTHONPYCACHEPREFIX", _byte_code())  # as where it was installed: it is compiled once
    # no pipes: whoever reads them would be measured too
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=variables)
    assert process.stderr is not None
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=error)
    memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Run(wall, memory, usage.ru_utime + usage.ru_stime)


def memory(command: Sequence[str]) -> int:
    """The largest resident set of a command, bytes, run once more for that.

    A process begins with the size of the one that started it, and ours holds a corpus: a small one starts it.
    """
    starter = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", starter, *command], stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


@cache
def _byte_code() -> str:
    folder = tempfile.mkdtemp(prefix="chasm-bytecode-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median of the ratios of runs taken in turn: a machine that drifts does so for both."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def cpu(work: Callable[[], object], times: int = 3) -> float:
    """Best processor seconds of some work in this process."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def folder_size(path: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
