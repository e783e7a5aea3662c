"""The worktrees that show a branch, and whether anything there forbids moving it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from chasm_git.archive.config import is_true
from chasm_git.archive.plumbing.refs import symbolic_target
from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}


class BranchBusy(ChasmError):
    """The branch must not move now: git itself would move it back."""


class Checkout(NamedTuple):
    """A worktree with the branch checked out."""

    worktree: Path
    git_dir: Path
    """Where this worktree's HEAD and index are."""

    @property
    def index_file(self) -> Path:
        """Its index file."""
        return self.git_dir / "index"


def checkouts(archive: Archive) -> list[Checkout]:
    """The worktrees whose HEAD is on the archive's branch: its own, a project's, linked ones."""
    return [found for found in _worktrees(archive) if symbolic_target(found.git_dir / "HEAD") == archive.branch]


def operation(checkout: Checkout) -> str | None:
    """What a person has begun and not finished there: ``merge``, ``cherry-pick``, ``revert``, ``rebase``; or None."""
    return next((name for file, name in _UNDER_WAY.items() if (checkout.git_dir / file).exists()), None)


def require_movable(archive: Archive) -> None:
    """Raises BranchBusy while the branch is being rebased: aborting the rebase would take away what we add."""
    for found in _worktrees(archive):
        for folder in ("rebase-merge", "rebase-apply"):
            name = found.git_dir / folder / "head-name"
            if name.is_file() and name.read_text(errors="replace").strip() == archive.branch:
                raise BranchBusy(
                    f"a rebase of {archive.branch.removeprefix('refs/heads/')} is under way in {found.worktree}; "
                    "finish it with `git rebase --continue` or `git rebase --abort` there, then try again"
                )


def _worktrees(archive: Archive) -> list[Checkout]:
    found: list[Checkout] = []
    if archive.path != archive.git_dir and not is_true(archive.settings.get("core.bare")):
        found.append(Checkout(archive.path, archive.git_dir))
    for gitdir in archive.git_dir.glob("worktrees/*/gitdir"):
        dot_git = (gitdir.parent / gitdir.read_text(encoding="utf-8", errors="surrogateescape").strip()).resolve()
        if dot_git.is_file():
            found.append(Checkout(dot_git.parent, gitdir.parent))
    return found
