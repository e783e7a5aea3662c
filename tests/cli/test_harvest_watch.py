"""`chasm harvest watch`, as the process it is."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chasm_git.api import open_archive
from tests.cli.calling import Program

DEMO = Path(__file__).parents[2] / "fixtures" / "demo"
LATER = DEMO / "later" / ".claude" / "projects" / "-home-ana-shop"


class Watch:
    """A watch that runs; its lines of JSON as they come."""

    def __init__(self, archive: Path, home: Path, *options: str, **variables: str) -> None:
        command = ["-C", str(archive), "--json", "--home", str(home), "harvest", "watch", "--quiet-time", "0.3"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chasm_git", *command, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def report(self) -> Any:
        return json.loads(self._lines.get(timeout=30))

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(how)
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        return self.process.wait(30), said


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Callable[..., Watch]]:
    home = tmp_path / "home"
    shutil.copytree(DEMO / "claude-code", home)
    running: list[Watch] = []

    def start(*options: str, **variables: str) -> Watch:
        running.append(Watch(tmp_path / "archive", home, *options, **variables))
        return running[-1]

    yield start
    for watch in running:
        if watch.process.poll() is None:
            watch.process.kill()
            watch.process.wait()


def grow(tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".claude" / "projects" / "-home-ana-shop"
    for path in LATER.glob("*.jsonl"):
        shutil.copy(path, folder / path.name)


def commits(archive: Path) -> int:
    done = subprocess.run(
        ["git", "-C", str(archive), "rev-list", "--count", "HEAD"], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.parametrize("is_told", [True, False])
def test_what_is_written_is_harvested(watched: Callable[..., Watch], tmp_path: Path, is_told: bool) -> None:
    if not is_told:  # as on a machine without the package
        hidden = tmp_path / "hidden" / "watchfiles.py"
        hidden.parent.mkdir()
        hidden.write_text("raise ImportError('hidden')")
    watch = watched(PYTHONPATH="" if is_told else str(tmp_path / "hidden"))
    assert watch.report()["commit"]
    before = commits(tmp_path / "archive")
    grow(tmp_path)
    assert watch.report()["commit"]
    assert commits(tmp_path / "archive") == before + 1
    code, said = watch.end()
    assert code == 0
    assert ("pip install" in said) is not is_told


def test_a_burst_is_one_commit(watched: Callable[..., Watch], tmp_path: Path) -> None:
    watch = watched()
    watch.report()
    folder = tmp_path / "home" / ".claude" / "projects" / "-home-ana-shop"
    whole = next(LATER.glob("*.jsonl")).read_bytes().splitlines(keepends=True)
    path = folder / "6f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11.jsonl"
    for line in whole:
        with path.open("ab") as file:
            file.write(line)
        time.sleep(0.05)
    assert watch.report()["commit"]
    with open_archive(tmp_path / "archive") as archive:
        assert archive.find("6f0c1f5e")
    assert watch.end()[0] == 0


def test_killed_it_loses_nothing(watched: Callable[..., Watch], tmp_path: Path, fresh: Program) -> None:
    watch = watched()
    watch.report()
    grow(tmp_path)
    watch.process.kill()
    watch.process.wait()
    watch = watched()
    assert watch.report()["commit"]
    assert watch.end()[0] == 0
    subprocess.run(["git", "-C", str(tmp_path / "archive"), "fsck", "--strict"], check=True, capture_output=True)


def test_two_at_once_are_one_too_many(watched: Callable[..., Watch], tmp_path: Path) -> None:
    first = watched()
    first.report()
    second = watched()
    assert second.process.wait(30) == 1
    assert first.process.poll() is None
    assert first.end(signal.SIGINT)[0] == 0


def test_a_typo_is_a_usage_error(fresh: Program, tmp_path: Path) -> None:
    called = fresh("harvest", "watch", "-p", "cladue-code", "--home", str(tmp_path), expect=2)
    assert "cladue-code" in called.err


def test_a_first_harvest_of_many_files_ends_with_the_watch(tmp_path: Path) -> None:
    from tests.benchmarks.corpus import Corpus

    Corpus(tmp_path / "home").fill(40, 10_000_000)  # enough for several processes
    watch = Watch(tmp_path / "archive", tmp_path / "home")
    try:
        assert watch.report()["commit"]
        assert watch.end()[0] == 0
    finally:
        watch.process.kill()
        watch.process.wait()
