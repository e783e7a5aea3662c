"""The whole archive as one file, for a drive or a mail: git's own format, so `git clone FILE` is the way back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive.plumbing import durable, refs
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.syncing.remote import PROVIDERS, TAGS
from chasm_git.archive.syncing.syncrefs import archive_tree
from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was written."""

    path: Path
    size: int
    """Bytes."""
    commit: str
    refs: int


def write_bundle(archive: Archive, path: Path, *, force: bool = False, dry_run: bool = False) -> Bundle:
    """Write branch, snapshots and provider refs with all their history into a file, whole or not at all.

    Args:
        force: replace a file that is there.
        dry_run: write nothing; the size is 0 then.

    Raises ChasmError where there is a file, or nothing to write; GitError, OSError.
    """
    path = path.expanduser().absolute()
    if os.path.lexists(path) and not force:
        raise ChasmError(f"{path} exists; choose another place, or write over it with --force")
    head = archive.head()
    if head is None:
        raise ChasmError("the archive has no commit yet; there is nothing to write")
    names = [archive.branch]
    if refs.symbolic_target(archive.git_dir / "HEAD") == archive.branch:
        names.append("HEAD")  # what a clone of the bundle checks out
    names += [ref for ref, value in refs.list_refs(archive, TAGS).items() if archive_tree(archive, value) is not None]
    names += refs.list_refs(archive, PROVIDERS)
    if dry_run:
        return Bundle(path, 0, head, len(names))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{durable.scratch_name()}.tmp")
    git = Git(archive)
    try:
        git.run("bundle", "create", "-q", str(unfinished), "--stdin", stdin="\n".join([*names, ""]).encode())
        git.run("bundle", "verify", "-q", str(unfinished))
        durable.flush_files([unfinished])
        if not force and os.path.lexists(path):
            raise ChasmError(f"{path} appeared while it was written; choose another place")
        unfinished.replace(path)
    finally:
        durable.remove(unfinished)
        durable.remove(unfinished.with_name(unfinished.name + ".lock"))
    return Bundle(path, path.stat().st_size, head, len(names))
