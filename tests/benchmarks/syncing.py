"""Syncs: a thousand sessions that both sides changed, against git's own merge; one session among ten thousand."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

from chasm_git.archive.layout import session_path
from chasm_git.archive.repo import init_archive
from chasm_git.session.codec import dumps
from chasm_git.session.model import Message, Session
from tests.benchmarks.corpus import Corpus
from tests.benchmarks.measure import CHASM, Row, Run, median, ratio, run

_RUNS = 3
_SIZE = 50_000

Edit = Callable[[Session], None]


def rows(scratch: Path) -> Iterator[Row]:
    """Measure on archives below `scratch`."""
    yield _both_sides(scratch / "both", 1000)
    yield _one_of_many(scratch / "one", 10_000)


def _both_sides(place: Path, count: int) -> Row:
    _prepare(place, list(_sessions(count, _SIZE)), lambda number: (_continue, _rewrite))
    laptop = str(place / "again" / "laptop")
    ours, theirs = [], []
    for _ in range(_RUNS):
        fetch = ["fetch", "-q", "origin"]
        theirs.append(_anew(place, [*_git(laptop), "merge", "-q", "-m", "merged", "origin/main"], fetch))
        ours.append(_anew(place, [*CHASM, "-C", laptop, "sync"]))
    figure = ratio([one.wall for one in ours], [one.wall for one in theirs])
    seconds = median([one.wall for one in ours])
    shutil.rmtree(place)
    what = f"sync, {count} sessions changed on both sides, against git merge of them"
    return Row(what, f"{figure:.2f}x ({seconds:.2f} s)", "<= 3x", figure <= 3)


def _one_of_many(place: Path, count: int) -> Row:
    chosen: dict[int, tuple[Edit | None, Edit | None]] = {17: (_continue, None), count - 17: (None, _rewrite)}
    _prepare(place, list(_sessions(count, 2_000)), lambda number: chosen.get(number, (None, None)))
    command = [*CHASM, "-C", str(place / "again" / "laptop"), "sync"]
    seconds = median([_anew(place, command).wall for _ in range(_RUNS)])
    shutil.rmtree(place)
    what = f"sync, one session changed here and one there, of {count}"
    return Row(what, f"{seconds:.2f} s", "<= 1 s", seconds <= 1)


def _anew(place: Path, command: list[str], *before: list[str]) -> Run:
    """Run a command on a copy of the archives: each time for the first time."""
    copy = place / "again"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(place / "made", copy)
    for one in (["update-index", "-q", "--refresh"], *before):
        subprocess.run([*_git(str(copy / "laptop")), *one], check=True)
    return run(command)


def _prepare(place: Path, sessions: list[Session], edits: Callable[[int], tuple[Edit | None, Edit | None]]) -> None:
    """A bare ``hub.git`` that one machine has synced its edits to, and ``laptop``, a clone with edits of its own."""
    made = place / "made"
    hub = made / "hub.git"
    laptop = made / "laptop"
    init_archive(laptop).close()
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(hub)], check=True)
    _commit(laptop, "main", sessions)
    for number, branch in enumerate(("main", "theirs")):
        changed = []
        for at, session in enumerate(sessions):
            edit = edits(at)[number]
            if edit is not None:
                copy = deepcopy(session)
                edit(copy)
                changed.append(copy)
        _commit(laptop, branch, changed, "main^0" if branch == "main" else "main~1")
    for command in (
        ["reset", "-q", "--hard", "main"],
        ["push", "-q", str(hub), "theirs:main"],
        ["branch", "-q", "-D", "theirs"],
        ["remote", "add", "origin", "../hub.git"],
        ["update-ref", "refs/remotes/origin/main", "main~1"],
        ["gc", "-q", "--prune=now"],
    ):
        subprocess.run([*_git(str(laptop)), *command], check=True)


def _commit(repository: Path, branch: str, sessions: list[Session], parent: str = "main^0") -> None:
    parts = [f"commit refs/heads/{branch}\ncommitter Ana <ana@example.org> 1767873600 +0000\ndata 4\nmade\n".encode()]
    parts.append(f"from refs/heads/{parent}\n".encode())
    for session in sessions:
        data = dumps(session)
        path = session_path(session.provider, session.id, session.created_at)
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data))
    subprocess.run([*_git(str(repository)), "fast-import", "--quiet", "--force"], input=b"".join(parts), check=True)


def _git(repository: str) -> list[str]:
    who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "gc.auto=0"]
    return ["git", "-C", repository, *who]


def _sessions(count: int, size: int) -> Iterator[Session]:
    """Sessions of about `size` bytes each, of prose that compresses as people's does."""
    texts = Corpus(Path()).texts()
    for number in range(count):
        month = 1 + number % 12
        start = f"2026-{month:02}-08T12:"
        session = Session(f"{number:08}-2a51-4f0e-9c53-0f6f3a1d7b11", "codex", created_at=f"{start}00:00.000Z")
        written, above = 0, None
        while written < size:
            at = len(session.messages)
            text = next(texts)[: size - written + 100]
            when = f"{start}{at // 60 % 60:02}:{at % 60:02}.000Z"
            message = Message(f"m{at}", "assistant" if at % 2 else "user", when, text, after=above)
            session.messages.append(message)
            above = message.id
            written += len(text)
        yield session


def _continue(session: Session) -> None:
    """The conversation went on."""
    above = session.messages[-1].id
    for number in range(2):
        at = f"2026-12-20T12:00:0{number}.000Z"
        session.messages.append(Message(f"new{number}", "user", at, f"And then, {number}?\nTell me.", after=above))
        above = f"new{number}"


def _rewrite(session: Session) -> None:
    """Somebody corrected what stands in the middle, and put a tag on it."""
    message = session.messages[len(session.messages) // 2]
    message.content = f"Corrected.\n{message.content}"
    session.tags = ["checked"]
