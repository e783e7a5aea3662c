"""What a folder is, as far as sessions could know it again: its repository, its name, its files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from chasm_git.archive.plumbing.git import Git, GitError, GitMissing
from chasm_git.writeback import folders

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class _Repository:
    """As `archive.git.Place`."""

    git_dir: Path
    worktree: Path | None


@dataclass
class Place:
    """A folder of this machine, or one that was."""

    path: Path
    _held: dict[str, bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.name

    @cached_property
    def is_here(self) -> bool:
        """Whether there is such a folder."""
        return self.path.is_dir()

    @cached_property
    def top(self) -> Path | None:
        """The folder of the repository it lies in."""
        return next((folder for folder in (self.path, *self.path.parents) if (folder / ".git").exists()), None)

    @cached_property
    def addresses(self) -> set[str]:
        """The remotes of its repository, as `folders.address` writes them."""
        return folders.remotes(self.top) if self.top is not None else set()

    @cached_property
    def roots(self) -> set[str]:
        """The first commits of its repository; none where it has none, or they are not all here (a shallow clone)."""
        if self._git is None or (self._git_dir is not None and (self._git_dir / "shallow").exists()):
            return set()
        try:
            said = self._git.text("rev-list", "--max-parents=0", "HEAD")
        except (GitError, GitMissing, OSError):  # a repository without a commit, or one that git refuses
            return set()
        return set(said.split())

    def has_commit(self, commit: str) -> bool:
        """Whether its repository holds a commit."""
        if commit not in self._held:
            self.ask([commit])
        return self._held.get(commit, False)

    def ask(self, commits: list[str]) -> None:
        """Look for some commits at once."""
        wanted = [commit for commit in commits if _COMMIT.fullmatch(commit)]
        self._held.update(dict.fromkeys(commits, False))
        if self._git is None or not wanted:
            return
        try:
            said = self._git.run("cat-file", "--batch-check", stdin=b"".join(b"%s\n" % one.encode() for one in wanted))
        except (GitError, GitMissing, OSError):
            return
        for commit, line in zip(wanted, said.split(b"\n"), strict=False):
            self._held[commit] = b" commit " in line

    def has(self, path: str) -> bool:
        """Whether a path below it is there."""
        try:
            return (self.path / path).exists()
        except (OSError, ValueError):  # a name no system could have
            return False

    @cached_property
    def _git_dir(self) -> Path | None:
        return self.top / ".git" if self.top is not None else None

    @cached_property
    def _git(self) -> Git | None:
        if self.top is None or self._git_dir is None:
            return None
        folder = self._git_dir
        if folder.is_file():  # a worktree, or a submodule: git finds its own way from there
            try:
                pointed = folder.read_text("utf-8", "replace").partition("gitdir:")[2].strip()
            except OSError:
                return None
            folder = self.top / pointed
        return Git(_Repository(folder, None), folder=self.top) if folder.is_dir() else None
