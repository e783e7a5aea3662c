"""How the sessions of an archive stand to its remote, as it was when git last heard of it."""

from __future__ import annotations

from collections.abc import Mapping

from chasm_git.archive import layout, refs
from chasm_git.archive.git import Git
from chasm_git.archive.repo import Archive


def sync_states(archive: Archive, files: Mapping[str, str]) -> dict[str, str]:
    """How each session file stands to the archive's remote, as last fetched: path -> state.

    ``local-only`` (no remote), ``unsynced`` (not there yet), ``synced``, ``local-ahead``, ``remote-ahead``, or
    ``conflict`` where both sides changed it since.

    Args:
        archive: whose branch `files` is from.
        files: path -> blob, of its latest commit.
    """
    head, remote = archive.head(), _tracked(archive)
    if head is None or remote is None:
        return dict.fromkeys(files, "local-only")
    theirs = archive.files(remote, layout.SESSIONS)
    base: dict[str, str] = {}
    if any(theirs.get(path, blob) != blob for path, blob in files.items()):
        ancestor = Git(archive).text("merge-base", head, remote, ok=(0, 1))
        base = archive.files(ancestor, layout.SESSIONS) if ancestor else {}
    return {path: _state(blob, theirs.get(path), base.get(path)) for path, blob in files.items()}


def _state(ours: str, theirs: str | None, base: str | None) -> str:
    if theirs is None:
        return "unsynced"
    if ours == theirs:
        return "synced"
    if theirs == base:
        return "local-ahead"
    return "remote-ahead" if ours == base else "conflict"


def _tracked(archive: Archive) -> str | None:
    """The commit the remote's branch was at when it was last heard of; of several remotes, git's own choice first."""
    short = archive.branch.removeprefix("refs/heads/")
    known = {ref for ref in refs.list_refs(archive, "refs/remotes/") if ref.endswith(f"/{short}")}
    chosen = archive.settings.get(f"branch.{short}.remote", "origin")
    ref = next(iter(sorted(known, key=lambda ref: (ref != f"refs/remotes/{chosen}/{short}", ref))), None)
    return refs.read_ref(archive, ref) if ref else None
