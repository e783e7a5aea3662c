"""The difference between two states of the archive, session by session: in messages and header fields, or as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chasm_git.archive import layout, naming, status
from chasm_git.archive.history import Kind
from chasm_git.archive.plumbing import trees
from chasm_git.archive.plumbing.git import Git
from chasm_git.errors import UsageError
from chasm_git.session import blocks, codec
from chasm_git.session.display import file_text, gist
from chasm_git.session.model import Json, Session

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_FIELDS = ("id", "provider", "title", "workspace", "created_at", "parent", "forked_from", "git", "tags", "native")
_HEADING = re.compile(r"^diff --git [ab]/(.+) [ab]/\1$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two contents of one session's file; None where there is none."""

    path: str
    provider: str
    old: bytes | None
    new: bytes | None


@dataclass(frozen=True, slots=True)
class Line:
    """A message in a list of differences."""

    id: str
    role: str
    timestamp: str | None
    text: str
    """What it says, in a line."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A header field with two values; None where it is not there."""

    field: str
    """Its name; of a value inside a map, the way to it: ``git.branch``."""
    old: Json
    new: Json


@dataclass(slots=True)
class SessionDiff:
    """What is different in one session."""

    path: str
    id: str
    provider: str
    kind: Kind
    fields: list[FieldChange] = field(default_factory=list)
    added: list[Line] = field(default_factory=list)
    changed: list[Line] = field(default_factory=list)
    """As they are in the new state."""
    removed: list[Line] = field(default_factory=list)
    unreadable: str | None = None
    """Why the messages could not be compared."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two states of the archive, and the sessions they differ in."""

    archive: Archive
    old: str
    """The older state, as a person names it."""
    new: str
    pairs: list[Pair]

    def differences(self) -> Iterator[SessionDiff]:
        """Session by session, in messages and fields."""
        return map(difference, self.pairs)

    def text(self, context: int = 3) -> str:
        """See `text_diff`."""
        return text_diff(self.archive, self.pairs, context)


def compare(archive: Archive, arguments: Sequence[str]) -> Comparison:
    """What a person asks to compare: ``[REV [REV]] [ID]``, ``REV..REV`` or ``ID@REV``.

    Without a second revision it is the worktree, or the latest commit where there is no worktree.
    Raises UsageError, NoSuchRevision, NoSuchSession, AmbiguousSession, GitMissing.
    """
    revisions: list[tuple[str, str]] = []
    session: naming.SessionFile | None = None
    for argument in arguments:
        found = _revisions(archive, argument) if len(revisions) < 2 else []
        if not found:
            if session is not None:
                raise UsageError("compare up to two revisions, of all sessions or of one")
            session, commit = _session(archive, argument, [commit for _, commit in revisions])
            if commit is not None:
                found = [(argument.partition("@")[2], commit)]
        revisions += found
    if len(revisions) > 2:
        raise UsageError("compare up to two revisions, of all sessions or of one")
    head = archive.head()
    new: tuple[str, str | None] = ("the latest commit", head)
    worktree: dict[str, bytes | None] = {}
    if len(revisions) == 2:
        new = revisions[1]
    elif status.shows_branch(archive):
        new = ("the worktree", head)
        worktree = status.worktree_files(archive)
    elif not revisions:
        raise UsageError("this archive shows no worktree; name one or two revisions to compare")
    old: tuple[str, str | None] = revisions[0] if revisions else ("the latest commit", head)
    found_pairs = list(pairs(archive, old[1], new[1], worktree))
    if session is not None:
        name = layout.parse_session_path(session.path)
        found_pairs = [pair for pair in found_pairs if layout.parse_session_path(pair.path) == name]
    return Comparison(archive, old[0], new[0], found_pairs)


def _revisions(archive: Archive, argument: str) -> list[tuple[str, str]]:
    """The one or two revisions an argument names; none where it names something else."""
    first, dots, second = argument.partition("..")
    names = [first or "HEAD", second.lstrip(".") or "HEAD"] if dots else [argument]
    try:
        return [(name, naming.resolve(archive, name)) for name in names]
    except naming.NoSuchRevision:
        if dots:
            raise
        return []


def _session(archive: Archive, argument: str, commits: list[str]) -> tuple[naming.SessionFile, str | None]:
    """The session an argument names in one of the states compared, or now; with the revision behind its ``@``."""
    for commit in [*reversed(commits), archive.head()]:
        try:
            return naming.find_session(archive, argument, commit), None
        except naming.NoSuchSession:
            continue
    try:
        return naming.session_at(archive, argument)
    except naming.NoSuchSession:
        raise naming.NoSuchSession(f"{argument[:60]!r} is neither a revision nor a session of this archive") from None


def pairs(archive: Archive, old: str | None, new: str | None, worktree: dict[str, bytes | None]) -> Iterator[Pair]:
    """The session files two states differ in, by path.

    Args:
        old, new: commits.
        worktree: what stands in the worktree in place of `new`'s files, where it differs; None for a deleted one.
    """
    before = archive.tree_id(old)
    found: dict[str, tuple[str | None, str | None]] = {}
    for difference in trees.differences(archive, before, archive.tree_id(new)):
        found[difference.path] = (_blob(difference.old), _blob(difference.new))
    for path in sorted({*found, *worktree}):
        where = layout.parse_session_path(path)
        if where is None:
            continue
        if path in found:
            old_blob, new_blob = found[path]
        else:
            old_blob = new_blob = _blob(trees.lookup(archive, before, path))
        one = archive.read(old_blob) if old_blob else None
        other = worktree[path] if path in worktree else archive.read(new_blob) if new_blob else None
        if one != other:
            yield Pair(path, where.provider, one, other)


def difference(pair: Pair) -> SessionDiff:
    """What is different in a session, message by message and field by field."""
    kind: Kind = "added" if pair.old is None else "removed" if pair.new is None else "updated"
    where = layout.parse_session_path(pair.path)
    made = SessionDiff(pair.path, where.name if where else pair.path, pair.provider, kind)
    try:
        old_header, old = _read(pair.old)
        new_header, new = _read(pair.new)
        header = new_header or old_header
        if header is not None:
            made.id = header.id
        if old_header is not None and new_header is not None:
            made.fields = list(_fields(old_header, new_header))
        made.added = [_line(block) for key, block in new.items() if key not in old]
        made.removed = [_line(block) for key, block in old.items() if key not in new]
        made.changed = [_line(block) for key, block in new.items() if key in old and old[key].body != block.body]
    except ValueError as error:
        made.unreadable = str(error)
    return made


def text_diff(archive: Archive, compared: list[Pair], context: int = 3) -> str:
    """A unified diff of the conversations, as git makes it. Nothing in it can drive a terminal. Raises GitMissing."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="chasm-") as name:
        folder = Path(name)
        for side in ("a", "b"):
            (folder / side).mkdir()
        for pair in compared:
            for side, data in (("a", pair.old), ("b", pair.new)):
                if data is not None:
                    path = folder / side / pair.path
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(file_text(data), encoding="utf-8", newline="\n")
        (folder / "attributes").write_text("* diff=chasmtext -text\n")
        shown = Git(archive, folder=folder).run(
            "diff", "--no-index", "--no-ext-diff", "--no-textconv", "--no-renames", "--text", "--no-prefix",
            f"--unified={context}", "--", "a", "b",
            settings=(f"core.attributesFile={folder / 'attributes'}", "diff.chasmtext.xfuncname=^## (.*)$"),
            ok=(0, 1),
        )  # fmt: skip
    # of a file that came or went git names the one side it has twice
    return _HEADING.sub(r"diff --git a/\1 b/\1", shown.decode("utf-8", "replace"))


def _read(data: bytes | None) -> tuple[Session | None, dict[bytes, blocks.Block]]:
    if data is None:
        return None, {}
    try:
        head, listed = blocks.split(data)
        parsed = blocks.parse(listed)
        header = codec.loads_header(head)
    except ValueError:  # edited by hand
        head, listed = blocks.split(codec.dumps(codec.loads(data)))
        parsed = blocks.parse(listed)
        header = codec.loads_header(head)
    return header, {block.id: block for block in parsed}


def _line(block: blocks.Block) -> Line:
    message = codec.loads_message(block.placed(block.after), block.after_text())
    return Line(message.id, message.role, message.timestamp, gist(message))


def _fields(old: Session, new: Session) -> Iterator[FieldChange]:
    names = [*_FIELDS, *sorted({*old.extra, *new.extra})]
    for name in names:
        before = getattr(old, name) if name in _FIELDS else old.extra.get(name)
        after = getattr(new, name) if name in _FIELDS else new.extra.get(name)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _inside(name, before, after)
        else:
            yield FieldChange(name, before, after)


def _inside(name: str, old: dict[str, Json], new: dict[str, Json]) -> Iterator[FieldChange]:
    """Where two maps differ."""
    from deepdiff import DeepDiff
    from deepdiff.helper import NotPresent

    def value(side: Any) -> Json:
        return None if side is NotPresent or isinstance(side, NotPresent) else side

    found: Any = DeepDiff(old, new, view="tree")
    changes = {
        ".".join([name, *map(str, item.path(output_format="list"))]): (value(item.t1), value(item.t2))
        for items in found.values()
        for item in items
    }
    for path, (before, after) in sorted(changes.items()):
        yield FieldChange(path, before, after)


def _blob(entry: trees.Entry | None) -> str | None:
    return entry.id if entry is not None and entry.is_file else None
