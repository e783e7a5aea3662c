"""What differs now: the worktree from the latest commit, the branch from its remotes. Nothing is changed by looking."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from chasm_git.archive import layout
from chasm_git.archive.plumbing import refs
from chasm_git.archive.plumbing.checkout import checkouts
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.syncing import syncstate

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive
    from chasm_git.archive.syncing.syncstate import Mode

State = Literal["modified", "new", "deleted", "conflict"]


@dataclass(frozen=True, slots=True)
class Edited:
    """A file that is not as the latest commit has it."""

    path: str
    state: State
    staged: bool
    """Whether (some of) it is in the index."""


@dataclass(frozen=True, slots=True)
class RemoteState:
    """How the branch stands to a remote's, as last fetched."""

    name: str
    """``origin/main``."""
    commit: str
    ahead: int
    """Commits it does not have."""
    behind: int
    """Commits we do not have."""
    mode: Mode = "offline"
    """``offline``, ``online``, ``syncing`` (now, by any process), ``error``: how it was when it was last tried."""
    last_sync: str | None = None
    """When a sync with it last came to its end: UTC, ISO 8601."""


def edited(archive: Archive) -> list[Edited]:
    """Files in the worktree (or staged) that differ from the latest commit, by path; none where there is no worktree.

    None, too, while the worktree shows another branch. Raises GitMissing, GitError.
    """
    if not shows_branch(archive):
        return []
    out = Git(archive).run(
        "status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=all"
    )
    found = []
    for line in out.decode("utf-8", "surrogateescape").split("\0"):
        kind = line[:1]
        if kind == "?":
            found.append(Edited(line[2:], "new", False))
        elif kind == "u":
            found.append(Edited(line.split(" ", 10)[10], "conflict", True))
        elif kind == "1":
            _, codes, _, _, _, _, _, _, path = line.split(" ", 8)
            state: State = "deleted" if codes[1] == "D" or codes == "D." else "new" if codes[0] == "A" else "modified"
            found.append(Edited(path, state, codes[0] != "."))
    return sorted(found, key=lambda one: one.path)


def shows_branch(archive: Archive) -> bool:
    """Whether there is a worktree of the archive's own, with its branch checked out."""
    return archive.worktree is not None and any(one.worktree == archive.worktree for one in checkouts(archive))


def worktree_files(archive: Archive) -> dict[str, bytes | None]:
    """Contents of the session files in the worktree that differ from the latest commit; None for a deleted one."""
    found: dict[str, bytes | None] = {}
    for one in edited(archive):
        if layout.parse_session_path(one.path) is not None:
            found[one.path] = content(archive, one.path)
    return found


def remotes(archive: Archive) -> list[RemoteState]:
    """How the branch stands to every remote that has it. Raises GitMissing, GitError."""
    short = archive.branch.removeprefix("refs/heads/")
    head = archive.head()
    found = []
    for ref, commit in refs.list_refs(archive, "refs/remotes/").items():
        remote, _, branch = ref.removeprefix("refs/remotes/").partition("/")
        if branch != short or head is None:
            continue
        counts = Git(archive).text("rev-list", "--left-right", "--count", f"{head}...{commit}")
        ahead, behind = map(int, counts.split())
        known = syncstate.known(archive, remote)
        mode: Mode = "syncing" if syncstate.is_syncing(archive) else known.mode
        found.append(RemoteState(f"{remote}/{branch}", commit, ahead, behind, mode, known.synced))
    return found


def content(archive: Archive, path: str) -> bytes | None:
    """A file of the worktree; None where there is none, or something that is no regular file."""
    assert archive.worktree is not None
    file = archive.worktree / path
    try:
        inside = file.parent.resolve().is_relative_to(archive.worktree.resolve())
        return file.read_bytes() if inside and stat.S_ISREG(file.lstat().st_mode) else None
    except (FileNotFoundError, NotADirectoryError):
        return None
