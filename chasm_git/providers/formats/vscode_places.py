"""Where the VS Code family keeps its chat sessions. Looks at folders only.

::

    <user>/workspaceStorage/<id>/workspace.json                 which folder the <id> is for
    <user>/workspaceStorage/<id>/chatSessions/<session>.json    a session as one object (until 1.108)
    <user>/workspaceStorage/<id>/chatSessions/<session>.jsonl   as a mutation log; the .json beside it is then old
    <user>/workspaceStorage/<id>/state.vscdb                    where sessions stood before 1.92
    <user>/workspaceStorage/<id>/GitHub.copilot-chat/chat-session-resources/<session>/…    see `vscode_results`
    <user>/globalStorage/emptyWindowChatSessions/…              sessions of windows without a folder
    <user>/globalStorage/transferredChatSessions/…              on their way to another window

``<user>`` is the ``User`` folder of an editor's data: desktop, remote server, code-server, flatpak, portable.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from chasm_git.providers.base import Env, Problem, Source, stamp
from chasm_git.providers.formats.vscode_results import RESULTS, STORAGE, files_below
from chasm_git.providers.reading.folders import listed

EDITORS = (
    "Code",
    "Code - Insiders",
    "Code - Exploration",
    "Code - OSS",
    "VSCodium",
    "VSCodium - Insiders",
    "Cursor",
    "Cursor Nightly",
    "Windsurf",
    "Windsurf - Next",
    "Kiro",
    "Trae",
    "Trae CN",
    "Antigravity",
    "Positron",
    "PearAI",
    "Void",
)
"""Names of the editors' data folders."""

SERVERS = (
    ".vscode-server",
    ".vscode-server-insiders",
    ".vscode-server-oss",
    ".vscodium-server",
    ".cursor-server",
    ".windsurf-server",
    ".kiro-server",
    ".trae-server",
    ".antigravity-server",
    ".openvscode-server",
)
"""Folders below home of the parts that run on a remote machine."""

DATABASE = "state.vscdb"
_GLOBAL = ("emptyWindowChatSessions", "transferredChatSessions")


def sources(env: Env, provider: str) -> Iterator[Source | Problem]:
    """All session files, and the databases that may hold sessions from before there were files."""
    for user in user_folders(env):
        if isinstance(user, Problem):
            yield user
            continue
        places = _Places(provider, env.home)
        yield from places.workspaces(user / "workspaceStorage")
        for name in _GLOBAL:
            yield from places.sessions(user / "globalStorage" / name)


def user_folders(env: Env) -> Iterator[Path | Problem]:
    """Where the ``User`` folders of all editors would be."""
    if portable := env.variables.get("VSCODE_PORTABLE"):
        yield Path(portable) / "user-data" / "User"
    configs: list[Path] = [env.config_home()]
    if env.platform not in ("win32", "darwin"):
        packages = env.home / ".var" / "app"
        for found in _listed(packages):
            if isinstance(found, Problem):
                yield found
            else:
                configs.append(packages / found.name / "config")
    for config in configs:
        for name in EDITORS:
            yield config / name / "User"
    for name in SERVERS:
        yield env.home / name / "data" / "User"
    yield env.folder("XDG_DATA_HOME", ".local/share") / "code-server" / "User"


def _listed(folder: Path) -> Iterator[os.DirEntry[str] | Problem]:
    """A folder's entries by name; none where there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield Problem(str(folder), error.strerror or str(error))
        return
    yield from found


class _Places:
    """Makes sources of one editor's folders."""

    def __init__(self, provider: str, home: Path) -> None:
        self._provider = provider
        self._home = home

    def workspaces(self, storage: Path) -> Iterator[Source | Problem]:
        """Sessions of each workspace; its database where it has no files."""
        for found in _listed(storage):
            if isinstance(found, Problem):
                yield found
                continue
            entries: dict[str, os.DirEntry[str]] = {}
            for entry in _listed(storage / found.name):
                if isinstance(entry, Problem):
                    yield entry
                else:
                    entries[entry.name] = entry
            beside = entries.get("workspace.json")
            has_files = False
            if "chatSessions" in entries:
                extension = storage / found.name / STORAGE if STORAGE in entries else None
                for source in self.sessions(storage / found.name / "chatSessions", beside, extension):
                    has_files = True
                    yield source
            if not has_files and DATABASE in entries:
                files = [entries[name] for name in (DATABASE, DATABASE + "-wal") if name in entries]
                yield from self._source(storage / found.name / DATABASE, files, beside)

    def sessions(
        self, folder: Path, beside: os.DirEntry[str] | None = None, extension: Path | None = None
    ) -> Iterator[Source | Problem]:
        """The sessions of one folder, each with both its files, and with what an extension wrote into files for it."""
        by_stem: dict[str, list[os.DirEntry[str]]] = {}
        for entry in _listed(folder):
            if isinstance(entry, Problem):
                yield entry
                continue
            stem, dot, suffix = entry.name.rpartition(".")
            if dot and suffix in ("json", "jsonl") and stem and not stem.startswith("."):
                by_stem.setdefault(stem, []).append(entry)
        faults: list[Problem] = []
        spilled = {entry.name for entry in listed(extension / RESULTS, faults)} if extension is not None else set()
        for stem, files in by_stem.items():
            results = {}
            if extension is not None and stem in spilled:
                results = dict(files_below(extension, f"{RESULTS}/{stem}", faults))
            yield from self._source(folder / files[-1].name, files, beside, results)
        yield from faults

    def _source(
        self,
        path: Path,
        files: list[os.DirEntry[str]],
        beside: os.DirEntry[str] | None,
        results: Mapping[str, os.DirEntry[str]] | None = None,
    ) -> Iterator[Source | Problem]:
        """A source for files of which the one at `path` counts; nothing where they have gone since."""
        try:
            if not files[-1].is_file() and path.name != DATABASE:
                return
            others = [*([beside] if beside is not None else []), *(results or {}).values()]
            stats = [entry.stat() for entry in (*files, *others)]
        except FileNotFoundError:
            return
        except OSError as error:
            yield Problem(str(path), error.strerror or str(error))
            return
        yield Source(self._provider, self._key(path), path, stamp(*stats), [*results] if results else None)

    def _key(self, path: Path) -> str:
        """A session keeps its key when it moves from one kind of file to the other."""
        named = path if path.name == DATABASE else path.with_suffix("")
        return (named.relative_to(self._home) if named.is_relative_to(self._home) else named).as_posix()
