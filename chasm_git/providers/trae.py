"""Trae: what was typed in each workspace; its conversations are in a database that it encrypts.

::

    <user>/workspaceStorage/<id>/state.vscdb, table ItemTable
        icube-ai-agent-storage-input-history     the prompts, a list of objects
    <data>/ModularData/ai-agent/database.db      encrypted as a whole: not read, and not kept

A workspace's prompts are one session, without times and answers. VS Code's own chat in Trae is the provider
``vscode``'s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.vscode_places import DATABASE, user_folders
from chasm_git.providers.reading import document, folders, sqlite_copy
from chasm_git.providers.reading.conversation import finished, given_back
from chasm_git.providers.reading.values import as_dict, as_list, plain, scoped_id, text
from chasm_git.providers.vscode import workspace_of
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_KEY = "icube-ai-agent-storage-input-history"
_EDITORS = frozenset({"Trae", "Trae CN", ".trae-server"})


class Trae(Provider):
    """Prompts typed in Trae, by workspace."""

    name = "trae"
    title = "Trae"
    note = "the prompts typed in each workspace; its conversations are encrypted"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The database of each workspace. See `Provider.discover`."""
        faults: list[Problem] = []
        for user in user_folders(env):
            if isinstance(user, Problem):
                yield user
            elif _EDITORS.intersection(user.parts[-3:]):
                for folder in folders.folders(user / "workspaceStorage", faults):
                    path = Path(folder.path) / DATABASE
                    key = path.relative_to(env.home) if path.is_relative_to(env.home) else path
                    yield from sqlite_copy.source(self.name, key.as_posix(), path, folder.name)
        yield from faults

    def read(self, source: Source) -> Reading:
        """The prompts of a workspace, if there are any. See `Provider.read`."""
        path, reading = source.path, Reading()
        try:
            with sqlite_copy.opened(path, reading.problems) as database:
                stored = database.blob("ItemTable", "key", _KEY, "value") if "ItemTable" in database.tables else None
            listed = jsonio.loads(stored) if stored else []
        except (sqlite_copy.Unreadable, sqlite3.Error, ValueError) as error:
            return Reading(problems=[*reading.problems, Problem(str(path), f"{_KEY}: {error}")])
        if type(listed) is not list:
            return Reading(problems=[*reading.problems, Problem(str(path), f"{_KEY}: not a list")])
        session, builder = Session(text(source.extra) or path.parent.name, self.name), Builder()
        for item in listed:
            value = as_dict(item)
            builder.message(
                item,
                id=scoped_id(session.id, item),
                timestamp=iso(value.get("timestamp")),
                line=document.line_of(item),
                **_fields(value),
            )
        session.workspace = workspace_of(path.parent, reading) if builder.messages else None
        made = finished(session, builder, {"list": None})
        made.problems += reading.problems
        return made

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The list of prompts. See `Provider.export`."""
        return {"input-history.json": given_back(session, load)}


def _fields(value: dict[str, Any]) -> dict[str, Json]:
    """A prompt, and the files it points to."""
    said = text(value.get("inputText"))
    parts: list[Part] = [{"type": "text", "text": said}] if said is not None else []
    named = (text(as_dict(file).get("file")) for file in as_list(value.get("files")))
    parts += [{"type": "reference", "uri": name} for name in named if name is not None]
    return {"role": "user" if parts else "event", "content": plain(parts)}
