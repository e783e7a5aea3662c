"""Forgetting a session: the only way to delete. What stays is that it was there, so that it does not come back.

Its file becomes a tombstone (`session.forgotten`) and attachments that it alone used leave the tree, in one commit.
Earlier versions stay in the history; `erase` takes them from there, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chasm_git.archive import layout, naming
from chasm_git.archive.choose import headers
from chasm_git.archive.edit import Edited, Planned, commit_edit
from chasm_git.session import attachments, codec
from chasm_git.session.combine import SOURCES
from chasm_git.session.forgotten import forgotten, is_forgotten
from chasm_git.session.model import Session
from chasm_git.session.readable import display_title

if TYPE_CHECKING:
    from chasm_git.archive.naming import SessionFile
    from chasm_git.archive.repo import Archive

_NAME = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class Related:
    """Another session that has to do with the one that is forgotten; it stays."""

    id: str
    provider: str
    relation: str


@dataclass(slots=True)
class Forgetting:
    """What forgetting a session does, or did."""

    id: str
    provider: str
    path: str
    title: str | None
    messages: int
    """Records that become tombstones."""
    attachments: list[str] = field(default_factory=list)
    """Paths of attachments that leave the tree, as no other session uses them."""
    related: list[Related] = field(default_factory=list)
    is_forgotten: bool = False
    """Whether it was forgotten before: then only the history is left."""
    edited: Edited = field(default_factory=Edited)


def look(archive: Archive, name: str) -> Forgetting:
    """What forgetting a session would do. Raises NoSuchSession, AmbiguousSession."""
    head = archive.head()
    return _look(archive, naming.find_session(archive, name, head), head)


def forget(archive: Archive, name: str, *, dry_run: bool = False) -> Forgetting:
    """Replace a session by tombstones, as a commit. Raises NoSuchSession, AmbiguousSession."""
    made: list[Forgetting] = []

    def plan(head: str | None) -> Planned:
        found = naming.find_session(archive, name, head)
        made[:] = [_look(archive, found, head)]
        if made[0].is_forgotten:
            return Planned({}, "")
        files: dict[str, bytes | None] = {found.path: tombstone(archive.read(found.blob), found)}
        files |= dict.fromkeys(made[0].attachments)
        return Planned(files, message(found.provider, found.id))

    edited = commit_edit(archive, plan, dry_run=dry_run)
    made[0].edited = edited
    return made[0]


def message(provider: str, identity: str) -> str:
    """What the log says."""
    return f"forget: {identity}\n\n- {provider} {identity}\n"


def tombstone(data: bytes, found: SessionFile) -> bytes:
    """The file that stays of a session; of one that cannot be read its name alone."""
    try:
        return codec.dumps(forgotten(codec.loads(data)))
    except codec.CodecError:
        return codec.dumps(forgotten(Session(found.id, found.provider)))


def names_used(data: bytes) -> set[str]:
    """What may be names of attachments (without their endings) in a session file, whether it can be read or not."""
    return {name.decode("ascii") for name in _NAME.findall(data)}


def _look(archive: Archive, found: SessionFile, head: str | None) -> Forgetting:
    data = archive.read(found.blob)
    made = Forgetting(found.id, found.provider, found.path, None, 0, is_forgotten=is_forgotten(data))
    if made.is_forgotten:
        return made
    session = None
    try:
        session = codec.loads(data)
        made.title, made.messages = display_title(session), len(session.messages)
        names = {name.partition(".")[0] for name in attachments.names_of(session)}
    except codec.CodecError:
        names = names_used(data)
    if names:
        held = {path for path in archive.files(head, layout.ATTACHMENTS) if _stem(path) in names}
        used = _used_elsewhere(archive, archive.files(head, layout.SESSIONS), found.path, names)
        made.attachments = sorted(path for path in held if _stem(path) not in used)
    made.related = list(_related(archive, head, found, session))
    return made


def _used_elsewhere(archive: Archive, files: dict[str, str], path: str, names: set[str]) -> set[str]:
    used: set[str] = set()
    for other, blob in files.items():
        if other != path and not names <= used:
            used |= names & names_used(archive.read(blob))
    return used


def _related(archive: Archive, head: str | None, found: SessionFile, session: Session | None) -> Iterable[Related]:
    """Sessions that hold some of the same messages, or were started by this one."""
    for one in headers(archive, head):
        other = one.header
        if one.file.path == found.path:
            continue
        merged = other.extra.get(SOURCES)
        listed = merged if type(merged) is list else []
        relation = None
        if any(type(item) is dict and item.get("id") == found.id for item in listed):
            relation = "was merged from it"
        elif other.forked_from == found.id:
            relation = "was forked from it"
        elif other.parent == found.id:
            relation = "is a sub-agent of it"
        elif session is not None and other.id == session.forked_from:
            relation = "it was forked from this one"
        if relation is not None:
            yield Related(other.id, other.provider, relation)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]
