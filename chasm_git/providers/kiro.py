"""Kiro, the editor: one JSON object per session in its agent's storage.

::

    <user>/globalStorage/kiro.kiroagent/workspace-sessions/<folder in base64>/<session>.json
    <user>/globalStorage/kiro.kiroagent/workspace-sessions/<folder in base64>/sessions.json    titles and times

What an answer did may stand in files of its own, which are not read.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.vscode_places import user_folders
from chasm_git.providers.formats.vscode_uris import path_of
from chasm_git.providers.reading import document, folders, openai_chat
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Session
from chasm_git.session.times import iso

_PLACE = "kiro.kiroagent/workspace-sessions"
_INDEX = "sessions.json"
_HISTORY = "history"
_EDITORS = frozenset({"Kiro", ".kiro-server"})
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class Kiro(Provider):
    """Sessions of the agent in Amazon's editor."""

    name = "kiro"
    title = "Kiro"
    note = "sessions of the editor's agent; not the files in which it keeps what single answers did"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All sessions by folder and name. See `Provider.discover`."""
        faults: list[Problem] = []
        for user in user_folders(env):
            if isinstance(user, Problem):
                yield user
            elif _EDITORS.intersection(user.parts[-3:]):
                for folder in folders.folders(user / "globalStorage" / _PLACE, faults):
                    entries = [entry for entry in folders.listed(folder.path, faults) if folders.is_file(entry)]
                    beside = [entry for entry in entries if entry.name == _INDEX]
                    for entry in entries:
                        if entry.name.endswith(".json") and entry.name != _INDEX:
                            place = Path(entry.path)
                            key = place.relative_to(env.home) if place.is_relative_to(env.home) else place
                            yield from folders.source(self.name, key.as_posix(), entry, faults, beside)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        path, reading = source.path, Reading()
        try:
            value = document.load(path.read_bytes())
        except ValueError as error:
            return Reading(problems=[Problem(str(path), str(error))])
        session, builder = Session(identity(value.get("sessionId")) or path.stem, self.name), Builder()
        prompt, since = "", 0
        for item in document.listed(value, _HISTORY, path, reading.problems):
            message = as_dict(as_dict(item).get("message"))
            fields = openai_chat.fields_of(message)
            key = identity(message.get("id"))
            if fields["role"] == "user":
                prompt, since = key or scoped_id(session.id, message), 0
            else:
                since += 1
            if fields["role"] == "assistant":
                fields["model"] = _model(as_dict(item))
            made = key or (prompt if fields["role"] == "user" else scoped_id(session.id, [prompt, since]))
            builder.message(item, id=made, line=document.line_of(item), **fields)
        if not any(m.role in ("user", "assistant") for m in builder.messages):
            reading.problems = reading.problems or document.not_understood(builder.messages, path)
            return reading
        about = _about(path.with_name(_INDEX), session.id, reading.problems)
        session.title = text(value.get("title")) or text(about.get("title"))
        session.created_at = _time(value.get("dateCreated")) or _time(about.get("dateCreated"))
        session.workspace = _workspace(value) or _workspace(about) or _decoded(path.parent.name)
        session.native = document.kept(value, _HISTORY, builder.attachments)
        session.messages = builder.messages
        reading.sessions, reading.attachments = [session], builder.attachments
        return reading

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`."""
        top = shape_of(sample).top  # Continue's sessions, which Kiro's come from, say "workspaceDirectory" alone
        return 0.95 if {"sessionId", _HISTORY} <= top and top & {"workspacePath", "selectedModel"} else 0.0

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's object. See `Provider.export`."""
        name = session.id if _NAME.fullmatch(session.id) else "session"
        return {f"{name}.json": document.given_back(session, _HISTORY, load)}


def _model(item: dict[str, Any]) -> str | None:
    logs = as_list(item.get("promptLogs"))
    return text(as_dict(logs[-1]).get("modelTitle")) if logs else None


def _about(path: Path, session_id: str, problems: list[Problem]) -> dict[str, Any]:
    """What the folder's list says of a session."""
    try:
        listed = jsonio.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        problems.append(Problem(str(path), f"cannot be read: {error}", fatal=False))
        return {}
    return next((item for item in as_list(listed) if as_dict(item).get("sessionId") == session_id), {})


def _time(value: Json) -> str | None:
    """A time as Kiro writes it: milliseconds in a text."""
    return iso(int(value)) if type(value) is str and value.isdecimal() and len(value) < 20 else iso(value)


def _workspace(value: dict[str, Any]) -> str | None:
    said = text(value.get("workspaceDirectory")) or text(value.get("workspacePath"))
    return path_of(said) if said is not None else None


def _decoded(name: str) -> str | None:
    """The folder that a folder of sessions is called after."""
    try:
        path = base64.urlsafe_b64decode(name.rstrip("_") + "=" * (-len(name.rstrip("_")) % 4)).decode()
    except ValueError:
        return None
    return path if path.isprintable() and path else None
