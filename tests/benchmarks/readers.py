"""Readers, client by client: how fast files become sessions, on one core, and what a machine with all of them costs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from chasm_git.harvest.collecting import uncollected
from chasm_git.providers import registry
from chasm_git.providers.base import Env, Source
from chasm_git.providers.reading.export_file import readings
from chasm_git.session.model import Session
from tests.benchmarks.corpus import Corpus
from tests.benchmarks.enlarging import enlarged
from tests.benchmarks.measure import CHASM, Row, cpu, median, memory, run
from tests.providers.databases import built

_FIXTURES = Path(__file__).parents[2] / "fixtures"
_LIKE_A_SESSION = range(250, 50_000)
"""Bytes a message has on average: what the fixtures repeat with less, or more, is no conversation."""
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
    return Row(f"{name}, {kind}", figure, f">= {wanted} MB/s", speed >= wanted)


def machine_rows(scratch: Path) -> Iterator[Row]:
    """A harvest with nothing new where every client has sessions, 10,000 of them Claude Code's."""
    home = scratch / "machine"
    for name in registry.BUILT_IN:
        for case in sorted((_FIXTURES / name).glob("*")):
            if case.is_dir():
                shutil.copytree(built(case), home, dirs_exist_ok=True)
    for path in home.rglob("*.zst"):  # whether it can be read depends on what is installed
        path.unlink()
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
    needed = memory([*CHASM, "-C", str(scratch / "imported-again"), "harvest", "import", str(path)]) / 1e6
    path.unlink()
    figure = f"{needed:.0f} MB ({done.wall:.0f} s, {megabytes / done.cpu:.0f} MB/s)"
    return Row(f"import of a ChatGPT export of {megabytes} MB, memory", figure, "<= 400 MB", needed <= 400)


def _chatgpt_export(path: Path, size: int) -> None:
    """Conversations of 40 messages, written one after the other."""
    texts = Corpus(path.parent).texts()
    with path.open("w", encoding="utf-8") as file:
        for number in count():
            file.write(", " if number else "[")
            file.write(json.dumps(_conversation(number, texts)))
            if file.tell() > size:
                break
        file.write("]")


def _conversation(number: int, texts: Iterator[str]) -> dict[str, Any]:
    keys = [f"{number:08x}-0000-4000-8000-{place:012x}" for place in range(40)]
    mapping: dict[str, Any] = {}
    for place, key in enumerate(keys):
        author: dict[str, Any] = {"role": "assistant" if place % 2 else "user", "name": None, "metadata": {}}
        content = {"content_type": "text", "parts": [next(texts)]}
        said = {"id": key, "author": author, "create_time": 1.76e9 + 60 * place, "content": content}
        said |= {
            "status": "finished_successfully",
            "weight": 1.0,
            "metadata": {"model_slug": "gpt-5"},
            "recipient": "all",
        }
        above = keys[place - 1] if place else None
        mapping[key] = {"id": key, "message": said, "parent": above, "children": keys[place + 1 : place + 2]}
    own = f"{number:08x}-1111-4000-8000-000000000000"
    about = {"title": f"Conversation {number}", "create_time": 1.76e9, "update_time": 1.76e9 + 2400}
    return about | {"mapping": mapping, "current_node": keys[-1], "conversation_id": own, "id": own}
