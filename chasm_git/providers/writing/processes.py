"""Which programs run: asked before something is written that a running one would write over."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_INTERPRETERS = frozenset({"node", "bun", "deno", "python", "python3"})
_SUFFIXES = (".exe", ".js", ".mjs", ".cjs", ".py", ".cmd")


def running(names: tuple[str, ...]) -> tuple[int, str] | None:
    """Process id and name of a running program with one of these names; None where there is none, or nobody can say.

    A script counts by its own name, not by its interpreter's.
    """
    wanted = frozenset(names)
    for pid, called in _processes():
        found = wanted.intersection(called)
        if found and pid != os.getpid():
            return pid, min(found)
    return None


def _processes() -> Iterator[tuple[int, frozenset[str]]]:
    if sys.platform == "linux":
        return _from_proc()
    return _from_tasklist() if sys.platform == "win32" else _from_ps()


def _from_proc() -> Iterator[tuple[int, frozenset[str]]]:
    user = os.getuid() if sys.platform != "win32" else 0
    with os.scandir("/proc") as entries:
        pids = [int(entry.name) for entry in entries if entry.name.isdigit()]
    for pid in pids:
        folder = Path("/proc", str(pid))
        try:
            if folder.stat().st_uid != user:
                continue
            arguments = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            title = (folder / "comm").read_text("utf-8", "replace").strip()
        except OSError:  # it has ended, or is none of ours
            continue
        yield pid, frozenset({_name(title), *_called(arguments)})


def _from_ps() -> Iterator[tuple[int, frozenset[str]]]:
    for line in _output("ps", "-x", "-o", "pid=,args="):
        pid, _, arguments = line.strip().partition(" ")
        if pid.isdigit():
            yield int(pid), frozenset(_called(arguments.split()))


def _from_tasklist() -> Iterator[tuple[int, frozenset[str]]]:
    for line in _output("tasklist", "/fo", "csv", "/nh"):
        columns = line.strip('"').split('","')
        if len(columns) > 1 and columns[1].isdigit():
            yield int(columns[1]), frozenset({_name(columns[0])})


def _output(*command: str) -> list[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines()


def _called(arguments: list[str]) -> set[str]:
    """What a command line calls: its program, or the script an interpreter runs."""
    program = _name(arguments[0]) if arguments and arguments[0] else ""
    if program.rstrip("0123456789.") in _INTERPRETERS or program in _INTERPRETERS:
        return {_name(argument) for argument in arguments[1:3] if argument and not argument.startswith("-")}
    return {program}


def _name(path: str) -> str:
    name = path.replace("\\", "/").rpartition("/")[2]
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name.lower() if sys.platform == "win32" else name
