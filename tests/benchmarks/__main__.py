"""``python -m tests.benchmarks [--home DIR] [--sessions N] [--mb N]``: make a corpus, measure, print the table.

``--readers 10 --import-mb 500`` measures every reader on its fixtures instead, enlarged to 10 MB each.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
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
    given = options.parse_args()
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
        held = [_print(row) for row in _rows(home, scratch, grower)]
    return 0 if all(held) else 1


def _rows(home: Path, scratch: Path, grower: Corpus) -> Iterator[Row]:
    yield from codec.rows(home)
    yield from merging.rows(scratch / "merging")
    yield from archive.rows(home, scratch, lambda: grower.grow(0.01))
    yield from secrets.rows(home, scratch)
    yield from syncing.rows(scratch / "syncing")
    yield from search.rows(home, scratch, lambda: grower.grow(0.01))
    yield from web.rows(scratch / "searched")


def _reader_rows(scratch: Path, megabytes: float, exported: int) -> Iterator[Row]:
    yield from readers.rows(scratch, megabytes)
    yield from readers.machine_rows(scratch)
    yield readers.import_row(scratch, exported)


def _print(row: Row) -> bool:
    print(f"| {row.what} | {row.figure} | {row.wanted}{'' if row.holds else ' **missed**'} |", flush=True)
    return row.holds


if __name__ == "__main__":
    sys.exit(main())
