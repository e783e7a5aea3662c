"""Files that a client, an editor or a person put aside, and what sessions are in them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from chasm_git.harvest import natives
from chasm_git.providers.base import Problem
from chasm_git.recovery.repair import LEFTOVER, ending_of
from chasm_git.session.model import Session

SESSIONS = (".json", ".jsonl", ".ndjson")
DATABASES = (".vscdb", ".sqlite", ".sqlite3", ".db")
_LARGEST = 1 << 30
_BESIDE = ("workspace.json",)
"""Files that say what the one beside them is for."""


def is_leftover(path: Path) -> bool:
    """Whether a file's name says that it is a copy of one that holds sessions."""
    name = path.name.lower()
    return (name.endswith("~") or name.endswith(LEFTOVER)) and ending_of(path) in SESSIONS + DATABASES


def beside(files: Iterable[Path], problems: list[Problem]) -> Iterator[Path]:
    """The leftovers in the folders of some files."""
    for folder in sorted({path.parent for path in files}):
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(Problem(str(folder), error.strerror or str(error)))
            continue
        yield from (folder / name for name in names if is_leftover(folder / name))


def staged(path: Path, held: ExitStack, named: str | None = None) -> Path:
    """A copy under the name it had before it was put aside, with what is looked for beside it. Raises OSError.

    Args:
        named: that name without its ending, if it is known.
    """
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="chasm-", ignore_cleanup_errors=True)))
    ending = ending_of(path)
    stem = named or path.name[: path.name.lower().rfind(ending)]
    copy = folder / f"{stem}{ending}"
    shutil.copyfile(path, copy)
    for name in (*_BESIDE, *(f"{copy.name}{suffix}" for suffix in ("-wal", "-journal"))):
        if (path.parent / name).is_file():
            shutil.copyfile(path.parent / name, folder / name)
    return copy


def sessions_in(path: Path, problems: list[Problem]) -> list[Session]:
    """The sessions of a leftover, whoever's it is."""
    try:
        if path.stat().st_size > _LARGEST:
            problems.append(Problem(str(path), "too large to be looked into here: `chasm recover extract` reads it"))
            return []
        with ExitStack() as held:
            reading = natives.read_any(staged(path, held))
    except OSError as error:
        problems.append(Problem(str(path), error.strerror or str(error)))
        return []
    return reading.sessions if reading is not None else []
