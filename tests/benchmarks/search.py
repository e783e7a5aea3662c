"""The search cache: making it, following growth, searching; against the first harvest and ripgrep on the files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from chasm_git.api import open_archive
from chasm_git.cache import follow
from chasm_git.cache.query import parse
from chasm_git.cache.search import search
from tests.benchmarks.measure import CHASM, Row, median, ratio, run

_RUNS = 5
_COMMON, _RARE = "import", "qzxneedle"


def rows(home: Path, scratch: Path, grow: Callable[[], object]) -> Iterator[Row]:
    """Measure on the sessions below `home`; `grow` appends to one in a hundred of them."""
    place = scratch / "searched"
    harvests, builds = [], []
    for _ in range(3):
        shutil.rmtree(place, ignore_errors=True)
        harvests.append(run(_harvest(home, place)).wall)
        builds.append(run([*CHASM, "-C", str(place), "cache", "rebuild"]).wall)
    figure = ratio(builds, harvests)
    yield Row("search cache made, against a first harvest", f"{figure:.2f}x", "<= 1x", figure <= 1)
    with open_archive(place) as archive:
        status = archive.cache_status()
    size = status.size / status.text
    yield Row("search cache, against the text in it", f"{size:.2f}x", "<= 0.6x", size <= 0.6)
    yield from _in_process(place)
    yield from _as_command(home, place)
    times = []
    for _ in range(_RUNS):
        grow()
        run(_harvest(home, place))
        with open_archive(place) as archive:
            start = time.perf_counter()
            follow.opened(archive.repository).close()
            times.append(time.perf_counter() - start)
    yield Row("search cache, 1 % of the sessions grown", f"{median(times):.2f} s", "<= 0.3 s", median(times) <= 0.3)


def _in_process(place: Path) -> Iterator[Row]:
    with open_archive(place) as archive:
        connection = follow.opened(archive.repository)
        rare = next(term for (term,) in connection.execute("SELECT term FROM terms ORDER BY length(term) DESC"))[:60]
        for what, word, wanted in (("rare", rare, 2), ("common", _COMMON, 30), ("absent", _RARE, 2)):
            times = []
            for _ in range(20):
                start = time.perf_counter()
                search(connection, parse(word), 20)
                times.append((time.perf_counter() - start) * 1000)
            yield Row(f"search, {what} word", f"{median(times):.1f} ms", f"<= {wanted} ms", median(times) <= wanted)
        connection.close()


def _as_command(home: Path, place: Path) -> Iterator[Row]:
    ripgrep = shutil.which("rg")
    for word in (_COMMON, _RARE):
        command = [*CHASM, "-C", str(place), "find", "session", word]
        ours = median([run(command).wall for _ in range(_RUNS)])
        if ripgrep is None:
            yield Row(f"find session {word}", f"{ours:.2f} s", "(no ripgrep)", True)
            continue
        # ripgrep ends with 1 where it finds nothing
        script = ["sh", "-c", '"$1" -l "$2" "$3" || true', "sh", ripgrep, word, str(home / ".claude")]
        theirs = median([run(script).wall for _ in range(_RUNS)])
        yield Row(f"find session {word}, ripgrep {theirs:.2f} s", f"{ours:.2f} s", "<= 0.3 s", ours <= 0.3)


def _harvest(home: Path, place: Path) -> list[str]:
    return [*CHASM, "-C", str(place), "--home", str(home), "harvest", "run", "-p", "claude-code"]
