"""Sessions that lie on this machine and that their tool does not show, because what they hang on has gone.

A folder was moved or deleted; VS Code made a new storage for a folder that was cloned anew and never looks into the old
one; its list has lost sessions whose files are there.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from chasm_git.archive import layout
from chasm_git.providers.base import Env, Problem
from chasm_git.providers.formats import vscode_places as places
from chasm_git.providers.formats.vscode_uris import path_of
from chasm_git.providers.writers import vscode_register, vscode_workspaces
from chasm_git.providers.writers.vscode_workspaces import Store
from chasm_git.recovery.facts import Facts, local

Why = Literal["folder gone", "superseded", "unlisted"]
"""``superseded``: the folder is there, and its tool looks somewhere else for its sessions; ``unlisted``: the files are
where the tool looks, and are missing from its list."""


@dataclass(slots=True)
class Orphan:
    """Sessions of one tool and one folder."""

    provider: str
    why: Why
    place: str
    """Folder or file that holds them."""
    workspace: str | None
    sessions: list[str] = field(default_factory=list)
    moved_to: str | None = None
    """Where the folder is now, as far as that is certain."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {name: getattr(self, name) for name in self.__slots__}


def of_vscode(env: Env, problems: list[Problem]) -> Iterator[Orphan]:
    """Storage of the VS Code family that is looked into no more, and files that its lists lack."""
    for store in _stores(env, problems):
        files = vscode_register.session_files(store)
        if not files or store.is_global:
            continue
        path = Path(path_of(store.uri)) if store.uri is not None and store.uri.startswith("file://") else None
        named = str(path) if path is not None else store.uri
        if store.uri is None or (path is not None and not path.exists()):
            yield Orphan("vscode", "folder gone", str(store.folder), named, sorted(files))
        elif path is not None and store.folder.name != vscode_workspaces.workspace_id(str(path), env):
            yield Orphan("vscode", "superseded", str(store.folder), named, sorted(files), str(path))
    for report in _unlisted(env, problems):
        uri = report.store.uri
        named = path_of(uri) if uri is not None and uri.startswith("file://") else uri
        lost = sorted(report.added | report.mended)
        if lost:
            yield Orphan("vscode", "unlisted", str(report.store.folder), named, lost, named)


def of_others(sessions: Iterable[Facts], sources: dict[tuple[str, str], str]) -> Iterator[Orphan]:
    """Sessions of other tools whose folder is gone.

    Args:
        sources: the file each session is in on this machine, by provider and name in the archive.
    """
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for one in sessions:
        place = one.source or sources.get((one.provider, layout.file_name(one.id)))
        held = local(one.workspace)
        if place is None or held is None or one.provider == "vscode" or one.parent is not None or held.exists():
            continue
        found[one.provider, str(held)].append((one.id, str(Path(place).parent)))
    for (provider, workspace), listed in sorted(found.items()):
        common = os.path.commonpath([place for _, place in listed])
        yield Orphan(provider, "folder gone", common, workspace, sorted(key for key, _ in listed))


def moved_here(env: Env, folder: Path) -> dict[str, str]:
    """Folders that were this one before it was moved on its disk, with how that is known: VS Code's ids say it.

    An id is made of a folder's path and of what the file system says of it, which stays when it is moved.
    """
    try:
        there = folder.stat()
    except OSError:
        return {}
    found = {}
    for store in _stores(env, []):
        if store.uri is None or not store.uri.startswith("file://") or store.is_global:
            continue
        path = path_of(store.uri).rstrip("/") or "/"
        if path != str(folder) and store.folder.name == _id(path, there, env):
            found[path] = f"the identity VS Code noted of {path} is that of this folder: it was moved"
    return found


def _id(path: str, there: os.stat_result, env: Env) -> str:
    """VS Code's id of a folder as it was at another path: see `vscode_workspaces`."""
    text = path + vscode_workspaces.salt(there, env.platform)
    return hashlib.md5(os.fsencode(text), usedforsecurity=False).hexdigest()


def _stores(env: Env, problems: list[Problem]) -> Iterator[Store]:
    """The storage of every editor that keeps VS Code's own chats, each folder once."""
    seen: set[Path] = set()
    for user in places.user_folders(env):
        if isinstance(user, Problem):
            problems.append(user)
        elif user not in seen and user.is_dir():
            seen.add(user)
            try:
                yield from vscode_workspaces.stores(user)
            except OSError as error:
                problems.append(Problem(str(error.filename or user), error.strerror or str(error)))


def _unlisted(env: Env, problems: list[Problem]) -> list[vscode_register.Registered]:
    try:
        made = vscode_register.register(env, backup=Path(os.devnull), dry_run=True)
    except OSError as error:
        problems.append(Problem(str(error.filename or "VS Code"), error.strerror or str(error)))
        return []
    live = []
    for report in made:
        problems += report.problems
        uri = report.store.uri
        if uri is None and not report.store.is_global:  # nobody knows whose list it would be
            continue
        is_local = not report.store.is_global and uri is not None and uri.startswith("file://")
        if not is_local or report.store.folder.name == vscode_workspaces.workspace_id(path_of(uri or ""), env):
            live.append(report)
    return live
