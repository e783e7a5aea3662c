"""Session files changed on a person's behalf, as one commit; what another process commits at the same moment stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from chasm_git.archive import naming
from chasm_git.archive.commit import Writer, commit
from chasm_git.archive.plumbing import refs, trees
from chasm_git.archive.plumbing.journal import publish, recover
from chasm_git.archive.plumbing.worktree import Kept
from chasm_git.errors import ChasmError
from chasm_git.session import codec, words
from chasm_git.session.forgotten import is_forgotten
from chasm_git.session.model import Session

if TYPE_CHECKING:
    from chasm_git.archive.naming import SessionFile
    from chasm_git.archive.repo import Archive

_TRIES = 5


class Planned(NamedTuple):
    """What is to be committed."""

    files: Mapping[str, bytes | None]
    """Path -> what it shall hold; None: it goes."""
    message: str
    """Of the commit; its first line goes to the reflog, too."""


@dataclass(slots=True)
class Edited:
    """What came of it."""

    commit: str | None = None
    """The new commit; None where nothing changed, and of a dry run."""
    changed: list[SessionFile] = field(default_factory=list)
    """The sessions that change, as they were before."""
    kept: list[Kept] = field(default_factory=list)
    """Paths in the worktree left as a person has them."""
    pending: str | None = None
    """Why the worktree could not follow yet."""


def commit_edit(archive: Archive, plan: Callable[[str | None], Planned], *, dry_run: bool = False) -> Edited:
    """Commit what `plan` makes of the archive as it stands at a commit; it is asked again where the branch moved.

    Raises what `plan` raises, refs.RefMoved where others are faster every time.
    """
    with archive.lock():
        if not dry_run:
            recover(archive)
        for tries_left in reversed(range(_TRIES)):
            head = archive.head()
            planned = plan(head)
            if dry_run or not planned.files:
                return Edited()
            before = archive.tree_id(head)
            with Writer(archive) as writer:
                blobs = {
                    path: writer.add("blob", data) if data is not None else None for path, data in planned.files.items()
                }
                tree = trees.write_tree(archive, before, blobs, writer)
                if tree == before:
                    return Edited()
                parents = [head] if head is not None else []
                made = commit(archive, tree=tree, parents=parents, message=planned.message, sink=writer)
            try:
                published = publish(archive, {archive.branch: (head, made)}, planned.message.partition("\n")[0])
            except refs.RefMoved:
                if not tries_left:
                    raise
                continue
            return Edited(made, kept=published.kept, pending=published.pending)
    raise AssertionError("unreachable")


def edit_headers(
    archive: Archive,
    choose: Callable[[str | None], list[SessionFile]],
    change: Callable[[Session, SessionFile], None],
    message: Callable[[list[SessionFile]], str],
    *,
    dry_run: bool = False,
) -> Edited:
    """Change the headers of sessions, in one commit.

    Args:
        choose: gives the sessions, at a commit.
        change: changes one session, which has no messages.
        message: of the commit, of the sessions that change.

    Raises what they raise, ChasmError for a session that was forgotten or cannot be read.
    """
    changed: list[SessionFile] = []

    def changed_in(found: SessionFile) -> Callable[[Session], None]:
        return lambda session: change(session, found)

    def plan(head: str | None) -> Planned:
        changed.clear()
        files: dict[str, bytes | None] = {}
        for found in choose(head):
            data = read_session(archive, found)
            made = words.edited(data, changed_in(found))
            if made != data and found.path not in files:
                files[found.path] = made
                changed.append(found)
        return Planned(files, message(changed))

    made = commit_edit(archive, plan, dry_run=dry_run)
    made.changed = changed
    return made


def read_session(archive: Archive, found: SessionFile) -> bytes:
    """The file of a session that is there to be changed. Raises ChasmError."""
    data = archive.read(found.blob)
    if is_forgotten(data):
        raise naming.NoSuchSession(f"the session {found.id} was forgotten")
    try:
        codec.loads_header(codec.split(data)[0])
    except ValueError:
        try:
            codec.loads(data)
        except codec.CodecError as error:
            raise ChasmError(f"{found.path}: {error}; mend the file, or put an earlier version of it back") from error
    return data
