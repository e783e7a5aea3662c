"""An archive: a repository, the branch sessions are kept on, and the worktree that shows it, if there is one.

::

    archive of its own     worktree/.git            branch main     worktree = the folder
    bare                   archive.git              branch main     no worktree
    inside a project       project/.git             branch chasm    no worktree; the project's own is never touched

Opening one reads a few small files and imports nothing heavy; dulwich comes in when a packed object is read.
"""

from __future__ import annotations

import hashlib
import shlex
import struct
import threading
import weakref
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chasm_git.archive.config import is_true, read_config
from chasm_git.archive.plumbing import refs, trees
from chasm_git.archive.plumbing.discovery import find_repository, require_known
from chasm_git.archive.plumbing.locks import ProcessLock
from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    from dulwich.object_store import DiskObjectStore
    from dulwich.repo import Repo

_TREES_KEPT = 4096
_FROM_ELSEWHERE = "fetch it from another copy of the archive, then run `git fsck` there"


class NotAnArchive(ChasmError):
    """There is no archive at a path."""


class DamagedObject(ChasmError):
    """An object of the repository does not hold what its name says."""

    def __init__(self, object_id: str, where: str) -> None:
        super().__init__(object_id, where)
        self.object_id = object_id

    def __str__(self) -> str:
        object_id, where = self.args
        return f"object {object_id} in {where} is damaged; {_FROM_ELSEWHERE}"


class MissingObject(ChasmError, KeyError):
    """An object is not in the repository: a partial clone leaves out contents, or something was lost."""

    def __init__(self, object_id: str, where: str, is_partial: bool) -> None:
        super().__init__(object_id, where, is_partial)
        self.object_id = object_id

    def __str__(self) -> str:
        object_id, where, is_partial = self.args
        fetch = f"it is a partial clone, `git -C {shlex.quote(where)} fetch --refetch --no-filter` brings the rest"
        return f"object {object_id} is missing from {where}: {fetch if is_partial else _FROM_ELSEWHERE}"


class Archive:
    """One archive. A context manager: leaving it closes what it holds open.

    Attributes:
        path: the worktree's top, the bare directory, or the project's top.
        git_dir: the repository (of linked worktrees: the one they share).
        worktree: top of the worktree that shows the archive; None for a bare one or one inside a project.
        branch: full name of the branch, ``refs/heads/main``.
        hash_name: ``sha1`` or ``sha256``, what the repository names objects by.
    """

    def __init__(self, path: Path, git_dir: Path, worktree: Path | None, branch: str) -> None:
        self.path = path
        self.git_dir = git_dir
        self.worktree = worktree
        self.branch = branch
        self.settings = read_config(git_dir / "config")
        """The repository's own configuration (`read_config`), as it was when the archive was opened."""
        require_known(self.settings, git_dir)
        self.hash_name = self.settings.get("extensions.objectformat", "sha1").lower()
        self._repo: Repo | None = None
        self._store: DiskObjectStore | None = None
        self._objects = str(git_dir / "objects")
        self._trees: dict[str, list[trees.Entry]] = {}
        self._locks: dict[str, ProcessLock] = {}
        self._depth: dict[str, int] = {}
        self._mutex = threading.RLock()

    @property
    def state_dir(self) -> Path:
        """``$GIT_DIR/chasm``: locks, journal, the state of this machine. Made when first asked for."""
        folder = self.git_dir / "chasm"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def is_partial(self) -> bool:
        """Whether contents may be missing that git fetches when it is asked for them (``git clone --filter``)."""
        settings = self.settings
        promisors = (name for name in settings if name.startswith("remote.") and name.endswith(".promisor"))
        return "extensions.partialclone" in settings or any(is_true(settings[name]) for name in promisors)

    @property
    def scratch(self) -> Path:
        """A folder for unfinished files on the repository's file system (`durable.scratch_name`)."""
        folder = self.state_dir / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def repo(self) -> Repo:
        """The repository for dulwich, opened when first asked for. Raises ChasmError where dulwich cannot read it."""
        if self._repo is None:
            from dulwich import repo as dulwich

            try:
                self._repo = dulwich.Repo(str(self.git_dir), bare=True, object_store=self.store)
            except (dulwich.UnsupportedVersion, dulwich.UnsupportedExtension) as error:
                raise ChasmError(f"{self.git_dir}: a kind of repository that is not supported: {error}") from error
        return self._repo

    @property
    def store(self) -> DiskObjectStore:
        """The objects for dulwich, opened when first asked for."""
        if self._store is None:
            from dulwich.object_format import get_object_format
            from dulwich.object_store import DiskObjectStore

            # not from_config: it takes a size like "256m", which git allows, for an error
            objects = str(self.git_dir / "objects")
            self._store = DiskObjectStore(objects, object_format=get_object_format(self.hash_name))
            weakref.finalize(self, self._store.close)  # at exit too, where dulwich's own clean-up comes too late
        return self._store

    def head(self) -> str | None:
        """The commit `branch` points to; None while there is none. Raises refs.DamagedRef."""
        return refs.read_ref(self, self.branch)

    def tree_id(self, commit: str | None) -> str | None:
        """The tree of a commit (of the tag on one, too). Raises KeyError where the commit is missing."""
        while commit is not None:
            kind, data = self.object(commit)
            if kind == "tree":
                return commit
            name = b"tree " if kind == "commit" else b"object "
            if kind == "blob" or not data.startswith(name):
                raise KeyError(commit)
            commit = data[len(name) : data.index(b"\n")].decode("ascii")
            if kind == "commit":
                return commit
        return None

    def parents(self, commit: str) -> list[str]:
        """The parents of a commit. Raises KeyError where it is missing."""
        kind, data = self.object(commit)
        if kind != "commit":
            raise KeyError(commit)
        header = data.partition(b"\n\n")[0].split(b"\n")
        return [line[7:].decode("ascii") for line in header if line.startswith(b"parent ")]

    def descends(self, commit: str | None, ancestor: str | None) -> bool:
        """Whether `ancestor` is `commit` or in its history. Nothing descends from None, nor None from anything."""
        if commit is None or ancestor is None:
            return False
        seen = {commit}
        queue = deque(seen)
        while queue:
            here = queue.popleft()
            if here == ancestor:
                return True
            try:
                above = self.parents(here)
            except KeyError:
                continue  # a shallow clone ends here
            fresh = [parent for parent in above if parent not in seen]
            seen.update(fresh)
            queue.extend(fresh)
        return False

    def files(self, commit: str | None, prefix: str = "sessions") -> dict[str, str]:
        """Path -> blob id of every file below `prefix` (everything for ``""``), in git's order.

        Raises KeyError where the commit or one of its trees is missing.
        """
        tree = self.tree_id(commit)
        return {} if tree is None else trees.files(self, tree, prefix)

    def read(self, blob_id: str) -> bytes:
        """The content of a blob. Raises KeyError where it is missing, DamagedObject where its hash does not match."""
        kind, data = self.object(blob_id)
        if kind != "blob":
            raise KeyError(blob_id)
        return data

    def read_path(self, commit: str | None, path: str) -> bytes:
        """The content of a file in a commit. Raises KeyError where there is none."""
        data = self.file(commit, path)
        if data is None:
            raise KeyError(path)
        return data

    def file(self, commit: str | None, path: str) -> bytes | None:
        """The content of a file in a commit; None where there is no such file.

        Raises MissingObject for one that is there and cannot be had, so that nobody takes it for none.
        """
        entry = trees.lookup(self, self.tree_id(commit), path)
        return self.read(entry.id) if entry is not None and entry.is_file else None

    def tree(self, tree_id: str) -> list[trees.Entry]:
        """The entries of one tree, in git's order. Raises KeyError where it is missing."""
        found = self._trees.get(tree_id)
        if found is None:
            kind, data = self.object(tree_id)
            if kind != "tree":
                raise KeyError(tree_id)
            found = trees.parse(data, len(tree_id) // 2)
            if len(self._trees) >= _TREES_KEPT:
                self._trees.clear()
            self._trees[tree_id] = found
        return found

    def object(self, object_id: str) -> tuple[str, bytes]:
        """Kind (``blob``, ``tree``, ``commit``, ``tag``) and content of any object.

        Raises MissingObject (a KeyError), DamagedObject where its content is not what its id says.
        """
        if object_id == trees.EMPTY.get(self.hash_name):
            return "tree", b""
        path = f"{self._objects}/{object_id[:2]}/{object_id[2:]}"
        try:
            with open(path, "rb") as file:  # noqa: PTH123 hot loop
                raw = zlib.decompress(file.read())
        except FileNotFoundError:
            return self._packed(object_id)
        except zlib.error:
            return self._elsewhere(object_id, path)
        if hashlib.new(self.hash_name, raw, usedforsecurity=False).hexdigest() != object_id:
            return self._elsewhere(object_id, path)
        header, _, data = raw.partition(b"\0")
        return header.partition(b" ")[0].decode("ascii"), data

    def _packed(self, object_id: str) -> tuple[str, bytes]:
        from dulwich.errors import ApplyDeltaError, ChecksumMismatch, FileFormatException
        from dulwich.objects import ObjectID
        from dulwich.pack import UnresolvedDeltas

        damaged = (zlib.error, struct.error, ValueError, IndexError, AssertionError, ApplyDeltaError, ChecksumMismatch)
        try:
            number, data = self.store.get_raw(ObjectID(object_id.encode("ascii")))
        except KeyError:
            raise MissingObject(object_id, str(self.git_dir), self.is_partial) from None
        except (*damaged, FileFormatException, UnresolvedDeltas) as error:
            raise DamagedObject(object_id, str(self.git_dir)) from error
        kind = ("", "commit", "tree", "blob", "tag")[number]
        digest = hashlib.new(self.hash_name, b"%s %d\0" % (kind.encode(), len(data)), usedforsecurity=False)
        digest.update(data)
        if digest.hexdigest() != object_id:
            raise DamagedObject(object_id, str(self.git_dir))
        return kind, data

    def _elsewhere(self, object_id: str, where: str) -> tuple[str, bytes]:
        # a loose copy is damaged (a power cut, mostly); a pack may hold a good one
        try:
            return self._packed(object_id)
        except KeyError:
            raise DamagedObject(object_id, where) from None

    @contextmanager
    def lock(self, timeout: float = 30.0, name: str = "lock") -> Iterator[None]:
        """Keep every other process of ours out while the block runs; may be nested.

        Args:
            timeout: seconds to wait for the other one.
            name: which lock, a file in `state_dir`; ``lock`` is the one for whole commands.

        Raises locks.ArchiveLocked.
        """
        with self._mutex:
            if not self._depth.get(name):
                lock = ProcessLock(self.state_dir / name)
                lock.acquire(timeout)
                self._locks[name] = lock
            self._depth[name] = self._depth.get(name, 0) + 1
            try:
                yield
            finally:
                self._depth[name] -= 1
                if not self._depth[name]:
                    self._locks.pop(name).release()

    def close(self) -> None:
        """Let go of everything that is open."""
        for opened in (self._repo, self._store):
            if opened is not None:
                with suppress(BufferError):  # an error on its way up still looks into a pack: that one goes with it
                    opened.close()
        self._repo = self._store = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r}, {self.branch!r})"


def open_archive(path: Path) -> Archive:
    """The archive at `path`, or the one whose worktree (or project) holds `path`.

    Raises NotAnArchive, which says how to make one.
    """
    path = Path(path).absolute()
    place = find_repository(path)
    if place is None:
        raise NotAnArchive(f"there is no archive at {path}; make one with `chasm git init {path}`")
    top, git_dir = place
    settings = read_config(git_dir / "config")
    branch = settings.get("chasm.branch") or _shown_branch(top, git_dir)
    if branch is None:
        raise NotAnArchive(
            f"{top} is a git repository without an archive; make one inside it with `chasm git init --project {top}`"
        )
    full = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
    shown = top != git_dir and not is_true(settings.get("chasm.project"))
    return Archive(top, git_dir, top if shown else None, full)


def init_archive(path: Path, *, bare: bool = False, project: Path | None = None, branch: str | None = None) -> Archive:
    """Make an archive, or bring an existing one's settings up to date; running it twice changes nothing.

    Args:
        path: where it goes; for an archive inside a project, any path (the project's is taken).
        bare: without a worktree.
        project: put it on a branch of its own inside this repository; its worktree, index and HEAD are not touched.
        branch: ``main`` by default, ``chasm`` inside a project.

    Raises ChasmError where something else is in the way.
    """
    from chasm_git.archive import create

    if project is not None:
        return create.inside_project(project, branch or "chasm")
    return create.own_repository(path, bare=bare, branch=branch or "main")


def _shown_branch(top: Path, git_dir: Path) -> str | None:
    """The branch a clone of an archive shows; None where the repository is something else."""
    head = refs.symbolic_target(git_dir / "HEAD")
    if head is None:
        return None
    if top != git_dir and (top / "chasm.yaml").is_file():
        return head
    # a bare one, or one whose worktree shows nothing, or only a part
    with Archive(top, git_dir, None, head) as archive:
        commit = archive.head()
        return head if commit and trees.lookup(archive, archive.tree_id(commit), "chasm.yaml") else None
