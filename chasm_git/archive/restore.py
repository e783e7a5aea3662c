"""Putting earlier states back, always as a new commit: one session as it was, or the whole archive.

Nothing is lost by it: what was there before is the commit below, and the way back is another restore.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chasm_git.archive import layout, naming
from chasm_git.archive.commit import Writer, commit
from chasm_git.archive.history import Change, changes, read_commit
from chasm_git.archive.plumbing import trees
from chasm_git.archive.plumbing.journal import publish
from chasm_git.archive.plumbing.worktree import Kept
from chasm_git.errors import ChasmError, UsageError
from chasm_git.session import attachments, codec
from chasm_git.session.model import Session

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


@dataclass(slots=True)
class Restored:
    """What a restore did, or would do."""

    source: str
    """The commit that was put back, or put back from."""
    changes: list[Change]
    """The sessions that differ now from before; none: everything was so already, and there is no new commit."""
    attachments: list[str]
    """Names of attachments that came back."""
    undo: str
    """The revision to restore from (or rewind to) to undo it."""
    commit: str | None = None
    """The new commit; None where nothing changed, and of a dry run."""
    other: list[str] = field(default_factory=list)
    """Paths of other files that change (of a rewind)."""
    kept: list[Kept] = field(default_factory=list)
    """Paths in the worktree left as a person has them."""
    pending: str | None = None
    """Why the worktree could not follow yet."""


def restore(archive: Archive, name: str, *, dry_run: bool = False) -> Restored:
    """Put one session (``ID@REV``) back as it was at a revision, with the attachments it names.

    Raises UsageError without a revision, NoSuchSession, AmbiguousSession, NoSuchRevision, ChasmError where the
    session's file, or an attachment it needs, cannot be read there.
    """
    with archive.lock():
        found, source = naming.session_at(archive, name)
        head = archive.head()
        if source == head and name.endswith(("@HEAD", "@@", f"@{head}")):
            return Restored(source, [], [], source)
        if head is None or source == head:
            raise UsageError(
                f"say which version of the session to put back: {found.id}@REV; `chasm git log {found.id}` lists them"
            )
        path = _path_now(archive, head, found)
        now = trees.lookup(archive, archive.tree_id(head), path)
        before = now.id if now is not None and now.is_file else None
        if before == found.blob:
            return Restored(source, [], [], head)
        try:
            session = codec.loads(archive.read(found.blob))
        except codec.CodecError as error:
            raise ChasmError(f"{found.path} cannot be read at that revision, so it is not put back: {error}") from error
        missing = _missing_attachments(archive, session, head, source)
        change = Change(path, found.provider, "added" if before is None else "updated", before, found.blob)
        made = Restored(source, [change], sorted(missing), head)
        if dry_run:
            return made
        blobs: dict[str, str | None] = {path: found.blob}
        blobs |= {attachments.path_of(attachment): blob for attachment, blob in missing.items()}
        with Writer(archive) as writer:
            tree = trees.write_tree(archive, archive.tree_id(head), blobs, writer)
            message = _message(archive, f"restore: {found.id}", source, [change])
            made.commit = commit(archive, tree=tree, parents=[head], message=message, sink=writer)
        return _published(archive, made, head, message)


def rewind(archive: Archive, revision: str, *, dry_run: bool = False) -> Restored:
    """Make the archive's tree what it was at a snapshot (or any revision), attachments and settings included.

    Raises NoSuchRevision, ChasmError where that revision is not the archive's.
    """
    with archive.lock():
        source = naming.resolve(archive, revision)
        head = archive.head()
        tree, current = archive.tree_id(source), archive.tree_id(head)
        if trees.lookup(archive, tree, "chasm.yaml") is None:
            raise ChasmError(f"{revision!r} is not a state of this archive (it has no chasm.yaml)")
        assert tree is not None and head is not None
        paths = [difference.path for difference in trees.differences(archive, current, tree)]
        came = [path for path in paths if layout.is_attachment_path(path) and trees.lookup(archive, tree, path)]
        made = Restored(source, changes(archive, current, tree), sorted(path.rpartition("/")[2] for path in came), head)
        known = {change.path for change in made.changes}
        made.other = sorted(path for path in paths if path not in known and not layout.is_attachment_path(path))
        if tree == current or dry_run:
            return made
        message = _message(archive, f"rewind: {revision}", source, made.changes)
        made.commit = commit(archive, tree=tree, parents=[head], message=message)
        return _published(archive, made, head, message)


def _published(archive: Archive, made: Restored, head: str, message: str) -> Restored:
    published = publish(archive, {archive.branch: (head, made.commit)}, message.partition("\n")[0])
    made.kept, made.pending = published.kept, published.pending
    return made


def _path_now(archive: Archive, head: str, found: naming.SessionFile) -> str:
    """Where the session's file is now; the place it had then, where there is none."""
    name = layout.file_name(found.id)
    for path in archive.files(head, f"{layout.SESSIONS}/{found.provider}"):
        where = layout.parse_session_path(path)
        if where is not None and where.name == name:
            return path
    return found.path


def _missing_attachments(archive: Archive, session: Session, head: str, source: str) -> dict[str, str]:
    """Attachments a session names that the archive has no more: name -> blob, from where they still were."""
    now, then = archive.tree_id(head), archive.tree_id(source)
    found = {}
    for name in attachments.names_of(session):
        path = attachments.path_of(name)
        if not layout.is_attachment_path(path) or trees.lookup(archive, now, path) is not None:
            continue
        entry = trees.lookup(archive, then, path)
        if entry is not None and entry.is_file:
            found[name] = entry.id
    return found


def _message(archive: Archive, subject: str, source: str, listed: list[Change]) -> str:
    """What the log says: what was put back, from where, and what became of each session."""
    then = read_commit(archive, source)
    from chasm_git.archive.summaries import Summaries

    summaries = Summaries(archive)
    signs = {"added": "+", "updated": "~", "removed": "-"}
    subject = " ".join("".join(char if char.isprintable() else " " for char in subject).split())[:200]
    lines = [f"{subject} as of {then.at[:10]} ({source[:12]})", ""]
    for change in listed[:400]:
        where = layout.parse_session_path(change.path)
        lines.append(
            f"{signs[change.kind]} {change.provider} {where.name if where else change.path}"
            f"  ({summaries.added(change):+d} messages)"
        )
    if len(listed) > 400:
        lines.append(f"… and {len(listed) - 400} more")
    return "\n".join([*lines, "", f"Chasm-Restored: {source}"]) + "\n"
