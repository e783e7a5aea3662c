"""Who last touched each message of a session: git's blame, line by line, gathered per message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chasm_git.archive.history import Commit, path_history, read_commit
from chasm_git.archive.plumbing.git import Git
from chasm_git.errors import ChasmError
from chasm_git.session import blocks, codec
from chasm_git.session.display import gist

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_BLAMED = re.compile(rb"([0-9a-f]{40,64}) \d+ (\d+) (\d+)\n")


@dataclass(frozen=True, slots=True)
class Touched:
    """A message, and the last commit that changed anything in it."""

    id: str
    role: str
    timestamp: str | None
    text: str
    """What it says, in a line."""
    commit: Commit


def blame(archive: Archive, commit: str, path: str) -> list[Touched]:
    """Every message of a session as of `commit`, with the last commit that changed it.

    Raises KeyError where there is no such file, ChasmError where its messages cannot be told apart, GitMissing.
    """
    data = archive.read_path(commit, path)
    try:
        head, listed = blocks.split(data)
    except ValueError:
        raise ChasmError(
            f"{path} was edited by hand, so its messages cannot be told apart by line; `git blame {path}` shows lines"
        ) from None
    git = Git(archive)
    owners = _line_owners(git, commit, path)
    rank = {name: -place for place, name in enumerate(path_history(archive, commit, path))}
    known: dict[str, Commit] = {}
    touched = []
    line = head.count(b"\n") + 1  # the line `messages:`
    above: str | None = None
    for block in listed:
        length = block.count(b"\n") + 1
        last = max(set(owners[line : line + length]), key=lambda name: rank.get(name, -len(rank)))
        if last not in known:
            known[last] = read_commit(archive, last)
        message = codec.loads_message(block, above)
        touched.append(Touched(message.id, message.role, message.timestamp, gist(message), known[last]))
        line += length
        above = message.id
    return touched


def _line_owners(git: Git, commit: str, path: str) -> list[str]:
    """The commit each line of a file comes from."""
    owners: dict[int, str] = {}
    with git.stream("blame", "--incremental", "--no-textconv", commit, "--", path) as out:
        for row in out:
            found = _BLAMED.fullmatch(row)
            if found is not None:
                name, first, count = found[1].decode("ascii"), int(found[2]) - 1, int(found[3])
                for number in range(first, first + count):
                    owners[number] = name
    return [owners[number] for number in range(len(owners))]
