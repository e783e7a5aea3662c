"""Looking at folders, and at nothing else: what `Provider.discover` is made of.

What cannot be looked at goes to a list of problems the caller passes along; what has gone meanwhile is passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from stat import S_ISREG
from typing import Any

from chasm_git.providers.base import Problem, Source, stamp


def listed(folder: Path | str, faults: list[Problem]) -> list[os.DirEntry[str]]:
    """The entries of a folder by name, without hidden ones; none of a folder that is not there."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if not entry.name.startswith(".")), key=attrgetter("name"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        faults.append(Problem(str(folder), f"cannot be listed: {error.strerror or error}"))
        return []


def folders(folder: Path | str, faults: list[Problem]) -> list[os.DirEntry[str]]:
    """The folders in a folder, and what leads to one."""
    return [entry for entry in listed(folder, faults) if is_folder(entry)]


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or leads to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle, or where we may not look
        return False


def is_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file or leads to one."""
    try:
        return entry.is_file()
    except OSError:
        return False


def source(
    provider: str,
    key: str,
    entry: os.DirEntry[str],
    faults: list[Problem],
    beside: list[os.DirEntry[str]] | None = None,
    extra: Any = None,
) -> Iterator[Source]:
    """The source of a file that is read together with the files `beside`; nothing where it has gone, or is no file."""
    try:
        found = entry.stat()
        if not S_ISREG(found.st_mode):  # reading a pipe would wait for somebody to write
            return
        marks = stamp(found, *(item.stat() for item in beside or ()))
    except FileNotFoundError:  # since its folder was listed, or it is a link to nothing
        return
    except OSError as error:
        faults.append(Problem(entry.path, f"cannot be looked at: {error.strerror or error}"))
        return
    yield Source(provider, key, Path(entry.path), marks, extra)
