"""GitHub Copilot CLI: a log of events per session below ``~/.copilot``.

::

    session-state/<session>/events.jsonl             the session; its id is the folder's name
    session-state/<session>/workspace.yaml           its title and folder
    session-state/<session>/plan.md                  what the agent wrote for itself and its user
    session-state/<session>/checkpoints/001-….md     summaries of what was compacted away
    session-state/<session>.jsonl                    the events, before sessions had folders
    history-session-state/session_<session>_<ms>.json    before 0.0.342: the messages as they were sent

Sub-agents write into their session's log (`Message.sidechain`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.copilot_events import Events
from chasm_git.providers.reading import document, folders, jsonl
from chasm_git.providers.reading.openai_chat import fields_of
from chasm_git.providers.reading.values import as_dict, identity, scoped_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Session
from chasm_git.session.native import record_line
from chasm_git.session.times import iso

_SESSIONS = "session-state"
_EVENTS = "events.jsonl"
_WORKSPACE = "workspace.yaml"
_PLAN = "plan.md"
_OLD = re.compile(r"session_(.+?)(?:_\d+)?\.json")
_MESSAGES = "chatMessages"


class CopilotCLI(Provider):
    """Sessions of GitHub's terminal agent, 0.0.3 to 1.0."""

    name = "copilot-cli"
    title = "GitHub Copilot CLI"
    note = "events, plans and checkpoints in ~/.copilot/session-state (COPILOT_HOME); not its copies of edited files"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All sessions, by id; those of the oldest versions last. See `Provider.discover`."""
        home = env.folder("COPILOT_HOME", ".copilot")
        faults: list[Problem] = []
        for entry in folders.listed(home / _SESSIONS, faults):
            if folders.is_folder(entry):
                yield from _session_folder(entry, faults)
            elif entry.name.endswith(".jsonl") and folders.is_file(entry):
                yield from folders.source(self.name, entry.name, entry, faults)
        for entry in folders.listed(home / "history-session-state", faults):
            if _OLD.fullmatch(entry.name) and folders.is_file(entry):
                yield from folders.source(self.name, f"history/{entry.name}", entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        path = source.path
        if path.suffix == ".json":
            return _read_old(path)
        is_flat = path.name != _EVENTS
        events = Events(path, Session(path.stem if is_flat else path.parent.name, self.name))
        if is_flat:
            events.native["name"] = path.name
        else:
            _read_beside(events, path.parent, source.extra)
        reading = events.reading()
        if events.is_of_editor and path.parent.name != _SESSIONS and path.name != _EVENTS:
            return Reading()  # handed in: a transcript of `copilot_chat`
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's events, then the files beside them. See `Provider.export`."""
        native = as_dict(session.native)
        name = native.get("name")
        if "messages_at" in native:
            is_safe = type(name) is str and _OLD.fullmatch(name) and not re.search(r"[/\\\0]", name)
            return {str(name) if is_safe else "session_1.json": document.given_back(session, _MESSAGES, load)}
        files = {_EVENTS if name is None else f"{_safe(session.id)}.jsonl": jsonl.export(session, load)}
        if "workspace" in native:
            files[_WORKSPACE] = document.file_of(native["workspace"], load)
        for message in session.messages:
            if message.file is not None and message.native is not None:
                files[message.file] = record_line(message, load)
        return files


def _safe(session_id: str) -> str:
    return re.sub(r"[^0-9A-Za-z._-]+", "-", session_id).lstrip(".") or "session"


def _session_folder(folder: os.DirEntry[str], faults: list[Problem]) -> Iterator[Source | Problem]:
    found = {entry.name: entry for entry in folders.listed(folder.path, faults)}
    events = found.get(_EVENTS)
    if events is None or not folders.is_file(events):
        return
    side = {name: entry for name in (_WORKSPACE, _PLAN) if (entry := found.get(name)) and folders.is_file(entry)}
    if "checkpoints" in found and folders.is_folder(found["checkpoints"]):
        for entry in folders.listed(found["checkpoints"].path, faults):
            if entry.name.endswith(".md") and entry.name != "index.md" and folders.is_file(entry):
                side[f"checkpoints/{entry.name}"] = entry
    name = f"{folder.name}/{_EVENTS}"
    yield from folders.source(CopilotCLI.name, name, events, faults, [*side.values()], [*side])


def _read_beside(events: Events, folder: Path, names: Any) -> None:
    """Keep the files beside the events; what cannot be read is a problem."""
    for name in names if type(names) is list else ():
        try:
            data = (folder / name).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            events.problems.append(Problem(str(folder / name), error.strerror or str(error), fatal=False))
            continue
        if name == _WORKSPACE:
            events.native["workspace"] = document.kept_file(data, events.builder.attachments)
            events.note_workspace(data)
        else:
            events.keep_text(name, data)


def _read_old(path: Path) -> Reading:
    """A session of before there were events: one object."""
    try:
        value = document.load(path.read_bytes())
    except ValueError as error:
        return Reading(problems=[Problem(str(path), str(error))])
    found = _OLD.fullmatch(path.name)
    session = Session(identity(value.get("sessionId")) or (found[1] if found else path.stem), CopilotCLI.name)
    session.created_at = iso(value.get("startTime"))
    builder, problems = Builder(), list[Problem]()
    for item in document.listed(value, _MESSAGES, path, problems):
        fields = fields_of(as_dict(item))
        builder.message(item, id=scoped_id(session.id, item), line=document.line_of(item), **fields)
    if not any(message.role in ("user", "assistant") for message in builder.messages):
        return Reading(problems=problems or document.not_understood(builder.messages, path))
    session.title = text(value.get("title"))
    session.native = {"name": path.name} | document.kept(value, _MESSAGES, builder.attachments)
    session.messages = builder.messages
    return Reading([session], builder.attachments)
