"""In which session files decisions wait, remembered by tree: the next look goes through what changed since.

``$GIT_DIR/chasm/undecided``: the id of the tree that was looked at, and a line for each file in which something waits.
It can be deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chasm_git.archive import layout
from chasm_git.archive.plumbing import durable, trees
from chasm_git.archive.plumbing.bulk import WORTH_IT, BulkReader
from chasm_git.archive.plumbing.git import Git, GitMissing
from chasm_git.archive.repo import DamagedObject
from chasm_git.archive.summaries import Summaries
from chasm_git.archive.syncing.incoming import ALTERNATIVES, VARIANTS, is_undecided

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

NAME = "undecided"


def undecided_paths(archive: Archive, commit: str | None) -> set[str]:
    """Paths of the session files of a commit in which decisions wait.

    Files that cannot be read, or that a partial clone lacks, are left out.
    """
    entry = trees.lookup(archive, archive.tree_id(commit), layout.SESSIONS) if commit is not None else None
    if entry is None or not entry.is_folder:
        return set()
    old, held = _remembered(archive)
    if old == entry.id:
        return held
    try:
        changed = list(trees.differences(archive, old, entry.id))
    except KeyError:  # git has thrown the tree away since
        old, held, changed = None, set(), list(trees.differences(archive, None, entry.id))
    paths = {f"{layout.SESSIONS}/{path}": now.id if now is not None else None for path, _, now in changed}
    held -= paths.keys()
    chosen = {path: blob for path, blob in paths.items() if blob and layout.parse_session_path(path) is not None}
    if old is None and len(chosen) >= WORTH_IT and (listed := _suspects(archive, entry.id)) is not None:
        chosen = {path: blob for path, blob in chosen.items() if path in listed}
    found, is_whole = _look(archive, chosen)
    held |= found
    if is_whole:
        _remember(archive, entry.id, held)
    return held


def _suspects(archive: Archive, sessions: str) -> set[str] | None:
    """Paths of the files below a tree that hold what an open decision looks like: git searches on all cores.

    None where git cannot say: it is not there, or not all files are.
    """
    if archive.is_partial:  # git would fetch what is missing
        return None
    asked = [word for sign in (VARIANTS, ALTERNATIVES) for word in ("-e", sign.decode().strip("\n"))]
    try:
        told = Git(archive).result("grep", "-lzaF", "--no-color", "--no-recurse-submodules", *asked, sessions)
    except GitMissing:
        return None
    if told.status > 1 or told.err:
        return None
    paths = told.out.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return {f"{layout.SESSIONS}/{path.removeprefix(f'{sessions}:')}" for path in paths}


def _look(archive: Archive, files: dict[str, str]) -> tuple[set[str], bool]:
    """Those of some files (path -> blob) in which something waits, and whether all of them could be read."""
    suspects, is_whole = {}, True
    with BulkReader(archive, expected=len(files)) as reader:
        for path, blob in files.items():
            try:
                if is_undecided(reader.read(blob)):
                    suspects[path] = blob
            except (KeyError, DamagedObject):
                is_whole = False
    summaries = Summaries(archive)
    summaries.load(suspects.values())
    found = {path for path, blob in suspects.items() if (one := summaries.of(blob)) is not None and one.conflicts}
    summaries.save()
    return found, is_whole


def _remembered(archive: Archive) -> tuple[str | None, set[str]]:
    """The tree that was looked at last, and what waited there; None where nothing is remembered."""
    try:
        tree, *paths = (archive.state_dir / NAME).read_bytes().decode("utf-8", "surrogateescape").split("\0")
    except OSError:
        return None, set()
    is_whole = len(tree) in (40, 64) and tree.isalnum() and bool(paths) and not paths[-1]
    return (tree, set(paths[:-1])) if is_whole else (None, set())


def _remember(archive: Archive, tree: str, paths: set[str]) -> None:
    data = "".join(f"{one}\0" for one in (tree, *sorted(paths))).encode("utf-8", "surrogateescape")
    try:
        durable.write_whole(archive.state_dir / NAME, data, archive.scratch)
    except OSError:
        return  # an archive that can only be read, say: it is looked for again
