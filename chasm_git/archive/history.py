"""The archive's history in terms of sessions: what each commit did to which one.

Commits and trees are read directly; the history of one path is the user's git's work, which has an index for it.
Without git it is walked here, slower, with the same result.
"""

from __future__ import annotations

import datetime as dt
import heapq
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from chasm_git.archive import layout
from chasm_git.archive.naming import id_in, session_at
from chasm_git.archive.plumbing import trees
from chasm_git.archive.plumbing.git import Git, GitMissing

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive
    from chasm_git.archive.summaries import Summaries

_PERSON = re.compile(rb"(.*?) ?<([^>]*)> (-?\d+)(?: [+-]\d{4})?")

Kind = Literal["added", "updated", "removed"]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: str
    at: str
    """When it was committed: UTC, ISO 8601."""
    message: str

    @property
    def subject(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit did to one session's file."""

    path: str
    provider: str
    kind: Kind
    old: str | None
    """Blob id; None where there was no file."""
    new: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit with the sessions it changed, by path; of a merge, those its first parent did not have so."""

    commit: Commit
    sessions: list[Change]


@dataclass(frozen=True, slots=True)
class LoggedSession:
    """A session in a log entry, its file opened."""

    id: str
    provider: str
    title: str | None
    kind: Kind
    messages: int
    """Messages after the commit, as lists count them."""
    added: int
    """How many more that is than before."""


def read_commit(archive: Archive, commit: str) -> Commit:
    """A commit by its id. Raises KeyError where it is missing."""
    kind, data = archive.object(commit)
    if kind != "commit":
        raise KeyError(commit)
    head, _, message = data.partition(b"\n\n")
    tree = ""
    parents = []
    people: dict[bytes, bytes] = {}
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name == b"tree":
            tree = value.decode("ascii")
        elif name == b"parent":
            parents.append(value.decode("ascii"))
        elif name in (b"author", b"committer"):
            people[name] = value
    author, _ = person(people.get(b"author", b""))
    _, at = person(people.get(b"committer", b""))
    return Commit(commit, tree, tuple(parents), author, at, message.decode("utf-8", "replace").strip())


def person(line: bytes) -> tuple[str, str]:
    """Name (or address, where there is no name) and time of an author, committer or tagger line."""
    found = _PERSON.match(line)
    if found is None:
        return line.decode("utf-8", "replace"), iso(0)
    return (found[1] or found[2]).decode("utf-8", "replace"), iso(int(found[3]))


def iso(seconds: int) -> str:
    """Seconds since 1970 as UTC in ISO 8601; a time no calendar has counts as the beginning."""
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return "1970-01-01T00:00:00Z"


def walk(
    archive: Archive, start: str, follow: Callable[[Commit], Iterable[str]] = lambda commit: commit.parents
) -> Iterator[Commit]:
    """Every commit that `start` is made of, the latest first. A parent that is missing (a shallow clone) ends a line.

    Args:
        follow: which parents of a commit to go on with; asked before the commit is given out.
    """
    queue: list[tuple[float, int, Commit]] = []
    seen: set[str] = set()

    def push(commit: str) -> None:
        if commit in seen:
            return
        seen.add(commit)
        try:
            found = read_commit(archive, commit)
        except KeyError:
            return
        heapq.heappush(queue, (-_seconds(found.at), len(seen), found))

    push(start)
    while queue:
        commit = heapq.heappop(queue)[2]
        parents = follow(commit)
        yield commit
        for parent in parents:
            push(parent)


def log(archive: Archive, start: str) -> Iterator[Entry]:
    """The history of all sessions from `start` back, the latest commit first."""
    for commit in walk(archive, start):
        yield Entry(commit, changes(archive, _parent_tree(archive, commit), commit.tree))


def session_log(archive: Archive, start: str, path: str) -> Iterator[Entry]:
    """The commits that changed one session's file, the latest first."""
    for name in path_history(archive, start, path):
        commit = read_commit(archive, name)
        before = trees.lookup(archive, _parent_tree(archive, commit), path)
        after = trees.lookup(archive, commit.tree, path)
        change = _change(trees.Difference(path, before, after))
        yield Entry(commit, [change] if change else [])


def history(archive: Archive, name: str | None = None) -> Iterator[Entry]:
    """The log of everything, or of one session (``ID``, ``ID@REV``: from there back).

    Raises NoSuchSession, AmbiguousSession, NoSuchRevision.
    """
    if name is not None:
        found, start = session_at(archive, name)
        return session_log(archive, start, found.path)
    head = archive.head()
    return log(archive, head) if head is not None else iter(())


def logged(summaries: Summaries, entry: Entry, most: int | None = None) -> list[LoggedSession]:
    """The sessions of an entry, or the first `most` of them, with their counts of messages."""
    found = []
    for change in entry.sessions[:most]:
        summary = summaries.of(change.new or change.old)
        found.append(
            LoggedSession(
                session_id(summaries.archive, change),
                change.provider,
                summary.title if summary else None,
                change.kind,
                summaries.count(change.new),
                summaries.added(change),
            )
        )
    return found


def changes(archive: Archive, old_tree: str | None, new_tree: str | None) -> list[Change]:
    """The sessions two trees differ in, by path."""
    found = (_change(difference) for difference in trees.differences(archive, old_tree, new_tree))
    return sorted((change for change in found if change is not None), key=lambda change: change.path)


def session_id(archive: Archive, change: Change) -> str:
    """The id of the session a change is about."""
    where = layout.parse_session_path(change.path)
    name = where.name if where else change.path
    if "~" not in name:
        return name
    blob = change.new or change.old
    return (id_in(archive.read(blob)) if blob else None) or name


def path_history(archive: Archive, start: str, path: str) -> Iterator[str]:
    """Ids of the commits that changed a file, the latest first."""
    try:
        with Git(archive).stream("rev-list", "--topo-order", start, "--", path) as out:
            for row in out:
                yield row.decode("ascii").strip()
    except GitMissing:
        yield from _walked_path_history(archive, start, path)


def _walked_path_history(archive: Archive, start: str, path: str) -> Iterator[str]:
    """As git simplifies: where a parent has the file as it is, only that parent's line is followed."""
    changed: set[str] = set()

    def follow(commit: Commit) -> Iterable[str]:
        here = trees.lookup(archive, commit.tree, path)
        before = []
        for parent in commit.parents:
            try:
                before.append((parent, trees.lookup(archive, archive.tree_id(parent), path)))
            except KeyError:  # a shallow clone
                continue
        same = next((parent for parent, entry in before if entry == here), None)
        if same is not None:
            return [same]
        if before or here is not None:
            changed.add(commit.id)
        return [parent for parent, _ in before]

    for commit in walk(archive, start, follow):
        if commit.id in changed:
            yield commit.id


def _parent_tree(archive: Archive, commit: Commit) -> str | None:
    if not commit.parents:
        return None
    try:
        return archive.tree_id(commit.parents[0])
    except KeyError:  # a shallow clone
        return None


def _change(difference: trees.Difference) -> Change | None:
    where = layout.parse_session_path(difference.path)
    old = difference.old.id if difference.old and difference.old.is_file else None
    new = difference.new.id if difference.new and difference.new.is_file else None
    if where is None or old == new:
        return None
    kind: Kind = "added" if old is None else "removed" if new is None else "updated"
    return Change(difference.path, where.provider, kind, old, new)


def _seconds(at: str) -> float:
    return dt.datetime.fromisoformat(at).timestamp()
