"""Objects that must be gone for good: the second half of `erase`, which a stop in between does not lose.

What is to go is noted in ``$GIT_DIR/chasm/forgetting`` before the refs move; `finish` does what the note says. It
removes those objects and no others, so what a person has left lying about unreachable stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive.plumbing import durable
from chasm_git.archive.plumbing.git import Git
from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_NOTE = "forgetting"
_ID = re.compile(rb"[0-9a-f]{40,64}")
_LETTERS = ("COMMIT_EDITMSG", "MERGE_MSG", "SQUASH_MSG")


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What is to be removed."""

    session: str
    objects: list[str]


def remember(archive: Archive, leftovers: Leftovers) -> None:
    """Note what `finish` shall remove, before anything moves."""
    data = json.dumps({"session": leftovers.session, "objects": leftovers.objects}).encode()
    durable.write_whole(archive.state_dir / _NOTE, data, archive.scratch)


def finish(archive: Archive) -> int:
    """Remove what the note names and nothing reaches any more; returns how many objects went.

    Raises ChasmError where some cannot be removed, with the note kept.
    """
    try:
        noted = json.loads((archive.state_dir / _NOTE).read_bytes())
        session, objects = str(noted["session"]), {str(one) for one in noted["objects"]}
    except FileNotFoundError:
        return 0
    except (ValueError, KeyError, TypeError) as error:
        raise ChasmError(f"{archive.state_dir / _NOTE} is damaged; remove it and forget the session again") from error
    git = Git(archive)
    objects -= _still_reached(git, objects)
    _forget_logs(archive, objects)
    _forget_heads(archive, objects, session)
    archive.close()
    for graph in _graphs(archive.git_dir / "objects" / "info"):
        durable.remove(graph)
    git.run("repack", "-A", "-d", "-l", "-q", settings=("repack.writeBitmaps=false", "pack.writeReverseIndex=false"))
    for one in objects:
        durable.remove(archive.git_dir / "objects" / one[:2] / one[2:])
    left = _there(git, objects)
    if left:
        kept = ", ".join(sorted(path.name for path in (archive.git_dir / "objects" / "pack").glob("*.keep")))
        why = f"packs are kept as they are by {kept}: remove that file" if kept else "git keeps them in a pack"
        raise ChasmError(f"{len(left)} objects of {session} are still there: {why}, and run it again")
    durable.remove(archive.state_dir / _NOTE)
    for cache in ("cache.sqlite3", "summaries.sqlite3"):
        for ending in ("", "-journal", "-wal", "-shm"):
            (archive.state_dir / (cache + ending)).unlink(missing_ok=True)
    return len(objects)


def _still_reached(git: Git, objects: set[str]) -> set[str]:
    """Those that a ref has got hold of again."""
    listed = git.run("rev-list", "--objects", "--no-object-names", "--all").decode("ascii").split()
    return objects.intersection(listed)


def _there(git: Git, objects: set[str]) -> set[str]:
    asked = "".join(f"{one}\n" for one in sorted(objects)).encode()
    told = git.run("cat-file", "--batch-check=%(objectname)", stdin=asked).decode("ascii").split("\n")
    return {line for line in told if line and not line.endswith(" missing")}


def _forget_logs(archive: Archive, objects: set[str]) -> None:
    """Take the lines that name such a commit out of every reflog."""
    for folder in (archive.git_dir / "logs", *archive.git_dir.glob("worktrees/*/logs")):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if not path.is_file():
                continue
            lines = path.read_bytes().splitlines(keepends=True)
            kept = [line for line in lines if objects.isdisjoint(_ids(line[:160]))]
            if len(kept) != len(lines):
                durable.write_whole(path, b"".join(kept), archive.scratch)


def _forget_heads(archive: Archive, objects: set[str], session: str) -> None:
    """Remove what remembers such a commit for a while: ORIG_HEAD, FETCH_HEAD; and messages that name the session."""
    for folder in (archive.git_dir, *archive.git_dir.glob("worktrees/*")):
        for path in folder.glob("*_HEAD"):
            if path.is_file() and not objects.isdisjoint(_ids(path.read_bytes())):
                durable.remove(path)
        for name in _LETTERS:
            path = folder / name
            if path.is_file() and session.encode("utf-8", "replace") in path.read_bytes():
                durable.remove(path)


def _ids(data: bytes) -> Iterator[str]:
    return (found.decode("ascii") for found in _ID.findall(data))


def _graphs(info: Path) -> Iterator[Path]:
    """Files in which git remembers commits: it makes them again."""
    yield from (path for path in (info / "commit-graph", *info.glob("commit-graphs/*")) if path.is_file())
