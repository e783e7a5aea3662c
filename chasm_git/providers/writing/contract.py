"""The contract between a provider's writer and everything behind it: a session of the archive, put back into its tool.

Reading never changes a tool's store; this does, so it is done in two steps. `Writer.plan` looks and says what would be
written where, what is there already, and what cannot be carried; it writes nothing. `Writer.write` does what a plan
says, or nothing at all: it refuses where the tool holds more than we would write, where the store has changed since it
was planned, and where the tool runs and would write over it. What it replaces is kept first; what it has written is
read back with the provider's own reader and compared, and taken back where it differs.

There are two ways into a store. Of a session of the provider's own, its records are given back exactly (*restored*).
Any other session is *converted*: written in the tool's format under an id of its own (`derived_id`), with a marker that
says what it was made of (`ORIGIN`), and a count of all that the format has no place for (`WritePlan.left_out`).

A writer lives in ``providers/writers/<provider>.py``, imports what a reader may import, and is named in `WRITERS`. It
subclasses `applying.StoreWriter`, which holds everything but the format: then `plan` and `continue_command` are left.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from chasm_git.errors import ChasmError, UsageError
from chasm_git.providers.base import Env
from chasm_git.providers.reading.values import ORIGIN as ORIGIN
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session

WRITERS: dict[str, str] = {
    "claude-code": "chasm_git.providers.writers.claude_code:ClaudeCodeWriter",
    "codex": "chasm_git.providers.writers.codex:CodexWriter",
    "gemini-cli": "chasm_git.providers.writers.gemini_cli:GeminiCLIWriter",
    "opencode": "chasm_git.providers.writers.opencode:OpenCodeWriter",
    "kilo-cli": "chasm_git.providers.writers.opencode:KiloCLIWriter",
    "continue": "chasm_git.providers.writers.continue_dev:ContinueWriter",
    "cline": "chasm_git.providers.writers.cline:ClineWriter",
    "roo-code": "chasm_git.providers.writers.cline:RooCodeWriter",
    "kilo-code": "chasm_git.providers.writers.cline:KiloCodeWriter",
    "aider": "chasm_git.providers.writers.aider:AiderWriter",
    "vscode": "chasm_git.providers.writers.vscode:VSCodeWriter",
    "pi": "chasm_git.providers.writers.own_logs:PiWriter",
    "qwen-code": "chasm_git.providers.writers.own_logs:QwenCodeWriter",
}
"""Provider -> ``module:Class`` of its writer; imported when it is used."""

ONLY_OWN = frozenset({"pi", "qwen-code"})
"""Providers that get back what they wrote themselves, and nothing that is converted."""

REFUSED: dict[str, str] = {
    "cursor": "nothing is written into Cursor: a conversation there is spread over several databases whose keys change "
    "with its versions, and it drops what does not fit together",
    "windsurf": "nothing is written into Windsurf: it encrypts its conversations",
}
"""Providers that are left alone on purpose, and why."""

INDEX = "index"
"""`FileChange.what` of all that only makes a session listed: planned also where the session itself is there already
(`Standing.SAME`, `NEWER`), and carried out alone by ``chasm register``."""

_NAMESPACE = uuid.UUID("8f0f6a5e-6b86-5d4f-9a55-1c0f3c7d2b10")


class Standing(StrEnum):
    """What a store holds of a session, against what we would write."""

    ABSENT = "absent"
    SAME = "same"
    OLDER = "older"
    """Nothing that we do not have too."""
    NEWER = "newer"
    """Something that we do not have: writing would lose it."""


class WriteRefused(ChasmError):
    """Nothing was written; the message says why and what can be done."""


class ChangedMeanwhile(WriteRefused):
    """The store is not what the plan was made for: plan again."""


class NotReadBack(ChasmError):
    """What was written does not come back from the provider's own reader; everything was put back as it was."""


class NotPutBack(ChasmError):
    """Something went wrong, and not all that was written could be taken back; the copies are what there was."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a session is to go on, and what its writer needs besides it."""

    load: Load
    """Gives attachments by name; raises KeyError."""
    folder: str | None = None
    """The folder to go on in (absolute path, or URI); None = the session's own workspace."""
    revision: str = ""
    """Names the version of the session (its blob): converted twice, it gets the same id twice."""
    agents: tuple[Session, ...] = ()
    """The sessions of its sub-agents that are to be put back with it."""
    copy: bool = False
    """Convert also a session of the provider's own: a copy of it, under a derived id."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is written, as a whole."""

    path: Path
    data: bytes
    before: str | None
    """`applying.seen` of the path when the change was planned; None = there was nothing."""
    what: str = "session"
    """What the file is to the tool: ``session``, ``side file``, or `INDEX`."""


Query: TypeAlias = tuple[str, Sequence[Any]]
"""SQL and its parameters."""


@dataclass(frozen=True, slots=True)
class RowsChange:
    """Rows of a SQLite database that are written, in one transaction."""

    path: Path
    statements: tuple[Query, ...]
    expected: tuple[tuple[Query, list[tuple[Any, ...]]], ...] = ()
    """Queries with the rows they gave when the change was planned; others now = `ChangedMeanwhile`."""
    undo: tuple[Query, ...] = ()
    """What takes the statements back, should it turn out that the reader does not find what they wrote."""
    create: tuple[str, ...] | None = None
    """Statements that make the database where there is none; None = a missing one is refused."""
    what: str = "session"
    """As in `FileChange`."""


Change: TypeAlias = FileChange | RowsChange


@dataclass(frozen=True, slots=True)
class Expected:
    """A session that must come back from the provider's reader once a plan was carried out."""

    session_id: str
    place: Path
    """`Source.path` of the source it must be found in."""
    records: Counter[bytes] | None = None
    """Restored: the records, as `readback.records` gives them; the session read must have just these."""
    said: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """Converted: what is said, as `readback.said` gives it; the session read must have all of it."""
    is_listed: bool = True
    """False: the provider finds the file only when it is told where it is."""


@dataclass(slots=True)
class WritePlan:
    """What a write would do. Nothing has been written when there is one."""

    provider: str
    session_id: str
    """The id it has in the tool: its own, or a derived one."""
    env: Env
    root: Path
    """The tool's folder: no change may lead out of it."""
    standing: Standing = Standing.ABSENT
    changes: list[Change] = field(default_factory=list)
    """In this order: what an index points to comes before the index. Empty where all is there already."""
    expected: list[Expected] = field(default_factory=list)
    """The session first, then its sub-agents."""
    is_converted: bool = False
    left_out: Counter[str] = field(default_factory=Counter)
    """What is not carried, by kind (``thinking``, ``image``, ``usage``…)."""
    notes: list[str] = field(default_factory=list)
    """What a person should know: a line each."""
    refused: str | None = None
    """Why this cannot be written at all (unknown schema, nothing to write), whatever is forced."""
    folder: str | None = None
    """The folder the tool will go on in."""
    running: tuple[str, ...] = ()
    """Programs (names of processes) that would write over it; refused while one runs. Empty: it does not matter."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did."""

    session_id: str
    paths: tuple[Path, ...]
    kept: tuple[Path, ...]
    """Copies of what was replaced."""


class Writer(Protocol):
    """Puts sessions into one tool's store."""

    provider: str
    """Name of the provider whose reader reads back what is written."""

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """What writing `session` would do. Only reads.

        Raises KeyError where an attachment is missing, OSError where the store cannot be read.
        """

    def write(self, plan: WritePlan, *, backup: Path, force: bool = False) -> Written:
        """Do what the plan says, wholly or not at all.

        Args:
            backup: folder that what is replaced is copied into first; made when needed.
            force: also over a session that holds what we do not have (it is kept in `backup`).

        Raises WriteRefused, ChangedMeanwhile, NotReadBack, NotPutBack, OSError.
        """

    def continue_command(self, session: Session, target: Target) -> str | None:
        """The shell command that continues what `plan` of the same arguments writes; None where there is none."""


def names() -> list[str]:
    """Providers that can be written to."""
    return list(WRITERS)


def load(provider: str) -> Writer:
    """The writer of a provider. Raises UsageError where there is none."""
    place = WRITERS.get(provider)
    if provider in REFUSED:
        raise UsageError(f"{REFUSED[provider]}; `chasm resume ID --in PROVIDER` hands a session to another tool")
    if place is None:
        raise UsageError(f"nothing can be written into {provider!r}; there are writers for: {', '.join(WRITERS)}")
    module, _, attribute = place.partition(":")
    made: Writer = getattr(import_module(module), attribute)()
    return made


def derived_id(provider: str, session: Session, revision: str) -> str:
    """The id (a UUID) a session gets when it is converted for a provider: the same for the same revision."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join((provider, session.provider, session.id, revision))))


def origin(session: Session, revision: str) -> dict[str, str]:
    """What the `ORIGIN` marker of a converted session says."""
    return {"provider": session.provider, "id": session.id, "revision": revision}
