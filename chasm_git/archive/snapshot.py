"""Snapshots: annotated tags on the archive's commits, ``refs/tags/<name>``. Once made, one never moves."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chasm_git.archive import layout
from chasm_git.archive.commit import identity, stamp
from chasm_git.archive.history import person, read_commit
from chasm_git.archive.plumbing import refs, trees
from chasm_git.archive.plumbing.objects import LooseWriter
from chasm_git.errors import ChasmError, UsageError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_TAGS = "refs/tags/"
_LONGEST = 200
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]")
_PARTS = (
    (re.compile(r"\.\."), "holds '..'"),
    (re.compile(r"@\{"), "holds '@{'"),
    (re.compile(r"^/|/$|//"), "has an empty part"),
    (re.compile(r"(?:^|/)\."), "has a part that begins with a dot"),
    (re.compile(r"\.lock(?:/|$)"), "has a part that ends with '.lock'"),
    (re.compile(r"\.$"), "ends with a dot"),
    (re.compile(r"^-"), "begins with '-'"),
    (re.compile(r"^(?:@|HEAD)$"), "means the latest commit"),
    (re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$"), "looks like a commit's id"),
    (re.compile(r"^refs/"), "begins with 'refs/'"),
)


class BadSnapshotName(UsageError):
    """A name that git, or a person reading it, would take for something else."""


class SnapshotExists(ChasmError):
    """There is a snapshot of that name, or one git cannot keep beside it; it does not move."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A named state of the archive."""

    name: str
    commit: str
    at: str
    """When it was taken: UTC, ISO 8601."""
    by: str
    message: str
    sessions: int


def default_name(seconds: float | None = None) -> str:
    """``snapshot-20260108-120000``, in local time; now by default."""
    return time.strftime("snapshot-%Y%m%d-%H%M%S", time.localtime(seconds))


def check_name(name: str) -> None:
    """Raises BadSnapshotName unless git, and a person on the command line, take `name` for a tag and nothing else."""
    shown = repr(name) if len(name) <= 60 else repr(name[:56] + "…")
    if not name or any(len(part.encode("utf-8", "replace")) > _LONGEST for part in name.split("/")):
        raise BadSnapshotName(f"a snapshot's name has 1 to {_LONGEST} characters, which {shown} has not")
    found = _FORBIDDEN.search(name)
    if found is not None or not name.isprintable():
        raise BadSnapshotName(
            f"{shown} is no name for a snapshot: it holds a space, a control character or one of ~^:?*[\\"
        )
    for pattern, reason in _PARTS:
        if pattern.search(name):
            raise BadSnapshotName(f"{shown} is no name for a snapshot: it {reason}")


def take(archive: Archive, name: str | None = None, message: str | None = None, *, dry_run: bool = False) -> Snapshot:
    """Give the archive's latest commit a name.

    Args:
        name: by default one made of the time.
        message: by default how many sessions there are.

    Raises BadSnapshotName, SnapshotExists, ChasmError where there is nothing yet, or a name stands in the way.
    """
    chosen = _free_default(archive) if name is None else name
    check_name(chosen)
    head = archive.head()
    if head is None:
        raise ChasmError("the archive has no commit yet; there is nothing to take a snapshot of")
    for ref in refs.list_refs(archive, _TAGS):
        other = ref.removeprefix(_TAGS)
        if other == chosen:
            raise SnapshotExists(f"there is a snapshot {chosen} already, and snapshots never move; choose another name")
        if f"{other}/".startswith(f"{chosen}/") or f"{chosen}/".startswith(f"{other}/"):
            raise SnapshotExists(f"the snapshot {other} stands in the way of {chosen}; choose another name")
    if refs.read_ref(archive, f"refs/heads/{chosen}") is not None:
        raise BadSnapshotName(f"{chosen!r} is the name of a branch; choose another one")
    sessions = _sessions(archive, head)
    text = (message or f"{sessions} sessions").replace("\0", "\ufffd").strip()
    who, now = identity(archive), stamp()
    by, at = person(f"{who} {now}".encode("utf-8", "replace"))
    made = Snapshot(chosen, head, at, by, text, sessions)
    if dry_run:
        return made
    data = f"object {head}\ntype commit\ntag {chosen}\ntagger {who} {now}\n\n{text}\n".encode("utf-8", "replace")
    with LooseWriter(archive) as writer:
        tag = writer.add("tag", data)
    try:
        refs.update_refs(archive, {_TAGS + chosen: (None, tag)}, f"snapshot: {chosen}")
    except refs.RefMoved:
        raise SnapshotExists(f"there is a snapshot {chosen} already; another process was faster") from None
    return made


def snapshots(archive: Archive) -> list[Snapshot]:
    """All snapshots of the archive, the latest first. Tags on anything else (a project's releases) are none."""
    found = (_read(archive, ref, target) for ref, target in refs.list_refs(archive, _TAGS).items())
    return sorted((one for one in found if one is not None), key=lambda one: (one.at, one.name), reverse=True)


def _read(archive: Archive, ref: str, target: str) -> Snapshot | None:
    try:
        kind, data = archive.object(target)
        commit = target
        at = by = message = None
        while kind == "tag":
            head, _, text = data.partition(b"\n\n")
            fields = dict(line.partition(b" ")[::2] for line in head.split(b"\n"))
            if message is None:
                message = text.decode("utf-8", "replace").strip()
                if b"tagger" in fields:
                    by, at = person(fields[b"tagger"])
            commit = fields[b"object"].decode("ascii")
            kind, data = archive.object(commit)
        if kind != "commit":
            return None
        made = read_commit(archive, commit)
        if trees.lookup(archive, made.tree, "chasm.yaml") is None:
            return None
        sessions = _sessions(archive, commit)
    except (KeyError, ValueError):  # damaged, or not fetched: `verify` names what is missing
        return None
    name = ref.removeprefix(_TAGS)
    return Snapshot(
        name, commit, at or made.at, by or made.author, made.subject if message is None else message, sessions
    )


def _sessions(archive: Archive, commit: str) -> int:
    return sum(layout.parse_session_path(path) is not None for path in archive.files(commit))


def _free_default(archive: Archive) -> str:
    """The name of this second; with a number where it is taken."""
    name = default_name()
    number = 1
    while refs.read_ref(archive, _TAGS + name + (f"-{number}" if number > 1 else "")) is not None:
        number += 1
    return name if number == 1 else f"{name}-{number}"
