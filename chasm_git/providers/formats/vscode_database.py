"""Sessions from before VS Code 1.92: one value in a workspace's ``state.vscdb``. Read from a copy, never in place."""

from __future__ import annotations

from pathlib import Path

from chasm_git.providers.base import Problem, Reading
from chasm_git.providers.formats.vscode_flat import Flat, read_flat
from chasm_git.providers.reading import sqlite_copy

_KEY = "interactive.sessions"


def sessions_in(path: Path, reading: Reading) -> list[tuple[str, Flat]]:
    """The sessions in a database, with their ids; what cannot be read goes to the reading's problems.

    Raises OSError where the database cannot be opened.
    """
    if not _may_have_sessions(path):
        return []
    try:
        with sqlite_copy.opened(path, reading.problems) as database:
            value = database.blob("ItemTable", "key", _KEY, "value")
    except sqlite_copy.Unreadable as error:
        reading.problems.append(Problem(str(path), str(error)))
        return []
    if value is None:
        return []
    flat = read_flat(value)
    reading.problems += [Problem(str(path), f"{_KEY}: {reason}", fatal=flat.state is None) for reason in flat.reasons]
    found = []
    for key, state in (flat.state or {}).items():
        if type(state) is dict:
            found.append((key, Flat(state)))
        else:
            reading.problems.append(Problem(str(path), f"{_KEY}: {key[:80]} is no session", fatal=False))
    return found


def _may_have_sessions(path: Path) -> bool:
    """Whether our key stands in the database or in what has not reached it yet: most of them need no copy.

    A key is never cut: it stands in front of its value.
    """
    if _KEY.encode() in path.read_bytes():
        return True
    for suffix in sqlite_copy.SIDE_FILES:
        try:
            if _KEY.encode() in path.with_name(path.name + suffix).read_bytes():
                return True
        except FileNotFoundError:
            continue
    return False
