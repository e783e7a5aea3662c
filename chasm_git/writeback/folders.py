"""Where a session is to go on: the same folder here, another one its user names, or a clone of the same repository."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from chasm_git.archive.config import ConfigUnreadable, read_config
from chasm_git.session.model import Session

_SSH = re.compile(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^@/]*@)?([^:/]+)(?::\d+)?/(.+)", re.IGNORECASE)
_MOST = 500
"""Folders that are looked into at most."""


def plain(folder: str) -> str:
    """A folder as a path, also where a tool has it as a URI."""
    return unquote(folder.removeprefix("file://")) if folder.startswith("file://") else folder


def is_here(folder: str | None) -> bool:
    """Whether a session's folder is on this machine."""
    return folder is not None and "\0" not in folder and Path(plain(folder)).is_dir()


def moved(folder: str, start: str, to: str) -> str:
    """A folder that is `start`, or lies below it, with `to` in its place; `to` itself for any other."""
    path, above = plain(folder).replace("\\", "/").rstrip("/"), plain(start).replace("\\", "/").rstrip("/")
    if path.startswith(above + "/"):
        return str(Path(to, *path[len(above) + 1 :].split("/")))
    return to


def clone_of(session: Session, near: Path) -> Path | None:
    """The clone of a session's repository at a folder: in it, above it, or right below it; None where there is none."""
    known = session.git.get("remote") if type(session.git) is dict else None
    wanted = address(known) if type(known) is str else None
    if wanted is None:
        return None
    return next((folder for folder in _around(near) if wanted in remotes(folder)), None)


def remotes(folder: Path) -> set[str]:
    """The addresses (`address`) of a repository's remotes; none of a folder that is no repository."""
    git = folder / ".git"
    try:
        if git.is_file():  # a worktree, or a submodule: it says where its repository is
            pointed = git.read_text("utf-8", "replace").partition("gitdir:")[2].strip()
            git = Path(os.path.normpath(folder / pointed))
            named = git / "commondir"
            if named.is_file():
                git = Path(os.path.normpath(git / named.read_text("utf-8", "replace").strip()))
        settings = read_config(git / "config")
    except (OSError, ConfigUnreadable):  # it is none we could compare with
        return set()
    urls = (value for name, value in settings.items() if name.startswith("remote.") and name.endswith(".url"))
    return {found for url in urls if (found := address(url)) is not None}


def address(url: str) -> str | None:
    """What two ways of writing a remote have in common: ``example.org/ana/shop``; None for a path."""
    found = _URL.fullmatch(url.strip()) or _SSH.fullmatch(url.strip())
    if found is None:
        return None
    return f"{found[1].lower()}/{found[2].strip('/').removesuffix('.git')}"


def _around(near: Path) -> Iterator[Path]:
    yield near
    yield from near.parents
    try:
        with os.scandir(near) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError:  # the folder cannot be listed: nothing lies below it for us
        return
    yield from (near / name for name in names[:_MOST])
