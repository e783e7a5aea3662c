"""The merge driver as git starts it: a process for each file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

from chasm_git.session.codec import dumps
from chasm_git.session.model import Message, Session
from tests.benchmarks.measure import Row, Run, ratio, run

_RUNS = 7
_DRIVER = [sys.executable, "-P", "-m", "chasm_git.drivers.merge"]
_CHANGED = 10


def rows(scratch: Path) -> Iterator[Row]:
    """Measure on sessions made for it, changed in ten places on each side."""
    small, idle = [], []
    for _ in range(_RUNS):
        small.append(_merged(scratch / "small", 50, 700).wall)
        idle.append(run([sys.executable, "-c", "pass"]).wall)
    figure, seconds = ratio(small, idle), min(small)
    yield Row("merge driver, 50 KB, against an empty Python", f"{figure:.1f}x ({seconds:.2f} s)", "<= 5x", figure <= 5)
    large = min((_merged(scratch / "large", 5000, 1650) for _ in range(_RUNS)), key=lambda one: one.wall)
    figures = f"{large.wall:.2f} s (CPU {large.cpu:.2f} s)"
    yield Row("merge driver, 10 MB, 5,000 messages", figures, "<= 0.3 s", large.wall <= 0.3)


def _merged(folder: Path, count: int, size: int) -> Run:
    """One merge of a session of so many messages of so many bytes."""
    made = _versions(folder, count, size) if not folder.exists() else [folder / name for name in _NAMES]
    ours = folder / "current"
    ours.write_bytes(made[1].read_bytes())  # the driver writes its result over it
    return run([*_DRIVER, str(made[0]), str(ours), str(made[2])])


_NAMES = ("base", "ours", "theirs")


def _versions(folder: Path, count: int, size: int) -> list[Path]:
    folder.mkdir(parents=True)
    base = Session("s", "codex")
    for number in range(count):
        text = f"line {number} of what was said\n" * (size // 30)
        time = f"2026-01-08T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
        above = base.messages[-1].id if base.messages else None
        native = {"parentUuid": above, "message": {"content": {"$": "content"}}}
        role = "assistant" if number % 2 else "user"
        base.messages.append(Message(f"{number:08x}-0000-4000-8000-000000000000", role, time, text, above))
        base.messages[-1].native = native
    for first, name in enumerate(_NAMES):
        version = deepcopy(base)
        if name != "base":
            for number in range(first, count, count // _CHANGED):
                version.messages[number].content = f"{version.messages[number].content}{name}\n"
        (folder / name).write_bytes(dumps(version))
    return [folder / name for name in _NAMES]
