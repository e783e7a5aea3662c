"""Sessions from before VS Code 1.92: one value in a workspace's ``state.vscdb``. Read from a copy, never in place."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem, Reading
from chasm_git.providers.formats.vscode_flat import Flat, read_flat

_KEY = "interactive.sessions"
_SIDE_FILES = ("-wal", "-journal")
"""What has not reached the database yet, or is to be taken back."""


def sessions_in(path: Path, reading: Reading) -> list[tuple[str, Flat]]:
    """The sessions in a database, with their ids; what cannot be read goes to the reading's problems.

    Raises OSError where the database cannot be opened.
    """
    files = {path.name: path.read_bytes()}
    for suffix in _SIDE_FILES:
        beside = path.with_name(path.name + suffix)
        try:
            files[beside.name] = beside.read_bytes()
        except FileNotFoundError:
            continue
    if not any(_KEY.encode() in data for data in files.values()):  # a key is never cut: it stands in front of its value
        return []
    try:
        value = _value(files, path.name)
    except sqlite3.Error as error:
        reading.problems.append(Problem(str(path), f"not a readable database: {error}"))
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


def _value(files: dict[str, bytes], name: str) -> bytes | None:
    """The value of our key, read from a copy of the files."""
    with tempfile.TemporaryDirectory(prefix="chasm-") as folder:
        for copy, data in files.items():
            (Path(folder) / copy).write_bytes(data)
        connection = sqlite3.connect(Path(folder) / name)
        try:
            connection.text_factory = bytes
            row: Any = connection.execute("SELECT value FROM ItemTable WHERE key = ?", (_KEY,)).fetchone()
        finally:
            connection.close()
    return row[0] if row is not None and type(row[0]) is bytes else None
