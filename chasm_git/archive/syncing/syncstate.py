"""What this clone remembers of its remotes: when each was last reached, what it had, why it was not.

``$GIT_DIR/chasm/sync.json``. Only a memory: without it nothing is lost but the time of the last sync.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from chasm_git.archive.plumbing import durable
from chasm_git.archive.plumbing.locks import ArchiveLocked, ProcessLock

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

LOCK = "sync.lock"
_FILE = "sync.json"

Mode = Literal["offline", "online", "syncing", "error"]


@dataclass(frozen=True, slots=True)
class Known:
    """The last that is known of a remote."""

    synced: str | None = None
    """When a sync with it last came to its end: UTC, ISO 8601."""
    tried: str | None = None
    """When it was last tried."""
    head: str | None = None
    """Commit its branch was at then."""
    mode: Mode = "offline"
    error: str | None = None
    """Why the last try failed, in a sentence; None: it did not."""


def known(archive: Archive, remote: str) -> Known:
    """What is remembered of a remote; nothing where there is no memory, or it is damaged."""
    try:
        return Known(**_load(archive)[remote])
    except (KeyError, TypeError):
        return Known()


def note_success(archive: Archive, remote: str, head: str | None) -> None:
    """A sync came to its end; the remote's branch is at `head`."""
    now = _now()
    _save(archive, remote, Known(now, now, head, "online"))


def note_failure(archive: Archive, remote: str, mode: Mode, error: str) -> None:
    """A sync failed: the remote was not reached (``offline``), or something else is wrong (``error``)."""
    before = known(archive, remote)
    _save(archive, remote, Known(before.synced, _now(), before.head, mode, error))


def is_syncing(archive: Archive) -> bool:
    """Whether a sync is under way in any process."""
    lock = ProcessLock(archive.state_dir / LOCK)
    try:
        lock.acquire(0)
    except ArchiveLocked:
        return True
    lock.release()
    return False


def forget(archive: Archive, remote: str) -> None:
    """Drop what is remembered of a remote."""
    remembered = _load(archive)
    if remembered.pop(remote, None) is not None:
        _write(archive, remembered)


def _load(archive: Archive) -> dict[str, Any]:
    try:
        found = json.loads((archive.state_dir / _FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if type(found) is dict else {}


def _save(archive: Archive, remote: str, value: Known) -> None:
    _write(archive, {**_load(archive), remote: asdict(value)})


def _write(archive: Archive, remembered: dict[str, Any]) -> None:
    data = json.dumps(remembered, indent=1).encode() + b"\n"
    durable.write_whole(archive.state_dir / _FILE, data, archive.scratch)


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
