"""What a sync is asked to do, and what it says it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chasm_git.archive.syncing.exchange import Line

if TYPE_CHECKING:
    from chasm_git.archive.plumbing.worktree import Kept
    from chasm_git.archive.syncing.mergefiles import Clash
    from chasm_git.archive.syncing.mergetrees import Change
    from chasm_git.errors import ChasmError

TRIES = 15


@dataclass(frozen=True, slots=True)
class Options:
    """What a sync is to do.

    Attributes:
        pull, push: take from the remote, give to it.
        strategy: who decides what both sides changed differently; None: as ``chasm.yaml`` says (``conflicts:``).
        dry_run: fetch, and say what would happen.
        allow_secrets: send credentials, too.
        tries: how often to start again when another machine was faster.
        wait: seconds to wait for another sync, or another command, on this archive.
    """

    pull: bool = True
    push: bool = True
    strategy: str | None = None
    dry_run: bool = False
    allow_secrets: bool = False
    tries: int = TRIES
    wait: float = 30.0
    line: Line = field(default_factory=Line)


@dataclass(slots=True)
class SyncReport:
    """What a sync did, or would do."""

    remote: str
    url: str
    before: str | None
    """Our commit when it began; `after`: now."""
    after: str | None = None
    received: list[Change] = field(default_factory=list)
    sent: list[Change] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    """Paths both sides had changed."""
    clashes: list[Clash] = field(default_factory=list)
    """What waits for a person's decision in the files this sync touched."""
    waiting: list[str] = field(default_factory=list)
    """Paths of all files in which a decision waits, whether this sync touched them or not."""
    refused: ChasmError | None = None
    """Of a dry run: why nothing would be sent."""
    snapshots_received: list[str] = field(default_factory=list)
    snapshots_sent: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    """Paths in the worktree left as a person has them."""
    pending: str | None = None
    """Why the worktree could not follow yet."""
    tries: int = 0
