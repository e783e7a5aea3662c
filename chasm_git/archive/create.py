"""Making an archive: the repository with its settings, and the first commit. What exists already stays as it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from chasm_git.archive import layout
from chasm_git.archive.commit import NOBODY, Writer, commit_object
from chasm_git.archive.config import write_config
from chasm_git.archive.plumbing import durable, refs
from chasm_git.archive.plumbing.discovery import find_repository
from chasm_git.archive.plumbing.journal import publish, recover
from chasm_git.archive.plumbing.trees import write_tree
from chasm_git.archive.repo import Archive, NotAnArchive, open_archive
from chasm_git.errors import ChasmError

_SETTINGS = {
    "core.logAllRefUpdates": "always",  # undo is the reflog, in bare repositories too
    "core.autocrlf": "false",  # files are kept byte for byte
    "core.fsync": "committed",  # objects too, for what git itself commits here
    "gc.auto": "0",  # loose sessions are large: packing goes by bytes, and we start it
    "maintenance.auto": "false",
    "gc.pruneExpire": "90.days",
    "gc.reflogExpire": "never",
    "gc.reflogExpireUnreachable": "never",
    "pack.windowMemory": "268435456",
    "pack.threads": "2",
    "merge.renames": "false",  # a session never moves; two that look alike are forks
    "receive.denyNonFastForwards": "true",
    "receive.denyDeletes": "true",
    "receive.autogc": "false",
    "transfer.fsckObjects": "true",
}
_CREATED = "archive: created"
_WHY = """\
Every archive begins with this very commit, whoever makes it and whenever: so
any two of them have a common ancestor, and git merges them without ado."""
_NOBODY = f"{NOBODY} 1767225600 +0000"
_OWN = {".git", ".gitattributes", "chasm.yaml"}
_BARE = {"HEAD", "chasm", "config", "info", "objects", "refs"}


def own_repository(path: Path, *, bare: bool, branch: str) -> Archive:
    """Make a repository that is an archive, or complete one. Raises ChasmError where something else is there."""
    path = Path(path).absolute()
    full = f"refs/heads/{branch}"
    place = find_repository(path) if path.is_dir() else None
    if place is not None and path in place:
        try:
            return _complete(open_archive(path))
        except NotAnArchive:
            if not _is_unused(*place):
                raise
        top, git_dir = place
        full = refs.symbolic_target(git_dir / "HEAD") or full
    else:
        if path.exists() and not _may_take(path, _BARE if bare else _OWN):
            raise ChasmError(f"{path} is not an empty folder; choose another place for the archive")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir(mode=0o700)  # conversations are private
        top, git_dir = path, path if bare else path / ".git"
    _make_repository(git_dir, top == git_dir, full)
    return _complete(Archive(top, git_dir, None if top == git_dir else top, full))


def inside_project(project: Path, branch: str) -> Archive:
    """Make an archive on a branch of its own in a project's repository. Raises ChasmError where there is none."""
    place = find_repository(project)
    if place is None:
        raise ChasmError(
            f"{project} is not in a git repository; run `git init` there first, or make an archive elsewhere"
        )
    top, git_dir = place
    full = f"refs/heads/{branch}"
    with Archive(top, git_dir, None, full) as archive:
        there = archive.settings.get("chasm.branch")
        if there is not None and archive.settings.get("chasm.project") == "true":
            full = there if there.startswith("refs/") else f"refs/heads/{there}"
            archive.branch = full
        head = archive.head()
        if head is not None and "chasm.yaml" not in archive.files(head, ""):
            raise ChasmError(f"{top} has a branch {branch} already that is no archive; choose another with --branch")
        recover(archive)
        settings = {
            "chasm.branch": full,
            "chasm.project": "true",
            f"gc.{full}.reflogExpire": "never",
            f"gc.{full}.reflogExpireUnreachable": "never",
        }
        write_config(git_dir / "config", settings, archive.scratch)
        _first_commit(archive)
    return open_archive(top)


def _complete(archive: Archive) -> Archive:
    """Settings, attributes and the first commit, as far as they are missing."""
    recover(archive)
    info = archive.git_dir / "info"
    info.mkdir(exist_ok=True)
    if archive.settings.get("chasm.project") != "true":
        write_config(archive.git_dir / "config", {**_SETTINGS, "chasm.branch": archive.branch}, archive.scratch)
        _append_lines(info / "attributes", layout.ATTRIBUTES, archive)
        _append_lines(info / "exclude", layout.EXCLUDES, archive)
    _first_commit(archive)
    archive.close()
    return open_archive(archive.path)


def _first_commit(archive: Archive) -> None:
    if archive.head() is not None:
        return
    with Writer(archive) as writer:
        changes: dict[str, str | None] = {
            ".gitattributes": writer.add("blob", layout.ATTRIBUTES.encode()),
            "chasm.yaml": writer.add("blob", layout.SETTINGS.encode()),
        }
        tree = write_tree(archive, None, changes, writer)
        first = writer.add("commit", commit_object(tree, [], _NOBODY, _NOBODY, f"{_CREATED}\n\n{_WHY}"))
    publish(archive, {archive.branch: (None, first)}, _CREATED)


def _may_take(path: Path, names: set[str]) -> bool:
    """Whether a folder holds nothing but what an interrupted run of ours may have left."""
    return path.is_dir() and {entry.name for entry in path.iterdir()} <= names


def _is_unused(top: Path, git_dir: Path) -> bool:
    """Whether a repository has no refs, and its worktree no files."""
    with Archive(top, git_dir, None, "refs/heads/main") as repository:
        return not refs.list_refs(repository, "refs/") and (top == git_dir or _may_take(top, _OWN))


def _make_repository(git_dir: Path, bare: bool, head: str) -> None:
    """What git itself makes for an empty repository; everything that is there already stays."""
    for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "chasm/tmp"):
        (git_dir / folder).mkdir(parents=True, exist_ok=True)
    scratch = git_dir / "chasm" / "tmp"
    config = git_dir / "config"
    if not config.exists():
        core = ["[core]", "\trepositoryformatversion = 0", f"\tbare = {str(bare).lower()}"]
        core.append(f"\tfilemode = {str(os.name != 'nt').lower()}")
        if (git_dir / "OBJECTS").exists():
            core.append("\tignorecase = true")
        if sys.platform == "darwin":
            core.append("\tprecomposeunicode = true")
        durable.write_whole(config, "\n".join([*core, ""]).encode(), scratch)
    if not (git_dir / "HEAD").exists():
        durable.write_whole(git_dir / "HEAD", f"ref: {head}\n".encode(), scratch)


def _append_lines(path: Path, text: str, archive: Archive) -> None:
    """Add the lines of `text` that a file does not have yet."""
    there = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    missing = [line for line in text.splitlines() if line and line not in there.splitlines()]
    if missing:
        start = there if not there or there.endswith("\n") else there + "\n"
        whole = start + "\n".join(missing) + "\n"
        durable.write_whole(path, whole.encode("utf-8", "surrogateescape"), archive.scratch)
