"""The commit that joins two histories: what it says, and what it is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chasm_git import __version__
from chasm_git.archive import layout
from chasm_git.archive.commit import NOBODY, commit, commit_object
from chasm_git.archive.syncing.mergefiles import Clash
from chasm_git.archive.syncing.mergetrees import Change

if TYPE_CHECKING:
    from chasm_git.archive.plumbing.objects import Sink
    from chasm_git.archive.repo import Archive

_MOST_LINES = 200
_SIGNS = {"added": "+", "updated": "~", "removed": "-"}


def join_equal(archive: Archive, one: str, other: str, sink: Sink) -> str:
    """Join two commits that hold the same tree.

    The commit depends on the two alone, not on who makes it and when: machines that do it at once make the same
    one, and none of them has anything left to merge.
    """
    tree = archive.tree_id(one)
    assert tree is not None
    times = [_committed(archive, parent) for parent in (one, other)]
    who = f"{NOBODY} {max(times)} +0000"
    message = "sync: two machines had made the same of it"
    return sink.add("commit", commit_object(tree, sorted((one, other)), who, who, message))


def join_merged(archive: Archive, tree: str, ours: str, theirs: str, message: str, sink: Sink) -> str:
    """Commit a merged tree."""
    return commit(archive, tree=tree, parents=[ours, theirs], message=message, sink=sink)


def merge_message(
    remote: str, machine: str, received: Sequence[Change], sent: Sequence[Change], clashes: Sequence[Clash]
) -> str:
    """What the log says of a merge: counts, a line for every session that came, trailers."""
    came, went = sessions(received), sessions(sent)
    subject = f"sync: {counted(came)} from {remote}, {counted(went)} to it"
    lines = [subject, ""]
    both = {change.path for change in sent}
    for change in came[:_MOST_LINES]:
        where = layout.parse_session_path(change.path)
        assert where is not None
        also = "  (continued on both sides)" if change.path in both else ""
        lines.append(f"{_SIGNS[change.kind]} {where.provider} {where.name}{also}")
    if len(came) > _MOST_LINES:
        lines.append(f"… and {len(came) - _MOST_LINES} more")
    others = len(received) - len(came)
    if others:
        lines.append(f"and {others} other files")
    for path, number in sorted(Counter(clash.path for clash in clashes).items()):
        lines.append(f"! {path}: {number} to be decided (chasm conflicts)")
    lines += ["", f"Chasm-Machine: {machine}", f"Chasm-Version: {__version__}"]
    return "\n".join(lines) + "\n"


def sessions(changes: Sequence[Change]) -> list[Change]:
    """Those that are about session files."""
    return [change for change in changes if layout.parse_session_path(change.path) is not None]


def counted(changes: Sequence[Change]) -> str:
    """``1 session``."""
    return f"{len(changes)} session{'' if len(changes) == 1 else 's'}"


def _committed(archive: Archive, name: str) -> int:
    """When a commit was made, in seconds."""
    _, data = archive.object(name)
    for line in data.partition(b"\n\n")[0].split(b"\n"):
        if line.startswith(b"committer "):
            seconds = line.split(b" ")[-2]
            return int(seconds) if seconds.isdigit() else 0
    return 0
