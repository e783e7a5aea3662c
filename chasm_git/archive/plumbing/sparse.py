"""Sparse checkouts: which files a person wants to see in a worktree. What comes new is not put among the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive.config import is_true, read_config

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


def wanted_in(archive: Archive, git_dir: Path) -> Callable[[str], bool] | None:
    """Says of a path whether a worktree is to have it; None where it is to have all.

    Args:
        git_dir: where the worktree's HEAD and index are.

    Raises ConfigUnreadable.
    """
    settings = archive.settings
    if is_true(settings.get("extensions.worktreeconfig")):
        settings = {**settings, **read_config(git_dir / "config.worktree")}
    if not is_true(settings.get("core.sparsecheckout")):
        return None
    try:
        lines = (git_dir / "info" / "sparse-checkout").read_text("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return None  # git takes all, too
    from dulwich.sparse_patterns import sparse_path_matcher

    # patterns of cone mode mean the same without it
    matches = sparse_path_matcher(lines, cone=False, ignorecase=is_true(settings.get("core.ignorecase")))
    return lambda path: matches(path.encode("utf-8", "replace").decode())
