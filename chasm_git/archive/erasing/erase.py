"""A forgotten session taken out of the whole history: every commit that held it is written anew without it.

What is rewritten is a function of what was there, so two copies of an archive that erase the same session still share
their commits. Snapshots and the refs of providers move along; remote-tracking refs go (the next fetch brings what the
remote has). Then no object of the session is left here: logs that name the old commits lose those lines, packs are made
anew, and what only the old commits reached is removed. Objects of anybody else stay, reachable or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chasm_git.archive import layout
from chasm_git.archive.commit import Writer, commit
from chasm_git.archive.erasing import erased
from chasm_git.archive.erasing.forget import message, names_used, tombstone
from chasm_git.archive.erasing.purge import Leftovers, finish, remember
from chasm_git.archive.naming import NoSuchSession, SessionFile
from chasm_git.archive.plumbing import checkout, refs, trees
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.plumbing.journal import publish, recover
from chasm_git.archive.plumbing.trees import Entry
from chasm_git.errors import ChasmError
from chasm_git.session.forgotten import is_forgotten

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_REMOTES = ("refs/remotes/", "refs/chasm/remotes/")
_SIGNED = (b"gpgsig", b"gpgsig-sha256", b"mergetag")
_BELOW = b"-----BEGIN "


@dataclass(slots=True)
class Erased:
    """What erasing a session did, or would do."""

    id: str
    provider: str
    versions: int = 0
    """Of its file, in the history."""
    commits: int = 0
    """Commits that are written anew."""
    snapshots: list[str] = field(default_factory=list)
    """Names of those that move."""
    attachments: list[str] = field(default_factory=list)
    """Names of attachments that no other session, in any commit, uses."""
    forgotten_refs: list[str] = field(default_factory=list)
    """Refs that remember what remotes have: they go."""
    remotes: list[str] = field(default_factory=list)
    """Remotes that may still have it."""
    objects: int = 0
    """Objects that were removed."""
    head: str | None = None


def erase(archive: Archive, provider: str, identity: str, *, dry_run: bool = False) -> Erased:
    """Take a session out of every commit of every ref, and its objects out of the repository.

    Args:
        provider, identity: of the session, in full; it need not be in the latest commit any more.

    Raises NoSuchSession where no commit holds it, ChasmError where the repository does not allow it (a shallow clone,
    objects of another repository, a merge or rebase under way, a stash or a detached HEAD that holds it).
    """
    with archive.lock():
        _check(archive)
        if not dry_run:
            recover(archive)
            finish(archive)
        erasing = _Erasing(archive, provider, identity)
        made = erasing.look()
        if not dry_run:
            erasing.run(made)
        return made


def _check(archive: Archive) -> None:
    if (archive.git_dir / "shallow").exists():
        raise ChasmError("this clone is shallow: it does not have the whole history; run it in one that has")
    if (archive.git_dir / "objects" / "info" / "alternates").exists():
        raise ChasmError("this repository borrows objects from another one (objects/info/alternates); run it there")
    checkout.require_movable(archive)
    for shown in checkout.checkouts(archive):
        under_way = checkout.operation(shown)
        if under_way is not None:
            raise ChasmError(f"a {under_way} is under way in {shown.worktree}; finish it first")


class _Erasing:
    """One erasure at work."""

    def __init__(self, archive: Archive, provider: str, identity: str) -> None:
        self._archive = archive
        self._provider, self._id = provider, identity
        self._name = layout.file_name(identity)
        self._refs = {
            name: value
            for name, value in refs.list_refs(archive, "refs/").items()
            if refs.symbolic_target(archive.git_dir / name) is None
        }
        self._commits: list[str] = []
        self._changed: set[str] = set()
        self._blobs: dict[str, str] = {}
        """Versions of the session: blob -> a path it stood at."""
        self._drop: set[str] = set()
        """Attachments that go, without their endings."""
        self._touched: dict[str, bool] = {}

    def look(self) -> Erased:
        """Find everything that is to go. Raises NoSuchSession, ChasmError."""
        archive = self._archive
        starts = "".join(f"{value}\n" for value in {*self._refs.values()} if self._leads_to_commit(value))
        listed = Git(archive).run("rev-list", "--topo-order", "--reverse", "--stdin", stdin=starts.encode())
        self._commits = listed.decode("ascii").split()
        others = self._versions()
        if not self._blobs:
            raise NoSuchSession(f"no commit holds the session {self._id} of {self._provider}")
        names = set().union(*(names_used(archive.read(blob)) for blob in self._blobs))
        for blob in others:
            if names:
                names -= names_used(archive.read(blob))
        self._drop = names
        made = Erased(self._id, self._provider, len(self._blobs))
        changed = self._changed = self._changed_commits()
        made.commits = len(changed)
        made.attachments = sorted(self._attachment_names())
        for name, value in self._refs.items():
            if self._commit_of(value) not in changed:
                continue
            if name.startswith(_REMOTES):
                made.forgotten_refs.append(name)
            elif name.startswith("refs/tags/"):
                made.snapshots.append(name.removeprefix("refs/tags/"))
            elif name.startswith("refs/stash"):
                raise ChasmError("a stash holds the session; apply it or drop it (`git stash drop`) first")
        self._refuse_detached(changed)
        made.remotes = sorted(
            name.removeprefix("remote.").removesuffix(".url")
            for name in archive.settings
            if name.startswith("remote.") and name.endswith(".url")
        )
        return made

    def run(self, made: Erased) -> None:
        """Rewrite, move the refs, remove what is left."""
        archive = self._archive
        head = archive.head()
        updates: dict[str, tuple[str | None, str | None]] = {}
        with Writer(archive, len(self._changed) * 4) as writer:
            mapped = self._rewritten(writer)
            for name, value in self._refs.items():
                new = None if name in made.forgotten_refs else self._moved(value, mapped, writer)
                if new != value:
                    updates[name] = (value, new)
        tip = updates.get(archive.branch, (head, head))[1]
        with Writer(archive) as writer:  # what it builds on has to be there
            made.head = self._with_tombstone(tip, head, writer)
        if made.head != head:
            updates[archive.branch] = (head, made.head)
        old = {value for value, _ in updates.values() if value is not None}
        keep = {*(new for _, new in updates.values() if new is not None)}
        keep |= {value for name, value in self._refs.items() if name not in updates}
        leftovers = Leftovers(self._id, sorted(self._unreachable(old, keep)))
        remember(archive, leftovers)
        erased.note(archive, self._id, self._blobs)
        if archive.branch in updates:
            pending = publish(archive, updates, f"forget: {self._id}").pending
            if pending is not None:
                raise ChasmError(f"the worktree could not follow: {pending}; run it again to finish")
        else:
            refs.update_refs(archive, updates, f"forget: {self._id}")
        made.objects = finish(archive)

    def _versions(self) -> set[str]:
        """Collect the session's versions; returns the blobs of all others."""
        others: set[str] = set()
        seen: set[tuple[str, str]] = set()

        def walk(tree: str, path: str) -> None:
            if (tree, path.partition("/")[2].partition("/")[0]) in seen:
                return
            seen.add((tree, path.partition("/")[2].partition("/")[0]))
            for entry in self._archive.tree(tree):
                place = f"{path}/{entry.name.decode('utf-8', 'surrogateescape')}"
                if entry.is_folder:
                    walk(entry.id, place)
                elif entry.is_file:
                    where = layout.parse_session_path(place)
                    if where is not None and (where.provider, where.name) == (self._provider, self._name):
                        if entry.id not in self._blobs and not is_forgotten(self._archive.read(entry.id)):
                            self._blobs[entry.id] = place
                    else:
                        others.add(entry.id)

        for one in self._commits:
            found = self._folder(one, layout.SESSIONS)
            if found is not None:
                walk(found, layout.SESSIONS)
        return others - self._blobs.keys()

    def _folder(self, commit: str, name: str) -> str | None:
        tree = self._archive.tree_id(commit)
        found = trees.lookup(self._archive, tree, name)
        return found.id if found is not None and found.is_folder else None

    def _is_gone(self, entry: Entry, folder: str) -> bool:
        if folder == layout.SESSIONS:
            return entry.id in self._blobs
        return entry.name.partition(b".")[0].decode("ascii", "replace") in self._drop

    def _holds(self, tree: str, folder: str) -> bool:
        """Whether anything below a folder is to go."""
        key = f"{folder}:{tree}"
        if key not in self._touched:
            self._touched[key] = any(
                self._holds(entry.id, folder) if entry.is_folder else self._is_gone(entry, folder)
                for entry in self._archive.tree(tree)
            )
        return self._touched[key]

    def _attachment_names(self) -> Iterator[str]:
        seen: set[str] = set()
        for one in self._commits:
            folder = self._folder(one, layout.ATTACHMENTS)
            if folder is not None and folder not in seen and self._drop:
                seen.add(folder)
                for below in self._archive.tree(folder):
                    if below.is_folder and below.id not in seen:
                        seen.add(below.id)
                        for entry in self._archive.tree(below.id):
                            if self._is_gone(entry, layout.ATTACHMENTS) and entry.name.decode() not in seen:
                                seen.add(entry.name.decode())
                                yield entry.name.decode()

    def _changed_commits(self) -> set[str]:
        changed: set[str] = set()
        for one in self._commits:
            here = any(
                found is not None and self._holds(found, folder)
                for folder in (layout.SESSIONS, layout.ATTACHMENTS)
                for found in [self._folder(one, folder)]
            )
            if here or not changed.isdisjoint(self._archive.parents(one)):
                changed.add(one)
            elif self._folder(one, layout.SESSIONS) is not None:  # not a project's own commit
                data = self._archive.object(one)[1]
                if scrubbed(data, self._id, self._name) != data:
                    changed.add(one)
        return changed

    def _rewritten(self, writer: Writer) -> dict[str, str]:
        """Write every commit that changes; old id -> new id."""
        mapped: dict[str, str] = {}
        strip = _Strip(self._archive, self._is_gone, self._holds, writer)
        for one in self._commits:
            if one not in self._changed:
                continue
            data = self._archive.object(one)[1]
            tree = self._archive.tree_id(one)
            assert tree is not None
            new = scrubbed(_commit(data, strip.root(tree), mapped), self._id, self._name)
            if new != data:
                mapped[one] = writer.add("commit", new)
        return mapped

    def _moved(self, value: str, mapped: dict[str, str], writer: Writer) -> str:
        """What a ref points to from now on."""
        kind, data = self._archive.object(value)
        if kind != "tag":
            return mapped.get(value, value)
        target = data[len(b"object ") : data.index(b"\n")].decode("ascii")
        new = self._moved(target, mapped, writer)
        if new == target:
            return value
        data = data.replace(target.encode(), new.encode(), 1)
        signature = data.find(b"\n" + _BELOW)
        return writer.add("tag", data[: signature + 1] if signature >= 0 else data)

    def _with_tombstone(self, tip: str | None, head: str | None, writer: Writer) -> str | None:
        """The commit with which it stays forgotten."""
        found = [
            (path, blob)
            for path, blob in self._archive.files(head, f"{layout.SESSIONS}/{self._provider}").items()
            if (where := layout.parse_session_path(path)) is not None and where.name == self._name
        ]
        if found and all(blob not in self._blobs for _, blob in found):
            return tip  # it is there already
        path, blob = found[0] if found else next((path, blob) for blob, path in self._blobs.items())
        stays = tombstone(self._archive.read(blob), SessionFile(path, self._id, self._provider, blob))
        tree = trees.write_tree(self._archive, self._archive.tree_id(tip), {path: writer.add("blob", stays)}, writer)
        parents = [tip] if tip is not None else []
        text = message(self._provider, self._id)
        return commit(self._archive, tree=tree, parents=parents, message=text, sink=writer)

    def _unreachable(self, old: set[str], keep: set[str]) -> set[str]:
        """Objects that only the old commits reach."""
        asked = "".join([*(f"{one}\n" for one in old), *(f"^{one}\n" for one in keep)])
        listed = Git(self._archive).run("rev-list", "--objects", "--no-object-names", "--stdin", stdin=asked.encode())
        return set(listed.decode("ascii").split())

    def _leads_to_commit(self, value: str) -> bool:
        return self._commit_of(value) is not None

    def _commit_of(self, value: str) -> str | None:
        kind, data = self._archive.object(value)
        while kind == "tag":
            value = data[len(b"object ") : data.index(b"\n")].decode("ascii")
            kind, data = self._archive.object(value)
        return value if kind == "commit" else None

    def _refuse_detached(self, changed: set[str]) -> None:
        for head in (self._archive.git_dir / "HEAD", *self._archive.git_dir.glob("worktrees/*/HEAD")):
            if refs.symbolic_target(head) is None and head.read_text("ascii", "replace").strip() in changed:
                raise ChasmError(f"{head} is not on a branch but on a commit that holds it; switch to a branch first")


class _Strip:
    """Writes trees without what is to go."""

    def __init__(
        self,
        archive: Archive,
        is_gone: Callable[[Entry, str], bool],
        holds: Callable[[str, str], bool],
        writer: Writer,
    ) -> None:
        self._archive, self._is_gone, self._holds, self._writer = archive, is_gone, holds, writer
        self._done: dict[tuple[str, str], str | None] = {}

    def root(self, tree: str) -> str:
        """The tree of a commit without it."""
        entries = {entry.name: entry for entry in self._archive.tree(tree)}
        changed = False
        for folder in (layout.SESSIONS, layout.ATTACHMENTS):
            entry = entries.get(folder.encode())
            if entry is None or not entry.is_folder or not self._holds(entry.id, folder):
                continue
            changed = True
            below = self._folder(entry.id, folder)
            if below is None:
                del entries[entry.name]
            else:
                entries[entry.name] = entry._replace(id=below)
        return self._writer.add("tree", trees.serialize(entries)) if changed else tree

    def _folder(self, tree: str, folder: str) -> str | None:
        key = (tree, folder)
        if key not in self._done:
            self._done[key] = self._stripped(tree, folder) if self._holds(tree, folder) else tree
        return self._done[key]

    def _stripped(self, tree: str, folder: str) -> str | None:
        kept = {}
        for entry in self._archive.tree(tree):
            if entry.is_folder:
                below = self._folder(entry.id, folder)
                if below is not None:
                    kept[entry.name] = entry._replace(id=below)
            elif not self._is_gone(entry, folder):
                kept[entry.name] = entry
        return self._writer.add("tree", trees.serialize(kept)) if kept else None


def _commit(data: bytes, tree: str, mapped: dict[str, str]) -> bytes:
    """A commit object with another tree and other parents; a signature of what it was goes."""
    head, _, text = data.partition(b"\n\n")
    made: list[bytes] = []
    is_signature = changed = False
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name:
            is_signature = name in _SIGNED
        if is_signature:
            continue
        if name == b"tree":
            changed, line = changed or value.decode() != tree, b"tree " + tree.encode()
        elif name == b"parent":
            new = mapped.get(value.decode(), value.decode())
            changed, line = changed or new != value.decode(), b"parent " + new.encode()
        made.append(line)
    return b"\n".join(made) + b"\n\n" + text if changed else data


def scrubbed(data: bytes, identity: str, name: str) -> bytes:
    """A commit object whose message says of a session no more than its id: titles stand behind it in such lines."""
    head, _, text = data.partition(b"\n\n")
    marks = [mark.encode("utf-8", "replace") for mark in {identity, name}]
    lines = []
    for line in text.split(b"\n"):
        mark = next((mark for mark in marks if mark in line), None)
        if mark is not None:
            rest = line[line.index(mark) + len(mark) :]
            if rest.strip(b" ).:") and not rest.startswith(b".yaml"):
                line = line[: line.index(mark) + len(mark)] + b"  (forgotten)"
        lines.append(line)
    return head + b"\n\n" + b"\n".join(lines)
