"""Moving a branch so that a crash at any point can be finished, or undone, by the next run.

Order: note what is about to happen, move the refs, let worktrees and indexes follow, forget the note. The note is in
``$GIT_DIR/chasm/journal``. `recover` does what is left of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import checkout, durable, locks, pack, refs
from chasm_git.archive.index import IndexUnusable
from chasm_git.archive.worktree import Kept, Merge, bring_up_to_date, merge_sessions

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Updates = Mapping[str, tuple[str | None, str | None]]


@dataclass(slots=True)
class Published:
    """What became of a move."""

    kept: list[Kept] = field(default_factory=list)
    """Paths in the worktree left as a person has them."""
    pending: str | None = None
    """Why the worktree could not follow yet; the next run tries again."""


def publish(
    archive: Archive,
    updates: Updates,
    message: str,
    *,
    staged: Mapping[str, Path] | None = None,
    merge: Merge = merge_sessions,
) -> Published:
    """Move refs, the archive's branch among them, and let worktree and index follow.

    The one way to move the branch: everything it needs (objects) must be on the disk before.

    Args:
        updates: as for `refs.update_refs`; the branch moves first, whatever the order.
        message: for the reflog.
        staged, merge: as for `worktree.bring_up_to_date`.

    Raises refs.RefMoved, checkout.BranchBusy, locks.LockHeld: nothing has happened then.
    """
    with archive.lock(name="publish.lock"):
        before = recover(archive, merge)
        checkout.require_movable(archive)
        ordered = {name: updates[name] for name in sorted(updates, key=lambda name: name != archive.branch)}
        old, new = ordered.get(archive.branch, (None, None))
        base = _pending_base(archive, old)
        journal = archive.state_dir / "journal"
        _write(archive, {"branch": archive.branch, "base": base, "updates": ordered, "message": message})
        try:
            refs.update_refs(archive, ordered, message)
        except BaseException:
            if before.pending is None:
                durable.remove(journal)
            raise
        return _follow(archive, base, new, staged, merge)


def recover(archive: Archive, merge: Merge = merge_sessions) -> Published:
    """Finish what a killed run began, and remove what it left. At the start of every command that writes.

    Returns:
        As `publish`, about the worktree that was brought up to date, if one was.
    """
    with archive.lock(name="publish.lock"):
        locks.release_abandoned(archive.git_dir, archive.scratch)
        pack.remove_abandoned(archive.git_dir)
        for path in archive.scratch.iterdir():
            if durable.abandoned(path):
                durable.remove(path)
        note = _read(archive)
        if note is None:
            return Published()
        return _finish(archive, note, merge)


def _finish(archive: Archive, note: dict[str, object], merge: Merge) -> Published:
    updates = note["updates"]
    assert isinstance(updates, dict)
    old, new = updates.get(archive.branch, (None, None))
    head = archive.head()
    if head == old or new is None:
        durable.remove(archive.state_dir / "journal")
        return Published()
    for name, (was, to) in updates.items():
        if refs.read_ref(archive, name) == was != to:
            refs.update_refs(archive, {name: (was, to)}, str(note["message"]))
    base = note["base"]
    return _follow(archive, base if isinstance(base, str) else None, new, None, merge)


def _follow(
    archive: Archive, old: str | None, new: str | None, staged: Mapping[str, Path] | None, merge: Merge
) -> Published:
    if new is None:
        durable.remove(archive.state_dir / "journal")
        return Published()
    try:
        kept = bring_up_to_date(archive, old, new, staged, merge)
    except (locks.LockHeld, IndexUnusable) as error:
        return Published(pending=str(error))
    durable.remove(archive.state_dir / "journal")
    return Published(kept)


def _pending_base(archive: Archive, old: str | None) -> str | None:
    note = _read(archive)
    if note is None:
        return old
    base = note["base"]
    return base if isinstance(base, str) else None


def _write(archive: Archive, note: Mapping[str, object]) -> None:
    data = json.dumps(note, indent=1).encode()
    durable.write_whole(archive.state_dir / "journal", data, archive.scratch)


def _read(archive: Archive) -> dict[str, object] | None:
    try:
        note: dict[str, object] = json.loads((archive.state_dir / "journal").read_bytes())
    except FileNotFoundError:
        return None
    return note
