"""A first harvest, a second one with nothing new, growth, size: against plain git on the same files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.measure import CHASM, Row, Run, folder_size, median, ratio, run

_RUNS = 5


def rows(home: Path, scratch: Path, grow: Callable[[], object]) -> Iterator[Row]:
    """Measure on the sessions below `home`; `grow` appends to one in a hundred of them."""
    ours, theirs = scratch / "chasm", scratch / "git"
    harvests, commits = [], []
    for _ in range(_RUNS):
        commits.append(_plain_git(home, theirs))
        harvests.append(_first_harvest(home, ours))
    figure = ratio([one.wall for one in harvests], [one.wall for one in commits])
    seconds = median([one.wall for one in harvests])
    yield Row(
        "first harvest, worktree written, against git", f"{figure:.2f}x ({seconds:.2f} s)", "<= 1.5x", figure <= 1.5
    )
    memory = max(one.memory for one in harvests) / 1e6
    yield Row("first harvest, largest process", f"{memory:.0f} MB", "<= 200 MB", memory <= 200)
    size = folder_size(ours / ".git") / folder_size(theirs / ".git")
    yield Row(".git right after, against git's", f"{size:.2f}x", "<= 1.15x", size <= 1.15)
    idle = median([run(_harvest(home, ours)).wall for _ in range(_RUNS)])
    yield Row("harvest, nothing new", f"{idle:.2f} s", "<= 0.25 s", idle <= 0.25)
    times = []
    for _ in range(_RUNS):
        grow()
        times.append(run(_harvest(home, ours)).wall)
    yield Row("harvest, 1 % of the sessions grown", f"{median(times):.2f} s", "<= 0.5 s", median(times) <= 0.5)
    yield _after_gc(home, ours, theirs)
    yield _show(ours)
    yield _version()


def _plain_git(home: Path, place: Path) -> Run:
    shutil.rmtree(place, ignore_errors=True)
    commit = "git -c user.name=a -c user.email=a@example.org commit -qm all"
    script = f'git init -q "$1" && cp -r "$2/.claude" "$1" && cd "$1" && git add -A && {commit}'
    return run(["sh", "-c", script, "sh", str(place), str(home)])


def _first_harvest(home: Path, place: Path) -> Run:
    shutil.rmtree(place, ignore_errors=True)
    return run(_harvest(home, place))


def _harvest(home: Path, place: Path) -> list[str]:
    return [*CHASM, "-C", str(place), "--home", str(home), "harvest", "run", "-p", "claude-code"]


def _after_gc(home: Path, ours: Path, theirs: Path) -> Row:
    """Both hold the same history here: one import of the same files."""
    _plain_git(home, theirs)
    _first_harvest(home, ours)
    run([*CHASM, "-C", str(ours), "git", "gc"])
    run(["git", "-C", str(theirs), "gc", "-q"])
    size = folder_size(ours / ".git") / folder_size(theirs / ".git")
    return Row(".git after gc, against git's after git gc", f"{size:.2f}x", "<= 1.0x", size <= 1.0)


def _show(ours: Path) -> Row:
    listed = subprocess.run(
        ["git", "-C", str(ours), "ls-files", "sessions"], capture_output=True, text=True, check=True
    )
    largest = max(listed.stdout.split("\n")[:-1], key=lambda path: (ours / path).stat().st_size)
    one = listed.stdout.split("\n")[0]
    command = [*CHASM, "-C", str(ours), "show", "session"]
    seconds = median([run([*command, Path(one).stem]).wall for _ in range(_RUNS)])
    slowest = median([run([*command, Path(largest).stem]).wall for _ in range(_RUNS)])
    return Row(
        "chasm show session ID (the largest one)", f"{seconds:.2f} s ({slowest:.2f} s)", "<= 0.3 s", slowest <= 0.3
    )


def _version() -> Row:
    ours, theirs = [], []
    for _ in range(_RUNS * 3):
        ours.append(run([*CHASM, "--version"]).wall)
        theirs.append(run([sys.executable, "-c", "pass"]).wall)
    figure = ratio(ours, theirs)
    return Row("chasm --version, against python -c pass", f"{figure:.1f}x", "<= 7x", figure <= 7)
