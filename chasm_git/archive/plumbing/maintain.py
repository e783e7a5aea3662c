"""Keeps the repository small and quick, by the user's git: when it is due, and the doing of it.

Every harvest of a session that grew adds the whole session once more; only packing makes deltas of that. git itself
would wait for 6,700 loose objects, which can be a gigabyte here, so bytes decide. A detached process does the work
(``python -m chasm_git.archive.plumbing.maintain GIT_DIR``), one at a time per archive.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from chasm_git.archive.plumbing import durable, pack
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.plumbing.locks import ArchiveLocked, ProcessLock
from chasm_git.errors import ChasmError

UNPACKED_BYTES = 64 << 20
"""Loose, or in packs without deltas."""
LOOSE_OBJECTS = 2000
PACKS = 50

_RECORD = "maintenance.json"
_LOCK = "maintenance.lock"


class Weight(NamedTuple):
    """What a repository's objects take."""

    loose_objects: int
    loose_bytes: int
    packs: int
    pack_bytes: int
    quick_bytes: int = 0
    """Of these, in packs that we wrote quickly, without deltas."""

    @property
    def bytes(self) -> int:
        """All objects together."""
        return self.loose_bytes + self.pack_bytes


_WINDOW = 50
_HARD = ("pack.compression=9",)
"""How a pack of ours is packed again, once: it then takes no more room than git would have needed. Measured on 546
sessions of 200 MB: 42.1 MB in 35 s; git's defaults give 43.5 MB in 19 s."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a maintenance did."""

    before: Weight
    after: Weight
    seconds: float
    packed_again: bool
    """Objects of packs we wrote were compressed again, and deltas looked for among them."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "before": self.before._asdict(),
            "after": self.after._asdict(),
            "seconds": self.seconds,
            "packed_again": self.packed_again,
        }


@dataclass(frozen=True, slots=True)
class _Repository:
    git_dir: Path
    worktree: Path | None = None


def weigh(git_dir: Path) -> Weight:
    """Count and add up a repository's objects by its folders alone: some milliseconds."""
    objects = _common(git_dir) / "objects"
    noted = _noted(git_dir)
    count = size = packs = pack_size = quick = 0
    for folder in _entries(objects):
        if len(folder.name) == 2:
            for entry in _entries(Path(folder.path)):
                found = _size(entry)
                if found is not None:
                    count += 1
                    size += found
    for entry in _entries(objects / "pack"):
        found = _size(entry) or 0
        pack_size += found
        packs += entry.name.endswith(".pack")
        quick += found if entry.name.partition(".")[0] in noted else 0
    return Weight(count, size, packs, pack_size, quick)


def due(git_dir: Path, weight: Weight | None = None) -> str | None:
    """Why maintenance is due, in words; None where it is not.

    What the last one could not do anything about (packs that are kept, unreachable objects still young) does not count.
    """
    now = weight if weight is not None else weigh(git_dir)
    unpacked = now.loose_bytes + now.quick_bytes
    if unpacked <= UNPACKED_BYTES and now.loose_objects <= LOOSE_OBJECTS and now.packs <= PACKS:
        return None
    left = _last(git_dir)
    if unpacked - left.loose_bytes - left.quick_bytes > UNPACKED_BYTES:
        return f"{unpacked >> 20} MB of objects are not packed well"
    if now.loose_objects - left.loose_objects > LOOSE_OBJECTS:
        return f"{now.loose_objects} objects are not packed"
    if now.packs - left.packs > PACKS:
        return f"there are {now.packs} packs"
    return None


def run(git_dir: Path) -> Outcome:
    """Pack everything, now. Raises ArchiveLocked where a maintenance runs already, GitError."""
    lock = ProcessLock(_state(git_dir) / _LOCK)
    lock.acquire(0)
    try:
        return _run(git_dir)
    finally:
        lock.release()


def start(git_dir: Path, python: str = "") -> None:
    """Run maintenance in a process of its own that nobody waits for, at low priority."""
    command = [python or sys.executable, "-P", "-m", "chasm_git.archive.plumbing.maintain", str(git_dir.absolute())]
    apart: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        apart = {"creationflags": 0x00000008 | 0x00004000}  # detached, below normal priority
    subprocess.Popen(  # it outlives us on purpose
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=git_dir,
        **apart,
    )


def _run(git_dir: Path) -> Outcome:
    git = Git(_Repository(git_dir))
    before = weigh(git_dir)
    started = time.monotonic()
    try:
        again = _pack_again(git, git_dir)
        git.run("gc", "--quiet")
        git.run("commit-graph", "write", "--reachable", "--changed-paths", "--no-progress")
    except BaseException as error:  # whatever stopped it: the next one must not start at once for the same reason
        _record(git_dir, weigh(git_dir), str(error) or type(error).__name__)
        raise
    outcome = Outcome(before, weigh(git_dir), round(time.monotonic() - started, 3), again)
    _record(git_dir, outcome.after, None)
    return outcome


def _pack_again(git: Git, git_dir: Path) -> bool:
    """Make small packs of those we wrote quickly; says whether there were any.

    git copies objects from pack to pack as they are: it neither compresses them better nor looks for deltas between two
    of one pack unless it is told to.
    """
    note = _state(git_dir) / pack.NOTE
    noted = _noted(git_dir)
    if not noted:
        return False
    there = {path.stem for path in (_common(git_dir) / "objects" / "pack").glob("pack-*.pack")}
    # one that is gone was copied into another: then all are to be packed again
    others = sorted(there - noted) if noted <= there else []
    keep = [f"--keep-pack={name}.pack" for name in others]
    git.run("repack", "-A", "-d", "-l", "-F", "-q", f"--window={_WINDOW}", *keep, settings=_HARD)
    # a harvest may have written another one meanwhile
    left = sorted(_noted(git_dir) - noted)
    if left:
        durable.write_whole(note, "".join(f"{name}\n" for name in left).encode(), note.parent)
    else:
        note.unlink()
    return True


def _noted(git_dir: Path) -> set[str]:
    """Names of the packs we wrote since the last maintenance."""
    try:
        return set((_state(git_dir) / pack.NOTE).read_text("ascii", "replace").split())
    except FileNotFoundError:
        return set()


def _record(git_dir: Path, left: Weight, error: str | None) -> None:
    state = _state(git_dir)
    record = {"at": round(time.time()), "error": error, **left._asdict()}
    durable.write_whole(state / _RECORD, json.dumps(record).encode() + b"\n", state)


def _last(git_dir: Path) -> Weight:
    """What the last maintenance left; nothing where there was none or its record cannot be read."""
    try:
        record = json.loads((_state(git_dir) / _RECORD).read_bytes())
        return Weight(*(int(record[name]) for name in Weight._fields))
    except (OSError, ValueError, KeyError, TypeError):
        return Weight(0, 0, 0, 0)


def _common(git_dir: Path) -> Path:
    """The repository a linked worktree's own folder belongs to; the folder itself where it is no linked one."""
    try:
        return git_dir / (git_dir / "commondir").read_text("utf-8").strip()
    except OSError:
        return git_dir


def _state(git_dir: Path) -> Path:
    state = git_dir / "chasm"
    state.mkdir(exist_ok=True)
    return state


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _size(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # packed and removed while we look
        return None


def main(arguments: list[str]) -> int:
    """The detached process: maintenance of the repository named, quietly. How it went is in the record."""
    if hasattr(os, "nice"):
        os.nice(15)
    try:
        run(Path(arguments[0]))
    except ArchiveLocked:
        return 0
    except ChasmError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
