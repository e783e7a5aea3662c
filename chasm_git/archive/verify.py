"""Does everything hold: every session file, every attachment, every path, every object of the repository.

Nothing is mended here. What is wrong is reported by file and reason, and the rest is checked all the same.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from chasm_git.archive import layout, snapshot
from chasm_git.archive.plumbing import processes, refs
from chasm_git.archive.plumbing.git import Git, GitMissing
from chasm_git.archive.plumbing.trees import differences, files
from chasm_git.archive.repo import Archive
from chasm_git.errors import ChasmError
from chasm_git.session import attachments, codec

_WORTH_IT = 400
"""Files from which starting processes pays."""
_REGULAR = "100644"

Progress = Callable[[int, int], None]
"""Told how many files are done, and of how many."""


def _nobody(done: int, total: int) -> None:
    """For callers that do not want to know."""


class Problem(NamedTuple):
    """Something that is not as it must be."""

    path: str
    """The file; ``git`` for what `git fsck` says."""
    reason: str


@dataclass(slots=True)
class Report:
    """What was looked at, and what is wrong with it."""

    sessions: int = 0
    attachments: int = 0
    versions: int = 0
    """Earlier versions of session files and attachments."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    """Worth knowing, and no harm."""
    unchecked: list[str] = field(default_factory=list)
    """What could not be checked here, and why."""


class Task(NamedTuple):
    """One file to check."""

    path: str
    blob: str


class Checked(NamedTuple):
    """What checking one file gave."""

    task: Task
    problems: list[str]
    notes: list[str]
    names: frozenset[str]
    """Attachments the session names."""


def verify(archive: Archive, *, full: bool = False, progress: Progress = _nobody) -> Report:
    """Check the latest commit and the repository's objects.

    Args:
        full: every version of every session and attachment in the history, too.
    """
    report = Report()
    tree = _latest_tree(archive, report)
    tasks = list(_tree_tasks(archive, tree, report))
    _check(archive, tasks, {task.path for task in tasks}, report, progress, canonical=True)
    if full:
        _history(archive, {task.blob for task in tasks}, report, progress)
    _fsck(archive, report)
    return report


def _latest_tree(archive: Archive, report: Report) -> str | None:
    head = None
    try:
        head = archive.head()
        return archive.tree_id(head)
    except (KeyError, ValueError, ChasmError) as error:
        report.problems.append(Problem(archive.branch, _unreadable(head or "", error)))
        return None


def verify_staged(archive: Archive, index: Path | None = None, *, progress: Progress = _nobody) -> Report:
    """Check what is staged and differs from the latest commit: for a hook, before it is committed.

    A file edited by hand need not be in canonical form: the next harvest writes it so.

    Args:
        index: the index file git hands to its hook.
    """
    git = Git(archive, index=index)
    report = Report()
    listed = git.run(
        "diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--diff-filter=ACMT",
        "--", layout.SESSIONS, layout.ATTACHMENTS,
    )  # fmt: skip
    fields = listed.decode("utf-8", "surrogateescape").split("\0")
    tasks = []
    for head, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, blob, _ = head.split(" ")
        if _acceptable(path, mode, report):
            tasks.append(Task(path, blob))
    there = git.run("ls-files", "-z", "--", layout.ATTACHMENTS).decode("utf-8", "surrogateescape")
    _check(archive, tasks, set(there.split("\0")), report, progress, canonical=False)
    return report


def verify_pushed(archive: Archive, old: str, new: str, *, progress: Progress = _nobody) -> Report:
    """Check what a push brings: the files that differ between two commits (or trees). For the hook of a remote.

    Raises KeyError where one of them is missing.
    """
    report = Report()
    after = archive.tree_id(new)
    tasks = []
    for change in differences(archive, archive.tree_id(old), after):
        entry = change.new
        if entry is not None and _acceptable(change.path, entry.mode.decode("ascii"), report):
            tasks.append(Task(change.path, entry.id))
    there = {} if after is None else files(archive, after, layout.ATTACHMENTS)
    _check(archive, tasks, set(there), report, progress, canonical=False)
    return report


def check_session(path: str, data: bytes) -> tuple[list[str], list[str], frozenset[str]]:
    """What is wrong with a session file, what is worth a note (its form), and the attachments it names."""
    where = layout.parse_session_path(path)
    try:
        session = codec.loads(data)
        written = codec.dumps(session)
    except ValueError as error:
        return [f"cannot be read: {error}"], [], frozenset()
    problems = []
    notes = []
    if written != data:
        notes.append("is not in canonical form; the next harvest that touches it writes it so")
    if where is not None and session.provider != where.provider:
        problems.append(f"says it is of provider {session.provider!r}")
    if where is not None and layout.file_name(session.id) != where.name:
        problems.append(f"holds the session {session.id!r}, which has another file name")
    return problems, notes, frozenset(attachments.names_of(session))


def check_attachment(path: str, data: bytes) -> list[str]:
    """What is wrong with an attachment."""
    name = path.rpartition("/")[2]
    digest = hashlib.sha256(data).hexdigest()
    return [] if name.partition(".")[0] == digest else [f"does not hold what its name says (its hash is {digest})"]


def _tree_tasks(archive: Archive, tree: str | None, report: Report) -> Iterator[Task]:
    """The files of a tree that can be checked; what has a wrong path or mode is reported."""
    folded: dict[str, str] = {}
    for path, mode, object_id in _entries(archive, tree, "", report):
        other = folded.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
        if other != path:
            report.problems.append(Problem(path, f"differs from {other!r} in a way not every file system sees"))
        if _acceptable(path, mode, report):
            yield Task(path, object_id)


def _entries(archive: Archive, tree: str | None, prefix: str, report: Report) -> Iterator[tuple[str, str, str]]:
    """Path, mode and id of everything in a tree that is no folder."""
    if tree is None:
        return
    try:
        entries = archive.tree(tree)
    except (KeyError, ValueError, ChasmError) as error:
        report.problems.append(Problem(prefix or "/", _unreadable(tree, error)))
        return
    for entry in entries:
        path = prefix + entry.name.decode("utf-8", "surrogateescape")
        if entry.is_folder:
            yield from _entries(archive, entry.id, path + "/", report)
        else:
            yield path, entry.mode.decode("ascii"), entry.id


def _acceptable(path: str, mode: str, report: Report) -> bool:
    """Whether a file is a session or an attachment; a wrong mode or place is reported."""
    kinds = {"120000": "is a symbolic link", "160000": "is another repository", "100755": "is executable"}
    if mode != _REGULAR:
        report.problems.append(Problem(path, kinds.get(mode, f"has the mode {mode}")))
    if layout.parse_session_path(path) is not None or layout.is_attachment_path(path):
        return mode.startswith("100")
    if path.startswith((f"{layout.SESSIONS}/", f"{layout.ATTACHMENTS}/")):
        report.problems.append(Problem(path, "is not at a place where sessions or attachments are kept"))
    return False


def _check(
    archive: Archive, tasks: list[Task], there: set[str], report: Report, progress: Progress, *, canonical: bool
) -> None:
    """Check files and the attachments they name.

    Args:
        there: all paths of attachments.
        canonical: a form that is not canonical is a problem, not a note.
    """
    named: set[str] = set()
    for checked in _checked(archive, tasks, progress):
        path = checked.task.path
        report.problems += [Problem(path, reason) for reason in checked.problems]
        (report.problems if canonical else report.notes).extend(Problem(path, note) for note in checked.notes)
        if layout.is_attachment_path(path):
            report.attachments += 1
            continue
        report.sessions += 1
        places = {name: attachments.path_of(name) for name in sorted(checked.names)}
        named.update(places.values())
        for name, place in places.items():
            if not layout.is_attachment_path(place):
                report.problems.append(Problem(path, f"names {name[:80]!r}, which is no name for an attachment"))
            elif place not in there:
                report.problems.append(Problem(path, f"names the attachment {name}, which is missing"))
    if canonical:
        for task in tasks:
            if layout.is_attachment_path(task.path) and task.path not in named:
                report.notes.append(Problem(task.path, "is named by no session"))
    for found in (report.problems, report.notes):
        found.sort()


def _history(archive: Archive, known: set[str], report: Report, progress: Progress) -> None:
    """Check what only earlier commits hold: it must read, and match its name."""
    try:
        starts = {start for start in (archive.head(), *refs.list_refs(archive, "refs/chasm/").values()) if start}
        starts |= {one.commit for one in snapshot.snapshots(archive)}
        listed = Git(archive).run(
            "rev-list", "--objects", "--missing=allow-any", "--stdin", stdin="\n".join([*starts, ""]).encode()
        )
    except GitMissing as error:
        report.unchecked.append(f"earlier versions: {error}")
        return
    except ChasmError as error:
        report.problems.append(Problem("git", f"the history cannot be followed: {error}"))
        return
    tasks = {}
    for line in listed.decode("utf-8", "surrogateescape").split("\n"):
        blob, _, path = line.partition(" ")
        if path and blob not in known and (layout.parse_session_path(path) or layout.is_attachment_path(path)):
            tasks[blob] = Task(path, blob)
    for checked in _checked(archive, list(tasks.values()), progress):
        report.versions += 1
        place = f"{checked.task.path} (version {checked.task.blob[:12]})"
        report.problems += [Problem(place, reason) for reason in checked.problems]


def _fsck(archive: Archive, report: Report) -> None:
    try:
        result = Git(archive).result("fsck", "--strict", "--no-dangling", "--no-progress")
    except GitMissing as error:
        report.unchecked.append(f"git fsck: {error}")
        return
    # a line that is moved in goes on with the one above
    said = re.sub(r"\n\s+", " ", result.out.decode("utf-8", "replace") + "\n" + result.err).splitlines()
    found = [line for line in said if line and not line.startswith(("notice:", "dangling ", "unreachable "))]
    if result.status != 0 or any(line.startswith(("error", "missing ", "broken ")) for line in found):
        report.problems += [Problem("git", line) for line in found or [f"git fsck ended with status {result.status}"]]
    else:
        report.notes += [Problem("git", line) for line in found]


def _checked(archive: Archive, tasks: list[Task], progress: Progress) -> Iterator[Checked]:
    """Check files, on all cores where there are many."""
    for done, checked in enumerate(processes.each(archive, _one, tasks, worth_it=_WORTH_IT), 1):
        yield checked
        progress(done, len(tasks))


def _one(archive: Archive, task: Task) -> Checked:
    try:
        data = archive.read(task.blob)
    except (KeyError, ValueError, ChasmError) as error:
        return Checked(task, [_unreadable(task.blob, error)], [], frozenset())
    if layout.is_attachment_path(task.path):
        return Checked(task, check_attachment(task.path, data), [], frozenset())
    return Checked(task, *check_session(task.path, data))


def _unreadable(object_id: str, error: Exception) -> str:
    return f"object {object_id} is missing" if isinstance(error, KeyError) else str(error)
