"""How the sessions of an archive stand to its remote, as it was when git last heard of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from chasm_git.archive import layout
from chasm_git.archive.config import read_config
from chasm_git.archive.naming import id_in
from chasm_git.archive.plumbing import refs
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.repo import Archive
from chasm_git.archive.syncing import syncstate

if TYPE_CHECKING:
    from chasm_git.archive.syncing.syncstate import Mode

SyncState = Literal["local-only", "unsynced", "synced", "local-ahead", "remote-ahead", "conflict"]

_UP = {"unsynced", "local-ahead", "conflict"}
_DOWN = {"remote-ahead", "conflict"}


@dataclass(frozen=True, slots=True)
class SessionSync:
    """How one session stands to the remote."""

    id: str
    provider: str
    path: str
    state: SyncState


@dataclass(slots=True)
class SyncStatus:
    """How the archive stands to a remote."""

    mode: Mode
    """``offline`` (no remote, or it could not be reached), ``online``, ``syncing`` (now, by any process), ``error``."""
    remote: str | None = None
    url: str | None = None
    last_sync: str | None = None
    """When a sync last came to its end: UTC, ISO 8601."""
    error: str | None = None
    """What the last try failed of."""
    ahead: int = 0
    """Commits the remote has not; `behind`: those that are not here."""
    behind: int = 0
    pending_uploads: int = 0
    """Sessions the remote has not as they are here; `pending_downloads`: the other way round."""
    pending_downloads: int = 0
    conflicts: int = 0
    """Sessions in which a decision waits."""
    sessions: list[SessionSync] = field(default_factory=list)

    @property
    def is_fully_synced(self) -> bool:
        """Whether there is nothing to send, to fetch or to decide."""
        return self.remote is not None and not (self.pending_uploads or self.pending_downloads or self.conflicts)


def sync_states(archive: Archive, files: Mapping[str, str]) -> dict[str, SyncState]:
    """How each session file stands to the archive's remote, as last fetched: path -> state.

    ``local-only`` (no remote), ``unsynced`` (not there yet), ``synced``, ``local-ahead``, ``remote-ahead``, or
    ``conflict`` where both sides changed it since.

    Args:
        archive: whose branch `files` is from.
        files: path -> blob, of its latest commit.
    """
    return _states(archive, files, _tracked(archive))


def pending(archive: Archive, states: Mapping[str, SyncState]) -> tuple[int, int]:
    """Sessions the remote has not as they are here, and the other way round.

    Args:
        states: of `sync_states`, for every session file.
    """
    remote = _tracked(archive)
    there = _sessions(archive, remote) if remote is not None else {}
    new = sum(path not in states for path in there)
    up, down = (sum(state in kind for state in states.values()) for kind in (_UP, _DOWN))
    return (up, down + new) if _has_remote(archive) else (0, 0)


def sync_status(archive: Archive, remote: str | None = None, url: str | None = None) -> SyncStatus:
    """How the archive stands to a remote, as last fetched; the network is not asked.

    Args:
        remote: its name, and `url` where it is; None: there is none.
    """
    from chasm_git.archive.syncing.conflicts import undecided

    head = archive.head()
    theirs = refs.read_ref(archive, f"refs/remotes/{remote}/{_short(archive)}") if remote is not None else None
    known = syncstate.known(archive, remote) if remote is not None else syncstate.Known()
    made = SyncStatus(known.mode, remote, url, known.synced, known.error)
    if remote is not None and syncstate.is_syncing(archive):
        made.mode = "syncing"
    files = _sessions(archive, head)
    states = _states(archive, files, theirs)
    there = _sessions(archive, theirs)
    for path in there:
        states.setdefault(path, "remote-ahead")
    waiting = set(undecided(archive, files))
    for path, state in sorted(states.items()):
        where = layout.parse_session_path(path)
        assert where is not None
        shown: SyncState = "conflict" if path in waiting else state
        name = where.name
        if "~" in name:  # an id that is no file name
            blob = files.get(path) or there[path]
            name = id_in(archive.read(blob)) or name
        made.sessions.append(SessionSync(name, where.provider, path, shown))
    if remote is not None:
        made.pending_uploads = sum(state in _UP for state in states.values())
        made.pending_downloads = sum(state in _DOWN for state in states.values())
    made.conflicts = len(waiting)
    if head is not None and theirs is not None:
        counts = Git(archive).text("rev-list", "--left-right", "--count", f"{head}...{theirs}")
        made.ahead, made.behind = map(int, counts.split())
    return made


def _states(archive: Archive, files: Mapping[str, str], remote: str | None) -> dict[str, SyncState]:
    head = archive.head()
    if head is None or remote is None:
        state: SyncState = "unsynced" if _has_remote(archive) else "local-only"
        return dict.fromkeys(files, state)
    theirs = archive.files(remote, layout.SESSIONS)
    base: dict[str, str] = {}
    if any(theirs.get(path, blob) != blob for path, blob in files.items()):
        ancestor = Git(archive).text("merge-base", head, remote, ok=(0, 1))
        base = archive.files(ancestor, layout.SESSIONS) if ancestor else {}
    return {path: _state(blob, theirs.get(path), base.get(path)) for path, blob in files.items()}


def _state(ours: str, theirs: str | None, base: str | None) -> SyncState:
    if theirs is None:
        return "unsynced"
    if ours == theirs:
        return "synced"
    if theirs == base:
        return "local-ahead"
    return "remote-ahead" if ours == base else "conflict"


def _sessions(archive: Archive, commit: str | None) -> dict[str, str]:
    files = archive.files(commit, layout.SESSIONS)
    return {path: blob for path, blob in files.items() if layout.parse_session_path(path) is not None}


def _has_remote(archive: Archive) -> bool:
    settings = read_config(archive.git_dir / "config")
    return any(name.startswith("remote.") and name.endswith(".url") for name in settings)


def _short(archive: Archive) -> str:
    return archive.branch.removeprefix("refs/heads/")


def _tracked(archive: Archive) -> str | None:
    """The commit the remote's branch was at when it was last heard of; of several remotes, git's own choice first."""
    short = _short(archive)
    known = {ref for ref in refs.list_refs(archive, "refs/remotes/") if ref.endswith(f"/{short}")}
    chosen = archive.settings.get(f"branch.{short}.remote", "origin")
    ref = next(iter(sorted(known, key=lambda ref: (ref != f"refs/remotes/{chosen}/{short}", ref))), None)
    return refs.read_ref(archive, ref) if ref else None
