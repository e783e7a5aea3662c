"""Windsurf: conversations of Cascade, which it encrypts, and the chats of its first versions.

::

    ~/.codeium/windsurf/cascade/<conversation>.pb                       encrypted
    <user>/workspaceStorage/<id>/state.vscdb, table ItemTable           chats from before Cascade, as Cursor kept them

VS Code's own chat in Windsurf is the provider ``vscode``'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.cursor_composers import read_chats
from chasm_git.providers.formats.vscode_places import DATABASE, user_folders
from chasm_git.providers.reading import document, folders, opaque, sqlite_copy
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session

_HOMES = (".codeium/windsurf", ".codeium/windsurf-next", ".codeium")
_EDITORS = frozenset({"Windsurf", "Windsurf - Next", ".windsurf-server"})


class Windsurf(Provider):
    """Cascade's conversations, kept unread, and chats from before there was Cascade."""

    name = "windsurf"
    title = "Windsurf"
    note = "Cascade's conversations are encrypted: they are kept, not read; chats of the first versions are read"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All conversations by id, then the workspaces' databases. See `Provider.discover`."""
        faults: list[Problem] = []
        for home in _HOMES:
            for entry in folders.listed(env.home / home / "cascade", faults):
                if entry.name.endswith(".pb") and folders.is_file(entry):
                    yield from folders.source(self.name, f"{home}/cascade/{entry.name}", entry, faults)
        for user in user_folders(env):
            if isinstance(user, Problem):
                yield user
            elif _EDITORS.intersection(user.parts[-3:]):
                for folder in folders.folders(user / "workspaceStorage", faults):
                    path = Path(folder.path) / DATABASE
                    key = path.relative_to(env.home) if path.is_relative_to(env.home) else path
                    yield from sqlite_copy.source(self.name, key.as_posix(), path)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One conversation, as it is; or all chats of a database. See `Provider.read`."""
        reading = Reading()
        if source.path.name == DATABASE:
            read_chats(source.path, self.name, reading)
        else:
            opaque.read(source.path, self.name, reading)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The file that was kept, or the chat's object. See `Provider.export`."""
        if opaque.is_opaque(session):
            return opaque.export(session, load)
        return {"chat.json": document.given_back(session, "bubbles", load)}
