"""Into Claude Code: ``projects/<folder>/<session>.jsonl``, with side files and sub-agents.

A restored session is byte for byte what the client wrote; the client finds it by the folder it is started in. A
converted one holds prompts, answers, calls and results in rows of version 2.1, one content block a row. Thoughts are
left out: the service takes only those that it has signed itself.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.providers.writing.applying import StoreWriter
from chasm_git.providers.writing.blocks import block, result_block
from chasm_git.providers.writing.contract import ORIGIN, Target, WritePlan, origin
from chasm_git.providers.writing.converting import CALL, IMAGE, TEXT, Turn, begin
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

_VERSION = "2.1.0"
_LONGEST = 200
"""Characters of a project's folder beyond which the client cuts its name and adds a hash of its own."""
_NOT_IN_SLUG = re.compile(r"[^A-Za-z0-9]")


class ClaudeCodeWriter(StoreWriter):
    """Puts sessions into ``~/.claude/projects``."""

    provider = "claude-code"

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        root = env.folder("CLAUDE_CONFIG_DIR", ".claude") / "projects"
        plan = new_plan(self.provider, session, env, target, root)
        folder = plan.folder
        project = _project(root, folder)
        if folder is None:
            plan.refused = "the session names no folder, and Claude Code keeps sessions by folder: give one"
        elif project is None:
            plan.refused = f"Claude Code shortens names of folders as long as {folder}; start it there once"
        elif safe_name(plan.session_id) is None:
            plan.refused = f"{plan.session_id!r} cannot be the name of a file"
        elif plan.is_converted:
            self._convert(plan, session, target, project, folder)
        else:
            self._restore(plan, session, target, project)
        return plan

    def continue_command(self, session: Session, target: Target) -> str | None:
        """See `Writer.continue_command`."""
        return resuming(self.provider, session, target, "claude", "--resume")

    def _restore(self, plan: WritePlan, session: Session, target: Target, project: Path) -> None:
        for held in (session, *target.agents):
            one = without_torn_row(held, target.load)
            folder = _agent_folder(project, one) if one.parent is not None else project
            if folder is None or safe_name(one.id) is None:
                plan.refused = f"{one.id!r} of {one.parent!r} cannot be the name of a file"
                return
            files: dict[Path, bytes] = {}
            for name, data in registry.load(self.provider).export(one, target.load).items():
                if files and not name.startswith((f"{one.id}/", f"{one.id}.meta.json")):
                    plan.refused = f"{one.id} has a file {name!r}, which is not its own"
                    return
                files[folder / name] = data
            add_files(plan, one, target.load, files)

    def _convert(self, plan: WritePlan, session: Session, target: Target, project: Path, folder: str) -> None:
        begun = begin(plan, session, target, TEXT, CALL, IMAGE, git=("branch",))
        if begun is None:
            return
        said, facts = begun
        rows = list(_Rows(plan.session_id, folder, _branch(session)).of(said.turns))
        rows[0][ORIGIN] = origin(session, target.revision)
        if session.title:
            rows.append({"type": "custom-title", "customTitle": session.title, "sessionId": plan.session_id})
        data = b"".join(jsonio.dumps(row) + b"\n" for row in rows)
        add_new_file(plan, project / f"{plan.session_id}.jsonl", data, facts)


def _project(root: Path, folder: str | None) -> Path | None:
    """The project's folder: its path with all but letters and digits replaced, as JavaScript counts characters."""
    if folder is None:
        return None
    wide = "".join("--" if ord(char) > 0xFFFF else char for char in folder)
    name = _NOT_IN_SLUG.sub("-", wide)
    if len(name) <= _LONGEST:
        return root / name
    found = sorted(root.glob(f"{name[:_LONGEST]}-*"))
    return found[0] if len(found) == 1 else None


def _agent_folder(project: Path, agent: Session) -> Path | None:
    """Where a sub-agent's file lies: in its session's folder from 2.1 on, beside its session before."""
    if agent.parent is None or safe_name(agent.parent) is None:
        return None
    nested = project / agent.parent / "subagents"
    if (nested / f"{agent.id}.jsonl").exists():
        return nested
    has_meta = any(message.file is not None for message in agent.messages)
    return nested if has_meta or not _is_before_nesting(agent) else project


def _is_before_nesting(agent: Session) -> bool:
    for message in agent.messages:
        version = message.native.get("version") if type(message.native) is dict else None
        if type(version) is str:
            return version.startswith(("1.", "2.0."))
    return False


def _branch(session: Session) -> str:
    branch = session.git.get("branch") if type(session.git) is dict else None
    return branch if type(branch) is str else ""


class _Rows:
    """Makes the rows of a session, each one hanging on the one above it."""

    def __init__(self, key: str, folder: str, branch: str) -> None:
        self._key = uuid.UUID(key)
        self._common = {
            "isSidechain": False,
            "userType": "external",
            "cwd": folder,
            "sessionId": key,
            "version": _VERSION,
            "gitBranch": branch,
        }
        self._above: str | None = None
        self._count = 0
        self._time = "1970-01-01T00:00:00.000Z"

    def of(self, turns: list[Turn]) -> Iterator[dict[str, Json]]:
        """All rows, in order."""
        for number, turn in enumerate(turns):
            self._time = turn.timestamp or self._time
            if turn.role == "user":
                yield self._row("user", {"role": "user", "content": _prompt(turn)})
            else:
                yield from self._answer(turn, f"msg_{uuid.uuid5(self._key, f'answer {number}').hex[:24]}")

    def _answer(self, turn: Turn, key: str) -> Iterator[dict[str, Json]]:
        """A row for each block, then one for each result."""
        calls = turn.calls()
        for item in turn.items:
            body = {
                "id": key,
                "type": "message",
                "role": "assistant",
                "model": turn.model or "<synthetic>",
                "content": [block(item)],
                "stop_reason": "tool_use" if calls else "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 0, "output_tokens": 0},
            }
            yield self._row("assistant", body)
        for call in calls:
            if call.result is None:
                continue  # the client closes what was interrupted when it goes on
            self._time = call.answered_at or self._time
            yield self._row("user", {"role": "user", "content": [result_block(call)]})

    def _row(self, kind: str, body: dict[str, Any]) -> dict[str, Json]:
        self._count += 1
        key = str(uuid.uuid5(self._key, f"row {self._count}"))
        made = {"parentUuid": self._above, **self._common, "type": kind, "message": body}
        self._above = key
        return {**made, "uuid": key, "timestamp": self._time}


def _prompt(turn: Turn) -> str | list[dict[str, Json]]:
    return [block(item) for item in turn.items] if turn.images() else turn.text()
