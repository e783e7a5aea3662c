"""How everything stands: providers against the archive, its worktree against its commit, its branch against remotes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from chasm_git.archive import layout, status
from chasm_git.archive.machine import machine_name
from chasm_git.archive.naming import id_in
from chasm_git.archive.syncing import tracking
from chasm_git.archive.syncing.conflicts import undecided
from chasm_git.harvest.plan import Plan, make_plan
from chasm_git.harvest.report import Scanned, scanned
from chasm_git.providers.base import Env

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

IN_ORDER = frozenset({"synced", "local-only"})
"""Sync states nobody has to do anything about."""


@dataclass(frozen=True, slots=True)
class SessionState:
    """How one session stands."""

    path: str
    id: str
    provider: str
    source: str | None
    """``changed`` or ``shrunk`` at its provider since the last harvest."""
    worktree: str | None
    """``modified``, ``new``, ``deleted`` or ``conflict`` against the latest commit."""
    sync_state: str
    """Against the remote: see `tracking.sync_states`."""

    @property
    def in_order(self) -> bool:
        """Whether there is nothing to say about it."""
        return self.source is None and self.worktree is None and self.sync_state in IN_ORDER


@dataclass(slots=True)
class Status:
    """How everything stands."""

    head: str | None
    providers: list[Scanned]
    total: int
    """Sessions in the archive and its worktree."""
    sessions: list[SessionState]
    """Those that are not in order, or all."""
    remotes: list[status.RemoteState]
    other: list[status.Edited] = field(default_factory=list)
    """Files in the worktree that are no sessions and differ from the latest commit."""
    elsewhere: bool = False
    """The worktree shows another branch, so it is not compared."""
    pending_uploads: int = 0
    """Sessions the remote has not as they are here; `pending_downloads`: the other way round."""
    pending_downloads: int = 0
    conflicts: int = 0
    """Sessions in which a decision waits."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "head": self.head,
            "providers": [one.as_json() for one in self.providers],
            "sessions": [
                {
                    "id": one.id,
                    "provider": one.provider,
                    "path": one.path,
                    "source": one.source,
                    "worktree": one.worktree,
                    "sync_state": one.sync_state,
                }
                for one in self.sessions
            ],
            "other_files": [{"path": one.path, "state": one.state, "staged": one.staged} for one in self.other],
            "remotes": [
                {
                    "name": one.name,
                    "commit": one.commit,
                    "ahead": one.ahead,
                    "behind": one.behind,
                    "mode": one.mode,
                    "last_sync": one.last_sync,
                }
                for one in self.remotes
            ],
            "pending_uploads": self.pending_uploads,
            "pending_downloads": self.pending_downloads,
            "conflicts": self.conflicts,
            "worktree_shows_another_branch": self.elsewhere,
        }


def status_of(archive: Archive, env: Env, *, every: bool = False) -> Status:
    """Look at everything and change nothing.

    Args:
        every: tell of sessions that are in order, too (some of their files have to be opened for that).

    Raises GitMissing, GitError.
    """
    plan = make_plan(archive, env, machine_name(archive, keep=False))
    files = archive.files(archive.head(), layout.SESSIONS)
    edited = {one.path: one for one in status.edited(archive)}
    sources = _sources(plan)
    files = {path: blob for path, blob in files.items() if layout.parse_session_path(path) is not None}
    states = tracking.sync_states(archive, files)
    up, down = tracking.pending(archive, states)
    waiting = undecided(archive, files)
    states |= dict.fromkeys(waiting, "conflict")
    sessions = []
    total = 0
    for path in sorted({*files, *edited}):
        where = layout.parse_session_path(path)
        if where is None:
            continue
        total += 1
        change = edited.pop(path, None)
        state = change.state if change else None
        one = SessionState(path, where.name, where.provider, sources.get(path), state, states.get(path, "unsynced"))
        if every or not one.in_order:
            blob = files.get(path)
            if blob and "~" in where.name:
                one = replace(one, id=id_in(archive.read(blob)) or where.name)
            sessions.append(one)
    elsewhere = archive.worktree is not None and not status.shows_branch(archive)
    looked_at = [scanned(one) for one in plan.providers]
    remotes = status.remotes(archive)
    other = [*edited.values()]
    return Status(archive.head(), looked_at, total, sessions, remotes, other, elsewhere, up, down, len(waiting))


def _sources(plan: Plan) -> dict[str, str]:
    """Path in the archive -> what happened to the session's source since the last harvest."""
    found = {}
    for provider in plan.providers:
        for state, sources in (("changed", provider.changed), ("shrunk", provider.shrunk)):
            for source in sources:
                known = provider.state.sources.get(source.key)
                for session in known.sessions if known else ():
                    found[session[0]] = state
    return found
