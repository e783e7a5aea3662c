"""Into Gemini CLI: ``~/.gemini/tmp/<project>/chats/session-….json``, and the project's name in ``projects.json``.

A converted session is one object, the form of before 0.40: newer versions read it too, and go on in a log beside it.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.providers.reading.values import as_dict
from chasm_git.providers.writing.applying import StoreWriter, content
from chasm_git.providers.writing.contract import INDEX, ORIGIN, FileChange, Target, WritePlan, origin
from chasm_git.providers.writing.converting import CALL, IMAGE, TEXT, THINKING, Call, Step, Turn, begin
from chasm_git.providers.writing.restoring import (
    add_files,
    add_new_file,
    new_plan,
    resuming,
    safe_name,
    without_torn_row,
)
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Session

_ROOT = ".project_root"
_PROJECTS = "projects.json"


class GeminiCLIWriter(StoreWriter):
    """Puts sessions into ``~/.gemini``."""

    provider = "gemini-cli"

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        home = env.folder("GEMINI_CLI_HOME", "") / ".gemini"
        plan = new_plan(self.provider, session, env, target, home)
        if plan.folder is None:
            plan.refused = "the session names no folder, and Gemini CLI keeps sessions by folder: give one"
            return plan
        project = _Project(home, plan.folder)
        if plan.is_converted:
            self._convert(plan, session, target, project)
        else:
            self._restore(plan, session, target, project.chats)
        if plan.refused is None:
            plan.changes += project.changes(plan)
        return plan

    def continue_command(self, session: Session, target: Target) -> str | None:
        """See `Writer.continue_command`."""
        return resuming(self.provider, session, target, "gemini", "--resume")

    def _restore(self, plan: WritePlan, session: Session, target: Target, chats: Path) -> None:
        for held in (session, *target.agents):
            one = without_torn_row(held, target.load)
            ((name, data),) = registry.load(self.provider).export(one, target.load).items()
            folder = chats if one.parent is None else chats / one.parent
            if safe_name(name) is None or (one.parent is not None and safe_name(one.parent) is None):
                plan.refused = f"{name!r} of {one.parent!r} cannot be the name of a file"
                return
            if name.endswith(".json") and (folder / f"{name}l").exists():
                # gone on with by a newer version, whose log begins with all of it
                plan.refused = f"Gemini CLI has gone on with {one.id} in {name}l: harvest it"
                return
            add_files(plan, one, target.load, {folder / name: data})
        if any(change.before is not None for change in plan.changes if isinstance(change, FileChange)):
            plan.running = ("gemini",)  # it writes a session anew from what it has in memory

    def _convert(self, plan: WritePlan, session: Session, target: Target, project: _Project) -> None:
        taken = begin(plan, session, target, TEXT, CALL, IMAGE, THINKING)
        if taken is None:
            return
        said, facts = taken
        begun = session.created_at or said.turns[0].timestamp or "1970-01-01T00:00:00.000Z"
        messages = list(_messages(said.turns, uuid.UUID(plan.session_id), begun))
        value = {
            "sessionId": plan.session_id,
            "projectHash": project.digest,
            "startTime": begun,
            "lastUpdated": messages[-1]["timestamp"],
            **({"summary": session.title} if session.title else {}),
            ORIGIN: origin(session, target.revision),
            "messages": messages,
        }
        name = f"session-{begun[:16].replace(':', '-')}-{plan.session_id[:8]}.json"
        if (project.chats / f"{name}l").exists():
            name += "l"  # gone on with already: that log is what there is of it
        add_new_file(plan, project.chats / name, jsonio.dumps(value), facts)


class _Project:
    """The folder the client keeps a project's sessions in, found the way the client finds it."""

    def __init__(self, home: Path, folder: str) -> None:
        self._folder = folder
        self._list = home / _PROJECTS
        self.digest = hashlib.sha256(folder.encode("utf-8", "surrogatepass")).hexdigest()
        self._listed, self._before, self._is_readable = _listed(self._list)
        named = self._listed.get(folder)
        tmp = home / "tmp"
        if type(named) is str and safe_name(named) is not None:
            self.name = named
        elif (tmp / self.digest / "chats").is_dir():
            self.name = self.digest  # a version that knew no names
        else:
            self.name = _claimed(tmp, folder) or _free_name(tmp, folder, set(map(str, self._listed.values())))
        self._place = tmp / self.name
        self.chats = self._place / "chats"

    def changes(self, plan: WritePlan) -> Iterator[FileChange]:
        """What makes the folder known as this project's; nothing where it is."""
        if self.name == self.digest:
            return
        root = self._place / _ROOT
        there, before = content(root)
        if there is None:
            yield FileChange(root, self._folder.encode("utf-8", "surrogatepass"), before, INDEX)
        if self._folder in self._listed:
            return
        if not self._is_readable:
            plan.notes.append(f"{_PROJECTS} cannot be read, and was left alone")
            return
        value = {"projects": {**self._listed, self._folder: self.name}}
        yield FileChange(self._list, jsonio.dumps(value), self._before, INDEX)


def _listed(path: Path) -> tuple[dict[str, Json], str | None, bool]:
    """Names of projects by their folders, what `applying.seen` says of the list, and whether it can be read."""
    data, before = content(path)
    if data is None:
        return {}, None, True
    try:
        value = jsonio.loads(data)
    except ValueError:
        return {}, before, False
    projects = as_dict(value).get("projects")
    return as_dict(projects), before, type(value) is dict and type(projects) is dict


def _claimed(tmp: Path, folder: str) -> str | None:
    """The project's folder that names this one as its own."""
    for root in sorted(tmp.glob(f"*/{_ROOT}")):
        if root.read_bytes().decode("utf-8", "replace").strip() == folder:
            return root.parent.name
    return None


def _free_name(tmp: Path, folder: str, taken: set[str]) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", re.split(r"[\\/]", folder.rstrip("\\/"))[-1].lower()).strip("-")[:60] or "project"
    name, number = stem, 0
    while name in taken or (tmp / name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def _messages(turns: list[Turn], key: uuid.UUID, begun: str) -> Iterator[dict[str, Json]]:
    """The messages of a session; a step of an answer is one."""
    time, count = begun, 0

    def head(kind: str) -> dict[str, Json]:
        nonlocal count
        count += 1
        return {"id": str(uuid.uuid5(key, f"message {count}")), "timestamp": time, "type": kind}

    for turn in turns:
        time = turn.timestamp or time
        if turn.role == "user":
            yield {**head("user"), "content": [_part(item) for item in turn.items if not isinstance(item, Call)]}
            continue
        for step in turn.steps():
            yield {**head("gemini"), **_answer(step, time), **({"model": turn.model} if turn.model else {})}


def _answer(step: Step, time: str) -> dict[str, Json]:
    made: dict[str, Json] = {
        "content": step.text,
        "thoughts": [{"subject": "", "description": thought, "timestamp": time} for thought in step.thoughts],
    }
    if step.calls:
        made["toolCalls"] = [_call(call, time) for call in step.calls]
    return made


def _call(call: Call, time: str) -> dict[str, Json]:
    made: dict[str, Json] = {"id": call.id, "name": call.name, "args": call.arguments}
    if call.result is None:
        return {**made, "status": "cancelled", "timestamp": time}
    response = {"error" if call.is_error else "output": call.result}
    given = {"functionResponse": {"id": call.id, "name": call.name, "response": response}}
    status = "error" if call.is_error else "success"
    return {**made, "result": [given], "status": status, "timestamp": call.answered_at or time}


def _part(part: dict[str, Any]) -> dict[str, Json]:
    if part["type"] == IMAGE:
        return {"inlineData": {"mimeType": part["media_type"], "data": part["data"]}}
    return {"text": part["text"]}
