"""Which folder VS Code keeps the chats of a workspace in: the one it would look into when the workspace is opened.

A workspace has an id, made of its path and of what the file system says of the folder (so a folder that was cloned or
restored anew has a new one; the old storage stays, and is never looked at again)::

    folder of this machine    md5(path + salt)   salt: inode (Linux), creation time in ms (macOS, Windows)
    .code-workspace file      md5(path)          in lower case on macOS and Windows
    remote or virtual folder  md5(URI)

Only editors that keep VS Code's own chats are written to. What runs on a remote machine keeps none (they stay with the
client), and code-server's index is in the browser.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from chasm_git.errors import ChasmError
from chasm_git.providers.base import Env, Problem
from chasm_git.providers.formats import vscode_places as places
from chasm_git.providers.formats.vscode_content import as_dict
from chasm_git.providers.formats.vscode_log import BOM
from chasm_git.providers.formats.vscode_uris import path_of, uri_of
from chasm_git.session import jsonio

EDITORS = ("Code", "Code - Insiders", "Code - Exploration", "Code - OSS", "VSCodium", "VSCodium - Insiders")
"""Data folders of the editors whose chats are VS Code's own. Cursor and others keep theirs elsewhere."""

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


class NoEditor(ChasmError):
    """There is no editor of the family, or none that could open the workspace."""


@dataclass(frozen=True, slots=True)
class Store:
    """Where one editor keeps the chats of one workspace."""

    user: Path
    """The editor's ``User`` folder."""
    folder: Path
    """``workspaceStorage/<id>`` below it; ``globalStorage`` for windows without a folder."""
    uri: str | None = None
    """What the workspace is; None for windows without a folder, and where nothing says it."""

    @property
    def editor(self) -> str:
        """The name of the editor's data folder."""
        return self.user.parent.name

    @property
    def is_global(self) -> bool:
        """Whether it is for windows without a folder."""
        return self.folder.name == "globalStorage"

    @property
    def sessions(self) -> Path:
        """The folder of the session files."""
        return self.folder / ("emptyWindowChatSessions" if self.is_global else "chatSessions")

    @property
    def database(self) -> Path:
        """The database with the index."""
        return self.folder / places.DATABASE


def workspace_json(store: Store) -> tuple[Path, bytes] | None:
    """The file that says what a store is for, where it is missing: its path, and what the editor writes there."""
    path = store.folder / "workspace.json"
    if store.uri is None or store.is_global or path.exists():
        return None
    key = b"workspace" if store.uri.endswith(".code-workspace") else b"folder"
    return path, b'{\n  "' + key + b'": ' + jsonio.dumps(store.uri) + b"\n}"


def users(env: Env) -> list[Path]:
    """The ``User`` folders of all editors that are written to and that are there, in the order of `EDITORS`."""
    found: list[Path] = []
    portable = env.variables.get("VSCODE_PORTABLE")
    for user in places.user_folders(env):
        if isinstance(user, Problem) or user in found:
            continue
        if (user.parent.name in EDITORS or (portable and user.is_relative_to(portable))) and user.is_dir():
            found.append(user)
    return found


def stores(user: Path) -> Iterator[Store]:
    """The stores of an editor: each workspace's, then that of windows without a folder."""
    storage = user / "workspaceStorage"
    try:
        folders = sorted(storage.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        folders = []
    for folder in folders:
        if folder.is_dir():
            yield Store(user, folder, _said(folder / "workspace.json"))
    if (user / "globalStorage").is_dir():
        yield Store(user, user / "globalStorage")


def stores_of(env: Env, workspace: str) -> list[Store]:
    """The stores that are, or once were, for a workspace: in each editor the one it looks into first, then by age.

    Args:
        workspace: a path, or a URI.
    """
    found = []
    for user in users(env):
        same = [store for store in stores(user) if store.uri is not None and _same(store.uri, workspace, env)]
        live = workspace_id(workspace, env)
        found += sorted(same, key=lambda store: (store.folder.name != live, -_changed(store)))
    return found


def store_for(env: Env, workspace: str | None, editor: str | None = None) -> Store:
    """The store an editor will look into when it opens a workspace; it may have to be made.

    The editor is the one that knows the workspace best: that has the live store for it, or had one, else the first.

    Args:
        workspace: a path or a URI; None for windows without a folder.
        editor: the name of its data folder (``Code``, ``VSCodium``); None = the one that fits.

    Raises NoEditor.
    """
    candidates = [user for user in users(env) if editor is None or user.parent.name == editor]
    if not candidates:
        named = editor or "VS Code"
        raise NoEditor(f"{named} has never run here: no {env.config_home() / (editor or EDITORS[0]) / 'User'}")
    if workspace is None:
        return Store(candidates[0], candidates[0] / "globalStorage")
    live, known = workspace_id(workspace, env), stores_of(env, workspace)
    known = [store for store in known if store.user in candidates]
    if live is None:
        if not known:
            raise NoEditor(f"{workspace} is not on this machine, and no editor knows it")
        return known[0]
    for store in known:
        if store.folder.name == live:
            return store
    user = known[0].user if known else candidates[0]
    return Store(user, user / "workspaceStorage" / live, _uri(workspace))


def workspace_id(workspace: str, env: Env) -> str | None:
    """The id VS Code gives a workspace; None for a folder that is not there."""
    if _is_uri(workspace):
        return _md5(workspace)
    path = _fs_path(workspace)
    if path.endswith(".code-workspace"):
        return _md5(path if env.platform.startswith("linux") else path.lower())
    try:
        there = Path(workspace).stat()
    except (OSError, ValueError):
        return None
    return _md5(path + salt(there, env.platform))


def salt(there: os.stat_result, platform: str) -> str:
    """What of a folder's identity on disk goes into its id; it stays when the folder is moved."""
    born = getattr(there, "st_birthtime", there.st_ctime)
    if platform == "darwin":
        return str(math.floor(born * 1000 + 0.5))
    if platform == "win32":
        return str(math.floor(born * 1000))
    return str(there.st_ino) if there.st_ino else ""


def _fs_path(path: str) -> str:
    """A path as VS Code writes it: without a slash at its end, the letter of a drive in lower case."""
    if _DRIVE.match(path):
        path = path[0].lower() + path[1:].replace("/", "\\")
        return path.rstrip("\\") if len(path) > 3 else path
    return path.rstrip("/") or "/"


def _uri(workspace: str) -> str:
    """The URI of a workspace, written as VS Code writes it."""
    if _is_uri(workspace):
        return workspace
    path = _fs_path(workspace)
    if path.startswith("\\\\"):
        return "file:" + quote(path.replace("\\", "/"), safe="/~")
    if _DRIVE.match(path):
        path = "/" + path.replace("\\", "/")
    return "file://" + quote(os.fsencode(path), safe="/~")


def _is_uri(workspace: str) -> bool:
    return _URI.match(workspace) is not None and not _DRIVE.match(workspace)


def _same(uri: str, workspace: str, env: Env) -> bool:
    if _is_uri(workspace):
        return unquote(uri).rstrip("/") == unquote(workspace).rstrip("/")
    one, other = _fs_path(path_of(uri)), _fs_path(workspace)
    return one == other or (env.platform == "win32" and one.lower() == other.lower())


def _said(path: Path) -> str | None:
    """What ``workspace.json`` says; None where it says nothing that can be read."""
    try:
        value = as_dict(jsonio.loads(path.read_bytes().removeprefix(BOM)))
    except (OSError, ValueError):
        return None
    configuration = value.get("configuration")
    for named in (value.get("folder"), value.get("workspace"), configuration, as_dict(configuration).get("configPath")):
        if (uri := uri_of(named)) is not None:
            return uri
    return None


def _changed(store: Store) -> float:
    for path in (store.database, store.folder):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0


def _md5(text: str) -> str:
    return hashlib.md5(os.fsencode(text), usedforsecurity=False).hexdigest()
