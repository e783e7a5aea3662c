"""What waits for a person's decision: edits of one message, values of one header key, texts that could not be merged.

They stand in the files themselves, so every clone has the same list, and nothing has to be remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from chasm_git.archive import layout
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.syncing.mergefiles import UNMERGED
from chasm_git.session import codec, jsonio
from chasm_git.session.display import gist
from chasm_git.session.header import ALTERNATIVES, alternatives
from chasm_git.session.join import from_value
from chasm_git.session.model import Json, Session
from chasm_git.session.resolve import shown

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Kind = Literal["edit", "add", "metadata", "unreadable", "text"]
"""A message both sides had and edited, or both added; a header key; a session file, or any other, kept twice."""

_ASIDE = re.compile(rf"{UNMERGED}/(.+)~([0-9a-f]{{12}})\.yaml")
_BESIDE = re.compile(r"((?:.*/)?(?:\.[^/]*|[^/.~]*))~([0-9a-f]{8})((?:\.[^/]*)?)")
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Waiting:
    """One decision."""

    path: str
    id: str
    """Of the session; of any other file, its path."""
    provider: str | None
    kind: Kind
    where: str
    """Id of the message, key of the header, or path of the other text."""
    texts: list[str] = field(default_factory=list)
    """The one shown now, and the others, a line each."""


def waiting(archive: Archive, commit: str | None) -> Iterator[Waiting]:
    """Everything that waits in a commit, by path."""
    every = archive.files(commit, "")
    found = dict.fromkeys(undecided(archive, commit))
    aside = {path: other for other in every if (path := _kept_beside(other, every)) is not None}
    for path in sorted({*found, *aside}):
        if path in aside:
            yield _apart(archive, path, aside[path], every)
        if path in found:
            yield from _told_apart(archive, commit, _inside(path, archive.read(every[path])))


def _told_apart(archive: Archive, commit: str | None, found: Iterator[Waiting]) -> Iterator[Waiting]:
    """Edits and additions: the file alone does not say which of them it was."""
    from chasm_git.archive.syncing.origins import Origins

    listed = list(found)
    edits = [one for one in listed if one.kind == "edit"]
    origins = Origins(archive, commit, edits[0].path, [one.where for one in edits]) if edits and commit else None
    for one in listed:
        is_new = origins is not None and one.kind == "edit" and origins.is_new(one.where)
        yield replace(one, kind="add") if is_new else one


def undecided(archive: Archive, commit: str | None) -> list[str]:
    """Paths of the session files in which decisions wait."""
    if commit is None:
        return []
    patterns = ("-e", "^  variants:", "-e", f"^{ALTERNATIVES}:")
    out = Git(archive).run(
        "grep", "-l", "-z", "-a", "--no-textconv", "--full-name", *patterns, commit, "--", layout.SESSIONS, ok=(0, 1)
    )
    names = out.decode("utf-8", "surrogateescape").split("\0")
    paths = [name.partition(":")[2] for name in names if name]
    tree = archive.files(commit) if paths else {}
    chosen = [path for path in paths if layout.parse_session_path(path) is not None]
    return [path for path in chosen if any(True for _ in _inside(path, archive.read(tree[path])))]


def _inside(path: str, data: bytes) -> Iterator[Waiting]:
    try:
        session = codec.loads(data)
    except codec.CodecError:
        return  # `verify` names it
    for name, values in alternatives(session).items():
        if values:
            yield _waiting(path, session, "metadata", name, [_short(shown(session, name)), *map(_short, values)])
    for message in session.messages:
        if message.variants:
            texts = [gist(message), *(_gist(message.id, value) for value in message.variants)]
            yield _waiting(path, session, "edit", message.id, texts)


def _waiting(path: str, session: Session, kind: Kind, where: str, texts: list[str]) -> Waiting:
    return Waiting(path, session.id, session.provider, kind, where, [text[:_LONGEST] for text in texts])


def _gist(identity: str, value: Json) -> str:
    try:
        return gist(from_value(identity, value).message)
    except ValueError:
        return _short(value)


def _short(value: Json) -> str:
    text = value if type(value) is str else jsonio.dumps(value).decode("utf-8", "replace")
    return " ".join(text.split())[:_LONGEST]


def _apart(archive: Archive, path: str, other: str, every: dict[str, str]) -> Waiting:
    where = layout.parse_session_path(path)
    texts = [_beginning(archive.read(every[one])) if one in every else "(no longer there)" for one in (path, other)]
    if where is None:
        return Waiting(path, path, None, "text", other, texts)
    return Waiting(path, where.name, where.provider, "unreadable", other, texts)


def _beginning(data: bytes) -> str:
    return " ".join(data[: 4 * _LONGEST].decode("utf-8", "replace").split())[:_LONGEST]


def _kept_beside(path: str, every: dict[str, str]) -> str | None:
    """The file a merge kept this one beside; None where it is nothing of the kind."""
    aside = _ASIDE.fullmatch(path)
    if aside is not None:
        return f"{layout.SESSIONS}/{aside[1]}.yaml"
    found = _BESIDE.fullmatch(path)
    if found is None or not every[path].startswith(found[2]):
        return None
    return found[1] + found[3]
