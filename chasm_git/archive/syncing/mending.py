"""Session files that git merged as text, in a clone without the merge driver: their sides merged by messages after all.

The file in the worktree is mended and left for its owner to commit; a bare archive gets a commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import layout
from chasm_git.archive.edit import Planned, commit_edit
from chasm_git.archive.plumbing.files import Files, Left, Wanted
from chasm_git.archive.plumbing.git import Git, GitError
from chasm_git.archive.plumbing.objects import blob_id
from chasm_git.errors import ChasmError
from chasm_git.session import marked
from chasm_git.session.codec import CodecError
from chasm_git.session.merge import Merged, merge

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


@dataclass(slots=True)
class Mended:
    """What came of it."""

    paths: list[str] = field(default_factory=list)
    """Files that are session files again, relative to the top of the archive."""
    waiting: int = 0
    """Decisions that wait in them now."""
    refused: list[str] = field(default_factory=list)
    """Why others could not be mended; they were left as they are."""
    commit: str | None = None


def mend(archive: Archive, name: str | None = None, *, dry_run: bool = False) -> Mended:
    """Merge the sides of session files that hold git's conflict marks.

    Args:
        name: only the file of this path, or of the session whose id this is, or begins so; None: all.

    Raises ChasmError where one was named and holds no marks.
    """
    made = Mended()
    top = archive.worktree
    if top is not None:
        files = Files(top, archive.scratch, archive.hash_name)
        for path in _chosen(_marked(archive, None), name):
            _mend_file(archive, files, path, made, dry_run)
        files.flush()
        return made

    def plan(head: str | None) -> Planned:
        made.paths, made.refused, made.waiting = [], [], 0
        held = archive.files(head, layout.SESSIONS) if head is not None else {}
        found = _chosen(_marked(archive, head) if head is not None else [], name)
        results = {path: _merged(path, archive.read(held[path]), None, made) for path in found}
        done = {path: data for path, data in results.items() if data is not None}
        return Planned(dict(done), f"resolve: {len(done)} files that git had merged as text\n")

    made.commit = commit_edit(archive, plan, dry_run=dry_run).commit
    return made


def _mend_file(archive: Archive, files: Files, path: str, made: Mended, dry_run: bool) -> None:
    """Mend one file of the worktree, if it can be, and nobody writes it meanwhile."""
    try:
        there = files.read(path, make_way=False)
        result = _merged(path, there.data, _base(archive, path), made) if there is not None else None
        if result is not None and not dry_run:
            files.place(path, Wanted(blob_id(result, archive.hash_name), lambda: result), there)
    except (Left, OSError) as error:
        made.paths = [mended for mended in made.paths if mended != path]
        made.refused.append(f"{path}: {error}")


def _marked(archive: Archive, commit: str | None) -> list[str]:
    """Paths of session files with marks in them: in the worktree, or in a commit."""
    where = ["--untracked"] if commit is None else [commit]
    pattern = ("-e", "^<<<<<<<( |$)")
    out = Git(archive).run(
        *("grep", "-l", "-z", "-a", "-E", "--no-textconv", "--full-name", *pattern, *where, "--", layout.SESSIONS),
        ok=(0, 1),
    )
    names = [name for name in out.decode("utf-8", "surrogateescape").split("\0") if name]
    paths = names if commit is None else [name.partition(":")[2] for name in names]
    return sorted({path for path in paths if layout.parse_session_path(path) is not None})


def _chosen(paths: list[str], name: str | None) -> list[str]:
    if name is None:
        return paths
    exact = [path for path in paths if name in (path, Path(path).stem)]
    found = exact or [path for path in paths if Path(path).stem.startswith(name)]
    if not found:
        raise ChasmError(f"no session file {name!r} holds conflict marks of git")
    return found


def _base(archive: Archive, path: str) -> bytes | None:
    """What both sides come from, where git still knows it."""
    try:
        return Git(archive).run("cat-file", "blob", f":1:{path}")
    except GitError:
        return None


def _merged(path: str, data: bytes, base: bytes | None, made: Mended) -> bytes | None:
    """The file mended; None, and the reason noted, where that is not possible."""
    try:
        found = marked.sides(data)
        if found is None:
            return None
        result: Merged = merge(found.base if found.base is not None else base, found.ours, found.theirs)
    except CodecError as error:
        made.refused.append(f"{path}: {error}")
        return None
    made.paths.append(path)
    made.waiting += len(result.conflicts)
    return result.data
