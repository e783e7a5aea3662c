"""Back into pi and Qwen Code: a session's own JSON lines, in the project's folder, byte for byte.

Only what these clients wrote themselves goes back; nothing is converted for them.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.providers.writing.applying import StoreWriter
from chasm_git.providers.writing.contract import FileChange, Target, WritePlan
from chasm_git.providers.writing.restoring import (
    add_files,
    new_plan,
    resuming,
    safe_name,
    without_torn_row,
)
from chasm_git.session.model import Session

_APART = re.compile(r"[/\\:]")


class OwnLogWriter(StoreWriter):
    """Puts sessions where their client looks for those of a folder. Subclass it with the names below."""

    program: ClassVar[str]
    """The client's process."""

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        plan = new_plan(self.provider, session, env, target, self.root(env))
        title = registry.load(self.provider).title
        if plan.is_converted:
            plan.refused = f"only {title}'s own sessions are put back into it"
        elif plan.folder is None:
            plan.refused = f"the session names no folder, and {title} keeps sessions by folder: give one"
        else:
            for held in (session, *target.agents):
                self._restore(plan, without_torn_row(held, target.load), target, plan.folder)
            if any(isinstance(change, FileChange) and change.before is not None for change in plan.changes):
                plan.running = (self.program,)  # it goes on from what it has in memory
        return plan

    @abstractmethod
    def root(self, env: Env) -> Path:
        """The folder of the client's sessions."""

    @abstractmethod
    def place(self, root: Path, folder: str, session: Session) -> Path | None:
        """The folder a session's file lies in; None for an id that cannot be the name of one."""

    def _restore(self, plan: WritePlan, one: Session, target: Target, folder: str) -> None:
        files = registry.load(self.provider).export(one, target.load)
        place = self.place(plan.root, folder, one)
        if place is None or not all(map(safe_name, files)):
            plan.refused = f"{one.id!r} cannot be the name of a file"
            return
        if not next(iter(files)).endswith(".jsonl"):
            plan.refused = f"{one.id} is a recording of a version whose files the client does not look at any more"
            return
        add_files(plan, one, target.load, {place / name: data for name, data in files.items()})


class PiWriter(OwnLogWriter):
    """Puts sessions into ``~/.pi/agent/sessions``."""

    provider = "pi"
    program = "pi"

    def root(self, env: Env) -> Path:
        """See `OwnLogWriter`."""
        return env.folder("PI_CODING_AGENT_DIR", ".pi/agent") / "sessions"

    def place(self, root: Path, folder: str, session: Session) -> Path | None:
        """See `OwnLogWriter`."""
        return root / f"--{_APART.sub('-', folder.removeprefix('/'))}--"

    def continue_command(self, session: Session, target: Target) -> str | None:
        """See `Writer.continue_command`."""
        return resuming(self.provider, session, target, "pi", "--session")


class QwenCodeWriter(OwnLogWriter):
    """Puts sessions and their sub-agents into ``~/.qwen/projects``."""

    provider = "qwen-code"
    program = "qwen"

    def root(self, env: Env) -> Path:
        """See `OwnLogWriter`."""
        return env.folder("QWEN_RUNTIME_DIR", str(env.folder("QWEN_HOME", ".qwen"))) / "projects"

    def place(self, root: Path, folder: str, session: Session) -> Path | None:
        """See `OwnLogWriter`."""
        project = root / re.sub(r"[^A-Za-z0-9]", "-", folder)
        if session.parent is None:
            return project / "chats"
        return project / "subagents" / session.parent if safe_name(session.parent) is not None else None

    def continue_command(self, session: Session, target: Target) -> str | None:
        """See `Writer.continue_command`."""
        return resuming(self.provider, session, target, "qwen", "--resume")
