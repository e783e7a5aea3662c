"""Looking for credentials: how fast, and how much of a first harvest it takes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.session import codec
from chasm_git.session.secrets import Scanner
from tests.benchmarks.measure import CHASM, Row, Run, cpu, median, run

_RUNS = 5
_ENOUGH = 20_000_000


def rows(home: Path, scratch: Path) -> Iterator[Row]:
    """Measure on the sessions below `home`."""
    data = _files(home)
    scanner = Scanner()
    scanner.scan(b"")  # its rules are compiled once
    speed = sum(map(len, data)) / 1e6 / cpu(lambda: [scanner.scan_session(one) for one in data])
    yield Row("looking for credentials, a core", f"{speed:.0f} MB/s", ">= 30 MB/s", speed >= 30)
    with_it, without = [], []
    for _ in range(_RUNS):
        without.append(_harvest(home, scratch / "unseen", "off").cpu)
        with_it.append(_harvest(home, scratch / "seen", "warn").cpu)
    share = median([(a - b) / a for a, b in zip(with_it, without, strict=True)])
    yield Row("looking for credentials, of a first harvest", f"{share:.0%}", "<= 15 %", share <= 0.15)


def _files(home: Path) -> list[bytes]:
    provider = registry.load("claude-code")
    data: list[bytes] = []
    for source in provider.discover(Env(home, {}, "linux")):
        data += map(codec.dumps, provider.read(source).sessions)
        if sum(map(len, data)) > _ENOUGH:
            break
    return data


def _harvest(home: Path, place: Path, redact: str) -> Run:
    shutil.rmtree(place, ignore_errors=True)
    command = [*CHASM, "-C", str(place), "--home", str(home), "harvest", "run", "-p", "claude-code"]
    return run([*command, "--redact", redact])
