"""Sessions merged into a new one, committed beside them; they themselves stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chasm_git.archive import layout, naming
from chasm_git.archive.choose import headers
from chasm_git.archive.edit import Edited, Planned, commit_edit
from chasm_git.errors import ChasmError, UsageError
from chasm_git.session import codec
from chasm_git.session.combine import FROM, PROVIDER, combine, combined_id
from chasm_git.session.forgotten import is_forgotten

if TYPE_CHECKING:
    from chasm_git.archive.naming import SessionFile
    from chasm_git.archive.repo import Archive


@dataclass(slots=True)
class Combined:
    """What came of a merge."""

    id: str
    title: str
    path: str
    sources: list[SessionFile]
    messages: int
    """Records in the new session."""
    doubled: int
    """Records that stood in several sessions, and stand there once."""
    is_new: bool
    """Whether these sessions were not merged before."""
    edited: Edited = field(default_factory=Edited)


def combine_sessions(
    archive: Archive,
    choose: Callable[[str | None], Sequence[SessionFile]],
    *,
    title: str | None = None,
    dry_run: bool = False,
) -> Combined:
    """Merge sessions into a new one, or bring what they gave earlier up to date.

    Args:
        choose: gives the sessions, at a commit.

    Raises UsageError for fewer than two, ChasmError for one that cannot be read, and what `choose` raises.
    """
    found: list[Combined] = []

    def plan(head: str | None) -> Planned:
        chosen = {one.path: one for one in choose(head)}
        if len(chosen) < 2:
            raise UsageError("it takes two sessions, or more, to merge them")
        sessions = []
        for one in chosen.values():
            data = archive.read(one.blob)
            if is_forgotten(data):
                raise naming.NoSuchSession(f"the session {one.id} was forgotten")
            try:
                sessions.append(codec.loads(data))
            except codec.CodecError as error:
                raise ChasmError(f"{one.path}: {error}; mend the file, or leave the session out") from error
        before = _before(archive, combined_id(sessions), head)
        known = archive.read(before.blob) if before is not None else None
        if known is not None and is_forgotten(known):
            raise ChasmError("what these sessions gave when they were merged was forgotten; it is not made again")
        made = combine(sessions, title=title, before=codec.loads(known) if known is not None else None)
        data = codec.dumps(made)
        path = before.path if before is not None else layout.session_path(PROVIDER, made.id, made.created_at)
        doubled = sum(len(listed) - 1 for m in made.messages if type(listed := m.extra.get(FROM)) is list)
        name = made.title or made.id
        found[:] = [Combined(made.id, name, path, list(chosen.values()), len(made.messages), doubled, before is None)]
        lines = "\n".join(f"  {one.provider} {one.id}" for one in chosen.values())
        message = f"merge: {len(chosen)} sessions ({made.id})\n\n+ {PROVIDER} {made.id}\n{lines}\n"
        return Planned({} if data == known else {path: data}, message)

    edited = commit_edit(archive, plan, dry_run=dry_run)
    found[0].edited = edited
    return found[0]


def unmerged(archive: Archive, commit: str | None) -> list[SessionFile]:
    """Every session that is not itself made of others."""
    return [one.file for one in headers(archive, commit) if one.file.provider != PROVIDER]


def _before(archive: Archive, identity: str, head: str | None) -> SessionFile | None:
    try:
        found = naming.find_session(archive, f"{PROVIDER}/{identity}", head)
    except naming.NoSuchSession:
        return None
    return found if found.id == identity else None
