"""Moving a branch so that a run which is killed at any point can be finished, or undone, by the next one.

Order: lock the indexes that show the branch, note what is about to happen, move the refs, let worktrees and indexes
follow, forget the note. While the indexes are locked nobody can commit one that lags behind its branch, which would
take back what was just added. The note is ``$GIT_DIR/chasm/journal``; `recover` does what is left of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chasm_git.archive.plumbing import checkout, durable, files, locks, pack, refs
from chasm_git.archive.plumbing.index import IndexUnusable
from chasm_git.archive.plumbing.worktree import Follower, Kept, Merge, Unfinished, merge_sessions, open_followers

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Updates = Mapping[str, tuple[str | None, str | None]]

_LOCK = "publishing"


@dataclass(slots=True)
class Published:
    """What became of a move."""

    kept: list[Kept] = field(default_factory=list)
    """Paths in the worktree left as a person has them."""
    pending: str | None = None
    """Why the worktree could not follow yet; the next run tries again."""


@dataclass(slots=True)
class _Note:
    """What the journal says."""

    branch: str
    shown: str | None
    """The commit that worktrees and indexes show: they follow from here."""
    updates: dict[str, tuple[str | None, str | None]]
    message: str

    @property
    def target(self) -> tuple[str | None, str | None]:
        """Where the branch goes: (old, new)."""
        return self.updates[self.branch]


def publish(
    archive: Archive,
    updates: Updates,
    message: str,
    *,
    staged: Mapping[str, Path] | None = None,
    merge: Merge = merge_sessions,
    timeout: float = 5.0,
) -> Published:
    """Move refs, and where the archive's branch is among them let worktrees and indexes follow.

    The one way to move the branch. The objects must be on the disk before (their writer is closed).

    Args:
        updates: as for `refs.update_refs`; the branch moves first, whatever the order.
        message: for the reflog.
        staged, merge: as for `worktree.bring_up_to_date`.
        timeout: seconds to wait for the index; without it the branch moves and the worktree follows at the next run.

    Raises refs.RefMoved, checkout.BranchBusy, locks.LockHeld, KeyError for a commit that is not there: nothing has
    happened then.
    """
    with archive.lock(name=_LOCK):
        before = _resume(archive, merge, timeout)
        if updates.get(archive.branch, (None, None))[1] is None:
            refs.update_refs(archive, updates, message)
            return before
        checkout.require_movable(archive)
        archive.files(updates[archive.branch][1], "")  # a commit that is not whole must never get a name
        earlier = _read(archive)
        ordered = {name: updates[name] for name in sorted(updates, key=lambda name: name != archive.branch)}
        shown = earlier.shown if earlier else ordered[archive.branch][0]
        note = _Note(archive.branch, shown, ordered, message)
        with ExitStack() as held:
            followers, reason = _followers(archive, held, merge, timeout)
            _write(archive, note)
            try:
                refs.update_refs(archive, ordered, message)
            except BaseException:  # Ctrl-C, too: the note must say what is so, whatever stopped us
                if refs.read_ref(archive, archive.branch) == note.target[1]:
                    raise  # the branch has moved: the next run brings the rest after it
                if earlier:
                    _write(archive, earlier)
                else:
                    _forget(archive)
                raise
            after = _follow(archive, followers, reason, note.shown, note.target[1], staged)
        return Published(before.kept + after.kept, after.pending)


def recover(archive: Archive, merge: Merge = merge_sessions, *, timeout: float = 5.0) -> Published:
    """Finish what a killed run began, and remove what it left. At the start of every command that writes.

    Returns:
        As `publish`, about the worktree that was brought up to date, if one was.
    """
    with archive.lock(name=_LOCK):
        locks.release_abandoned(archive.git_dir, archive.scratch)
        pack.remove_abandoned(archive.git_dir)
        for path in archive.scratch.iterdir():
            if durable.abandoned(path):
                durable.remove(path)
        for shown in checkout.checkouts(archive):
            files.remove_abandoned(shown.worktree)
        return _resume(archive, merge, timeout)


def _resume(archive: Archive, merge: Merge, timeout: float) -> Published:
    """Do what the journal says is left to be done."""
    try:
        note = _read(archive)
    except ValueError:
        _forget(archive)
        return Published([Kept("", "the journal was damaged; `git status` says how the worktree differs")])
    if note is None:
        return Published()
    old, new = note.target
    head = archive.head()
    if archive.descends(head, new):
        for name, (was, to) in note.updates.items():
            if was != to and refs.read_ref(archive, name) == was:
                refs.update_refs(archive, {name: (was, to)}, note.message)
        target = new
    elif archive.descends(head, old):
        target = old
    else:
        target = None  # a person moved the branch elsewhere, and the worktree with it
    if target is None or target == note.shown:
        _forget(archive)
        return Published()
    with ExitStack() as held:
        followers, reason = _followers(archive, held, merge, timeout)
        return _follow(archive, followers, reason, note.shown, target, None)


def _followers(archive: Archive, held: ExitStack, merge: Merge, timeout: float) -> tuple[list[Follower], str | None]:
    """What can follow, or why nothing can."""
    try:
        return open_followers(archive, held, merge, timeout), None
    except (locks.LockHeld, IndexUnusable) as error:
        return [], str(error)


def _follow(
    archive: Archive,
    followers: list[Follower],
    reason: str | None,
    shown: str | None,
    new: str | None,
    staged: Mapping[str, Path] | None,
) -> Published:
    assert new is not None
    result = Published(pending=reason)
    try:
        for follower in followers:
            result.kept += follower.follow(shown, new, staged or {})
    except Unfinished as error:
        result.kept += error.kept
        result.pending = str(error)
    except OSError as error:
        result.pending = f"the index could not be written: {error.strerror or error}; the next run tries again"
    except KeyError:
        # history was rewritten under it: there is nothing left to compare with
        result.kept.append(Kept("", f"commit {shown} is gone; `git status` says how the worktree differs"))
    if result.pending is None:
        _forget(archive)
    return result


def _forget(archive: Archive) -> None:
    durable.remove(archive.state_dir / "journal")


def _write(archive: Archive, note: _Note) -> None:
    data = {"branch": note.branch, "shown": note.shown, "updates": note.updates, "message": note.message}
    durable.write_whole(archive.state_dir / "journal", json.dumps(data, indent=1).encode(), archive.scratch)


def _read(archive: Archive) -> _Note | None:
    """The journal; None where there is none for this branch. Raises ValueError for a damaged one."""
    try:
        data: Any = json.loads((archive.state_dir / "journal").read_bytes())
        updates = {name: (old, new) for name, (old, new) in data["updates"].items()}
        note = _Note(data["branch"], data["shown"], updates, data["message"])
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a journal") from error
    return note if note.branch == archive.branch and note.branch in updates else None
