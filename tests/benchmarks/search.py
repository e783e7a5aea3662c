"""The search cache: making it, following growth, searching; against the first harvest and ripgrep on the files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from chasm_git.api import open_archive
from chasm_git.archive.layout import session_path
from chasm_git.archive.repo import init_archive
from chasm_git.cache import follow
from chasm_git.cache.query import parse
from chasm_git.cache.search import Known, search
from chasm_git.session import codec
from chasm_git.session.model import Message, Session
from tests.benchmarks.measure import CHASM, Row, folder_size, median, memory, ratio, run

_RUNS = 5
_COMMON, _RARE = "import", "qzxneedle"
_ADVERSE = '"the of and" $$$ %%% ***'
"""Of every word there is much, and all together stand nowhere: every text has to be looked at."""


def rows(home: Path, scratch: Path, grow: Callable[[], object], builds: int = 3) -> Iterator[Row]:
    """Measure on the sessions below `home`; `grow` appends to one in a hundred of them."""
    place = scratch / "searched"
    harvests, made = [], []
    for _ in range(builds):
        shutil.rmtree(place, ignore_errors=True)
        harvests.append(run(_harvest(home, place)).wall)
        made.append(run([*CHASM, "-C", str(place), "cache", "rebuild"]).wall)
    figure = ratio(made, harvests)
    yield Row("search cache made, against a first harvest", f"{figure:.2f}x", "<= 1x", figure <= 1)
    with open_archive(place) as archive:
        status = archive.cache_status()
        sessions = len(archive.session_files())
    size = status.size / status.text
    yield Row("search cache, against the text in it", f"{size:.2f}x", "<= 0.6x", size <= 0.6)
    yield from _in_process(place)
    yield from _as_command(home, place)
    listed = median([run([*CHASM, "-C", str(place), "list", "sessions"]).wall for _ in range(_RUNS)])
    yield Row(f"list sessions, {sessions} of them", f"{listed:.2f} s", "<= 0.3 s", listed <= 0.3)
    times = []
    for _ in range(_RUNS):
        grow()
        run(_harvest(home, place))
        with open_archive(place) as archive:
            start = time.perf_counter()
            follow.opened(archive.repository).close()
            times.append(time.perf_counter() - start)
    grown = median(times)
    yield Row("search cache, 1 % of the sessions grown", f"{grown:.2f} s", "<= 0.3 s", grown <= 0.3)
    yield _long_session(scratch / "long")


def _in_process(place: Path) -> Iterator[Row]:
    with open_archive(place) as archive:
        connection = follow.opened(archive.repository)
        terms = connection.execute("SELECT term FROM terms WHERE length(term) BETWEEN 10 AND 24 ORDER BY number DESC")
        rare = next(term for (term,) in terms.fetchall() if search(connection, parse(term), 20).total == 1)
        asked = (("rare", rare, 2), ("common", _COMMON, 30), ("absent", _RARE, 2), ("adversarial", _ADVERSE, 100))
        for what, words, wanted in asked:
            known, times = Known(), []
            for _ in range(20 if wanted < 100 else 3):
                start = time.perf_counter()
                search(connection, parse(words), 20, known)
                times.append((time.perf_counter() - start) * 1000)
            took = median(times)
            yield Row(f"search, {what} word, first 20", f"{took:.1f} ms", f"<= {wanted} ms", took <= wanted)
        connection.close()


def _as_command(home: Path, place: Path) -> Iterator[Row]:
    """Against ripgrep with its files in the file cache; what Python takes to start alone is told, not taken off."""
    ripgrep = shutil.which("rg")
    large = folder_size(home) >= 500e6
    python = median([run([sys.executable, "-c", "pass"]).wall for _ in range(_RUNS)])
    for word in (_COMMON, _RARE):
        command = [*CHASM, "-C", str(place), "find", "session", word]
        # ripgrep ends with 1 where it finds nothing
        script = ["sh", "-c", '"$1" -l "$2" "$3" || true', "sh", ripgrep or "", word, str(home / ".claude")]
        run(command)
        ours, theirs = [], []
        for _ in range(_RUNS):
            ours.append(run(command))
            theirs.append(run(script).wall if ripgrep else 0)
        took = median([one.wall for one in ours])
        what = f"find session {word} (Python alone {python:.2f} s; ripgrep {median(theirs):.2f} s)"
        wanted = 1 if large else 3
        holds = not ripgrep or took <= wanted * median(theirs)
        yield Row(what, f"{took:.2f} s", f"<= {wanted}x ripgrep" if ripgrep else "(no ripgrep)", holds)
        size = memory(command) / 1e6
        yield Row(f"find session {word}, memory", f"{size:.0f} MB", "<= 100 MB", size <= 100)


def _long_session(place: Path) -> Row:
    """A conversation of 5,000 messages, to the pipe of a pager that has seen a screen of it."""
    session = Session("long", "codex", created_at="2026-05-01T12:00:00.000Z")
    above = None
    for number in range(5000):
        role = "assistant" if number % 2 else "user"
        session.messages.append(Message(f"m{number}", role, session.created_at, f"about topic {number} " * 9, above))
        above = f"m{number}"
    init_archive(place).close()
    path = place / session_path(session.provider, session.id, session.created_at)
    path.parent.mkdir(parents=True)
    path.write_bytes(codec.dumps(session))
    for command in (("add", "-A"), ("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "long")):
        subprocess.run(["git", *command], cwd=place, check=True)
    shown = ["sh", "-c", 'exec "$@" | head -n 50', "sh", *CHASM, "-C", str(place), "show", "session", "long"]
    took = median([run(shown).wall for _ in range(_RUNS)])
    return Row("show session, first screen of 5,000 messages", f"{took:.2f} s", "<= 0.3 s", took <= 0.3)


def _harvest(home: Path, place: Path) -> list[str]:
    return [*CHASM, "-C", str(place), "--home", str(home), "harvest", "run", "-p", "claude-code"]
