"""``python -m tests.benchmarks [--home DIR] [--sessions N] [--mb N] [--only PART] [--large]``: make a corpus, measure.

``--large`` measures searches and lists on 10,000 sessions of 1 GB in all: half an hour, 5 GB of disk.

``--readers 10 --import-mb 500`` measures every reader on its fixtures instead, enlarged to 10 MB each.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import archive, codec, merging, readers, search, secrets, syncing, web
from tests.benchmarks.corpus import Corpus
from tests.benchmarks.measure import Row, folder_size


def main() -> int:
    """Print the table; exit code 1 where a figure is not what it should be."""
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    options.add_argument("--home", type=Path, help="use a copy of these Claude Code sessions")
    options.add_argument("--sessions", type=int, default=500)
    options.add_argument("--mb", type=float, default=200)
    options.add_argument("--readers", type=float, metavar="MB", help="only the readers, on so many megabytes each")
    options.add_argument("--import-mb", type=int, default=50, help="size of the ChatGPT export that is imported")
    options.add_argument("--only", choices=sorted(_PARTS), help="measure this part alone")
    options.add_argument("--large", action="store_true", help="10,000 sessions, 1 GB: searches and lists alone")
    given = options.parse_args()
    if given.large:
        given.sessions, given.mb, given.only = 10_000, 1000, "search"
    with tempfile.TemporaryDirectory(prefix="chasm-benchmarks-") as name:
        scratch, home = Path(name), Path(name) / "home"
        if given.readers is not None:
            print("| what | measured | wanted |\n|---|---|---|")
            held = [_print(row) for row in _reader_rows(scratch, given.readers, given.import_mb)]
            return 0 if all(held) else 1
        if given.home is not None:
            shutil.copytree(given.home / ".claude", home / ".claude")
        else:
            Corpus(home).fill(given.sessions, int(given.mb * 1e6))
        grower = Corpus(home, seed=8)
        files = sum(1 for _ in (home / ".claude").rglob("*.jsonl"))
        print(f"{files} files, {folder_size(home / '.claude') / 1e6:.0f} MB\n")
        print("| what | measured | wanted |\n|---|---|---|")
        held = [_print(row) for row in _rows(home, scratch, grower, given.only, given.large)]
    return 0 if all(held) else 1


def _rows(home: Path, scratch: Path, grower: Corpus, only: str | None, large: bool) -> Iterator[Row]:
    for name, part in _PARTS.items():
        if only in (None, name):
            yield from part(home, scratch, lambda: grower.grow(0.01), large)


_Part = Callable[[Path, Path, Callable[[], object], bool], Iterator[Row]]
_PARTS: dict[str, _Part] = {
    "codec": lambda home, scratch, grow, large: codec.rows(home),
    "merging": lambda home, scratch, grow, large: merging.rows(scratch / "merging"),
    "archive": lambda home, scratch, grow, large: archive.rows(home, scratch, grow),
    "secrets": lambda home, scratch, grow, large: secrets.rows(home, scratch),
    "syncing": lambda home, scratch, grow, large: syncing.rows(scratch / "syncing"),
    "search": lambda home, scratch, grow, large: search.rows(home, scratch, grow, 1 if large else 3),
    "web": lambda home, scratch, grow, large: web.rows(scratch / "searched"),
}


def _reader_rows(scratch: Path, megabytes: float, exported: int) -> Iterator[Row]:
    yield from readers.rows(scratch, megabytes)
    yield from readers.machine_rows(scratch)
    yield readers.import_row(scratch, exported)


def _print(row: Row) -> bool:
    print(f"| {row.what} | {row.figure} | {row.wanted}{'' if row.holds else ' **missed**'} |", flush=True)
    return row.holds


if __name__ == "__main__":
    sys.exit(main())
