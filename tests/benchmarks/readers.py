"""Readers, client by client: how fast files become sessions, on one core, and what a machine with all of them costs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from chasm_git.harvest.collecting import uncollected
from chasm_git.providers import registry
from chasm_git.providers.base import Env, Source
from chasm_git.providers.export_file import readings
from chasm_git.session.model import Session
from tests.benchmarks.corpus import Corpus
from tests.benchmarks.enlarging import enlarged
from tests.benchmarks.measure import CHASM, Row, cpu, median, run
from tests.providers.databases import built

_FIXTURES = Path(__file__).parents[2] / "fixtures"
_LIKE_A_SESSION = range(250, 50_000)
"""Bytes a message has on average: what the fixtures repeat with less, or more, is no conversation."""
_REAL = 2000
"""Bytes a message of real sessions has; where the fixtures' are shorter, as many of them must be read in a second."""
_RUNS = 5


def rows(scratch: Path, megabytes: float) -> Iterator[Row]:
    """Measure every reader on its fixtures, enlarged to so many megabytes each."""
    size = int(megabytes * 1e6)
    for name in [*registry.BUILT_IN, *registry.EXPORTS]:
        for number, case in enumerate(sorted((_FIXTURES / name).glob("*"))):
            if not case.is_dir():
                continue
            home = scratch / f"{name}-{number}"
            shutil.copytree(built(case), home)
            yield from _export_rows(name, home, size) if name in registry.EXPORTS else _rows(name, home, size)
            shutil.rmtree(home)


def _rows(name: str, home: Path, size: int) -> Iterator[Row]:
    """The largest source of each kind of file."""
    provider = registry.load(name)
    kinds: set[str] = set()
    for source in sorted(_sources(name, home), key=lambda one: -one.path.stat().st_size):
        if source.path.suffix in kinds or not provider.read(source).sessions or not enlarged(source.path, size):
            continue
        again = next(one for one in _sources(name, home) if one.key == source.key)
        kinds.add(source.path.suffix)
        sessions = provider.read(again).sessions
        made = _row(f"{name} {home.name[-1]}", source.path, sessions, _seconds(lambda one=again: provider.read(one)))
        if made is not None:
            yield made


def _export_rows(name: str, home: Path, size: int) -> Iterator[Row]:
    """The largest file of the export."""
    reader = registry.load_export(name)
    for path in sorted(home.rglob("*.json*"), key=lambda one: -one.stat().st_size):
        if not any(reading.sessions for reading in readings(reader, path)) or not enlarged(path, size):
            continue
        sessions = [session for reading in readings(reader, path) for session in reading.sessions]
        if sessions:
            made = _row(name, path, sessions, _seconds(lambda one=path: sum(1 for _ in readings(reader, one))))
            if made is not None:
                yield made
            return


def _sources(name: str, home: Path) -> list[Source]:
    return [found for found in registry.load(name).discover(Env(home)) if isinstance(found, Source)]


def _seconds(work: object) -> float:
    assert callable(work)
    with uncollected():  # as a harvest reads
        return cpu(work, times=3)


def _row(name: str, path: Path, sessions: list[Session], seconds: float) -> Row | None:
    size, messages = path.stat().st_size, sum(len(session.messages) for session in sessions)
    if size < 1e6 or size // messages not in _LIKE_A_SESSION:
        return None
    is_json = path.read_bytes()[:15] != b"SQLite format 3" and path.suffix != ".md"
    wanted, speed, each = 40 if is_json else 20, size / 1e6 / seconds, messages / seconds
    kind = path.suffix.removeprefix(".") or path.name
    figure = f"{speed:.0f} MB/s ({each / 1000:.0f}k messages/s of {size / messages:.0f} bytes)"
    holds = speed >= wanted or (size / messages < _REAL and each >= wanted * 1e6 / _REAL)
    return Row(f"{name}, {kind}", figure, f">= {wanted} MB/s at {_REAL} bytes a message", holds)


def machine_rows(scratch: Path) -> Iterator[Row]:
    """A harvest with nothing new where every client has sessions, 10,000 of them Claude Code's."""
    home = scratch / "machine"
    for name in registry.BUILT_IN:
        for case in sorted((_FIXTURES / name).glob("*")):
            if case.is_dir():
                shutil.copytree(built(case), home, dirs_exist_ok=True)
    Corpus(home).fill(10_000, 40_000_000)
    command = [*CHASM, "-C", str(scratch / "of-all"), "--home", str(home), "harvest", "run"]
    first = run(command).wall
    idle = median([run(command).wall for _ in range(_RUNS)])
    figure = f"{idle:.2f} s (the first one {first:.1f} s)"
    yield Row("harvest of all clients, 10,000 sessions, nothing new", figure, "<= 0.5 s", idle <= 0.5)
    shutil.rmtree(home)


def import_row(scratch: Path, megabytes: int) -> Row:
    """Memory that a ChatGPT export of any size is imported in."""
    path = scratch / "conversations.json"
    _chatgpt_export(path, megabytes * 1_000_000)
    done = run([*CHASM, "-C", str(scratch / "imported"), "harvest", "import", str(path)])
    path.unlink()
    memory, speed = done.memory / 1e6, megabytes / done.cpu
    figure = f"{memory:.0f} MB ({done.wall:.0f} s, {speed:.0f} MB/s)"
    return Row(f"import of a ChatGPT export of {megabytes} MB, memory", figure, "<= 400 MB", memory <= 400)


def _chatgpt_export(path: Path, size: int) -> None:
    """The fixture's first conversation with much to say, again and again, written piece by piece."""
    source = _FIXTURES / "chatgpt" / "export" / "conversations.json"
    copy = path.with_name("chatgpt-piece.json")
    shutil.copyfile(source, copy)
    enlarged(copy, 5_000_000)
    pieces = [json.dumps(item) for item in json.loads(copy.read_bytes())]
    copy.unlink()
    written = number = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        while written < size:
            for piece in pieces:
                again = piece.replace('"conversation_id": "', f'"conversation_id": "{number:05d}').replace(
                    '"id": "', f'"id": "{number:05d}'
                )
                file.write((", " if written else "") + again)
                written += len(again)
            number += 1
        file.write("]")
