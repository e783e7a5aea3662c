"""Cursor: conversations of the editor, and sessions of its terminal agent.

See `cursor_composers` for the editor's databases and `cursor_agent` for the agent's stores and transcripts. One
conversation may stand in several of them: a store counts before its transcript, a database before both.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.cursor_agent import AgentTranscript, read_store
from chasm_git.providers.formats.cursor_composers import TABLE, folder_of, read_global, read_workspace
from chasm_git.providers.formats.vscode_places import DATABASE, user_folders
from chasm_git.providers.reading import document, folders, jsonl, sqlite_copy, table_rows
from chasm_git.providers.reading.values import as_dict, as_list, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session
from chasm_git.session.native import unfold

_EDITORS = frozenset({"Cursor", "Cursor Nightly", ".cursor-server"})
_STORES = ("chats", "acp-sessions")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_SIGNS = re.compile(r"[^A-Za-z0-9]+")


class Cursor(Provider):
    """Conversations of the editor from its first versions to 3, sessions of the terminal agent."""

    name = "cursor"
    title = "Cursor"
    note = "conversations in the editor's databases, the agent's stores and transcripts; not its copies of files"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All databases, then all stores, then transcripts of what has neither. See `Provider.discover`."""
        faults: list[Problem] = []
        users: list[str] = []
        for user in user_folders(env):
            if isinstance(user, Problem):
                yield user
            elif _EDITORS.intersection(user.parts[-3:]):
                users.append(str(user))
                yield from self._database(user / "globalStorage" / DATABASE, env)
                for folder in folders.folders(user / "workspaceStorage", faults):
                    yield from self._database(Path(folder.path) / DATABASE, env)
        home = env.home / ".cursor"
        stored: dict[str, str] = {}
        for name in _STORES:
            groups = folders.folders(home / name, faults)
            for group in groups:
                for folder in folders.folders(group.path, faults) if name == "chats" else [group]:
                    place = Path(folder.path)
                    stored[folder.name] = str(place)
                    yield from self._database(place / "store.db", env)
        for project in folders.folders(home / "projects", faults):
            for entry in folders.listed(Path(project.path) / "agent-transcripts", faults):
                yield from self._transcripts(project.name, entry, stored, users, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """All conversations of a database, or one session. See `Provider.read`."""
        path, reading = source.path, Reading()
        if path.name == "store.db":
            read_store(path, reading)
        elif path.name == DATABASE and path.parent.name == "globalStorage":
            read_global(path, reading)
        elif path.name == DATABASE:
            read_workspace(path, reading)
        else:
            return _read_transcript(source)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """A transcript's lines; else a document with the rows, or the object, that the conversation is."""
        native = as_dict(session.native)
        name = session.id if _NAME.fullmatch(session.id) else "session"
        if "tables" in native:
            return table_rows.export(session, load)
        if "list" not in native:
            return {f"{name}.jsonl": jsonl.export(session, load)}
        files = {f"{name}.json": document.given_back(session, str(native["list"]), load)}
        rows = [m for m in session.messages if m.file == "bubbles" and m.native is not None]
        if rows:
            kept = [as_dict(unfold(message, load)).get(TABLE) for message in rows]
            files[f"{name}.bubbles.json"] = jsonio.dumps({TABLE: kept})
        return files

    def _database(self, path: Path, env: Env) -> Iterator[Source | Problem]:
        key = path.relative_to(env.home) if path.is_relative_to(env.home) else path
        yield from sqlite_copy.source(self.name, key.as_posix(), path)

    def _transcripts(
        self, project: str, entry: os.DirEntry[str], stored: dict[str, str], users: list[str], faults: list[Problem]
    ) -> Iterator[Source]:
        """The transcripts of a session, its agents' after its own."""
        about = {"project": project, "users": users}
        if folders.is_file(entry):
            found, agents = [entry], []
        else:
            found, agents = folders.listed(entry.path, faults), folders.listed(Path(entry.path) / "subagents", faults)
        for item in found:
            place = stored.get(item.name.removesuffix(".jsonl"))
            if item.name.endswith(".jsonl") and not (place is not None and Path(place, "store.db").exists()):
                key = f"projects/{project}/{item.name}"
                yield from folders.source(self.name, key, item, faults, extra=about | {"meta": place})
        for item in agents:
            if item.name.endswith(".jsonl"):
                key = f"projects/{project}/{entry.name}/{item.name}"
                yield from folders.source(self.name, key, item, faults, extra=about | {"parent": entry.name})


def _read_transcript(source: Source) -> Reading:
    path, extra = source.path, as_dict(source.extra)
    users = [Path(user) for user in as_list(extra.get("users")) if type(user) is str]
    session = Session(path.stem, source.provider, parent=text(extra.get("parent")))
    if any(_holds(user / "globalStorage" / DATABASE, session.id) for user in users):
        return Reading()
    made = AgentTranscript(path, session).reading()
    if made.sessions:
        session.workspace = _meta(extra.get("meta"), session) or _folder(users, extra.get("project"), made)
    return made


def _holds(path: Path, session_id: str) -> bool:
    """Whether the editor's database holds a conversation.

    It is looked at where it is, for it may be many GB and there may be many transcripts: as something that never
    changes, which writes nothing and locks nothing. What was added since may stand in its log alone.
    """
    key = f"composerData:{session_id}"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            query = f"SELECT 1 FROM {TABLE} WHERE key = ? AND value IS NOT NULL"
            if connection.execute(query, (key,)).fetchone() is not None:
                return True
        log = path.with_name(path.name + "-wal")
        return log.exists() and key.encode("utf-8", "surrogatepass") in log.read_bytes()
    except (OSError, sqlite3.Error, ValueError):  # there is none, or it is being written: the transcript is there
        return False


def _meta(folder: Any, session: Session) -> str | None:
    """The folder a session was held in, as the agent notes it beside its store."""
    if type(folder) is not str:
        return None
    try:
        said = document.value_of((Path(folder) / "meta.json").read_bytes())
    except OSError:  # it says nothing that the transcript itself needs
        return None
    return text(said.get("cwd"))


def _folder(users: list[Path], project: Any, reading: Reading) -> str | None:
    """The folder, of those the editor was opened in, that a project is called after: a hyphen for every other sign."""
    for user in users:
        for entry in folders.folders(user / "workspaceStorage", reading.problems):
            place = folder_of(Path(entry.path), reading)
            if place is not None and _SIGNS.sub("-", place).strip("-") == project:
                return place
    return None
