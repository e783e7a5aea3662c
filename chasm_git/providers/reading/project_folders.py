"""Folders of projects, for clients that keep their sessions in the project and tell nobody where that is.

Only what is quick to look at is looked at: a few levels below home, a bounded number of folders, nothing hidden,
nothing inside of a git repository, and no folder that is known to hold other people's files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

DEEPEST = 3
"""Levels below home."""
MOST = 1000
"""Folders that are listed at most, those nearest to home first."""

_OTHERS = frozenset({"AppData", "Applications", "Library", "node_modules", "site-packages", "snap", "target", "venv"})


def holding(home: Path, name: str) -> Iterator[os.DirEntry[str]]:
    """What is called `name` in a folder below `home`, or in it, in a stable order."""
    level = [str(home)]
    left = MOST
    for depth in range(DEEPEST + 1):
        below: list[str] = []
        for folder in level[:left]:
            entries = {entry.name: entry for entry in _entries(folder)}
            if name in entries:
                yield entries[name]
            if ".git" not in entries or depth == 0:
                below += [entry.path for entry in entries.values() if _leads_on(entry)]
        left -= len(level)
        if left <= 0:
            return
        level = below


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:  # nobody told us to look there: what cannot be listed is none of ours
        return []


def _leads_on(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.name[0] != "." and entry.name not in _OTHERS and entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
