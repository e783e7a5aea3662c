"""What waits for a person's decision: edits of one message, values of one header key, texts that could not be merged.

They stand in the files themselves, so every clone has the same list, and nothing has to be remembered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from chasm_git.archive import layout, status
from chasm_git.archive.plumbing import checkout
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.summaries import Summaries
from chasm_git.archive.syncing.mergefiles import UNMERGED
from chasm_git.archive.syncing.undecided import undecided_paths
from chasm_git.session import codec, jsonio
from chasm_git.session.display import gist
from chasm_git.session.header import alternatives
from chasm_git.session.join import from_value
from chasm_git.session.model import Json, Session
from chasm_git.session.resolve import shown

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Kind = Literal["edit", "add", "metadata", "unreadable", "text", "marked", "unmerged"]
"""A message both sides had and edited, or both added; a header key; a session file, or any other, kept twice.

Of a merge that git has not finished: a session file with git's marks in it, any other file git wants to be told about.
"""

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


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a person has begun with git in the worktree, and not ended."""

    operation: str
    """``merge``, ``cherry-pick``, ``revert``, ``rebase``."""
    folder: Path
    paths: list[str]
    """Files that git calls unmerged."""
    waiting: list[Waiting]
    """What waits in those."""


def waiting(archive: Archive, commit: str | None) -> Iterator[Waiting]:
    """Everything that waits in a commit, by path."""
    every = archive.files(commit, "")
    found = set(undecided(archive, every))
    aside = _aside(every)
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


def unfinished(archive: Archive) -> Unfinished | None:
    """What is unfinished in the archive's own worktree, and what waits for a decision in it; None where nothing is.

    Raises GitMissing, GitError.
    """
    top = archive.worktree
    operation = checkout.operation(checkout.Checkout(top, archive.git_dir)) if top is not None else None
    if top is None or operation is None:
        return None
    listed = Git(archive).run("ls-files", "--unmerged", "-z").decode("utf-8", "surrogateescape").split("\0")
    paths = list(dict.fromkeys(entry.partition("\t")[2] for entry in listed if entry))
    found = [one for path in paths for one in _in_worktree(path, status.content(archive, path))]
    return Unfinished(operation, top, paths, found)


def _in_worktree(path: str, data: bytes | None) -> list[Waiting]:
    """What waits in one file that git calls unmerged.

    Args:
        data: what it holds; None where it is not there.
    """
    where = layout.parse_session_path(path)
    if where is None:
        return [Waiting(path, path, None, "unmerged", path)]
    found = list(_inside(path, data)) if data is not None else []
    if found:
        return found
    is_marked = data is not None and any(line.startswith(b"<<<<<<<") for line in data.split(b"\n"))
    return [Waiting(path, where.name, where.provider, "marked" if is_marked else "unmerged", path)]


def paths_waiting(archive: Archive, commit: str | None) -> set[str]:
    """Paths of the files of which something waits: those of `waiting`, at the price of a look at what has changed."""
    return undecided_paths(archive, commit) | _aside(archive.files(commit, "")).keys()


def undecided(archive: Archive, files: Mapping[str, str]) -> list[str]:
    """Paths of the session files in which decisions wait, of some files (path -> blob) of a commit.

    Files that cannot be read, or that a partial clone lacks, are left out.
    """
    chosen = {path: blob for path, blob in files.items() if layout.parse_session_path(path) is not None}
    kept = Summaries(archive)
    kept.load(chosen.values())
    found = [path for path, blob in chosen.items() if (one := kept.of(blob)) is not None and one.conflicts]
    kept.save()
    return found


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


def _aside(every: dict[str, str]) -> dict[str, str]:
    """Path -> path of the file that a merge kept beside it."""
    return {path: other for other in every if (path := _kept_beside(other, every)) is not None}


def _kept_beside(path: str, every: dict[str, str]) -> str | None:
    """The file a merge kept this one beside; None where it is nothing of the kind."""
    aside = _ASIDE.fullmatch(path)
    if aside is not None:
        return f"{layout.SESSIONS}/{aside[1]}.yaml"
    found = _BESIDE.fullmatch(path)
    if found is None or not every[path].startswith(found[2]):
        return None
    return found[1] + found[3]
