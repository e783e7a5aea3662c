"""`chasm git gc`."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from pathlib import Path

import pytest

from chasm_git.archive.plumbing import maintain
from chasm_git.outputs.cli.git_gc import size
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import Keep, git


def test_before_and_after(chasm: Program, keep: Keep, example: Session) -> None:
    grown = deepcopy(example)
    for number in range(10):
        grown.messages.append(Message(f"n{number}", "user", f"2026-01-08T12:01:0{number}.000Z", f"more {number}" * 50))
        keep([grown])
    before = chasm("git", "gc", "--dry-run", "--json").json["before"]
    assert before["loose_objects"] > 30 and before["packs"] == 0
    assert f"{before['loose_objects']} loose objects" in chasm("git", "gc", "--dry-run").out
    found = chasm("git", "gc", "--json").json
    assert found["before"] == before
    assert (found["after"]["loose_objects"], found["after"]["packs"]) == (0, 1)
    said = chasm("git", "gc").out
    assert " -> " in said and said.count("\n") == 1
    git(chasm.archive, "fsck", "--strict", "--full")
    assert git(chasm.archive, "status", "--porcelain") == ""
    assert len(chasm("git", "log", "--json").json) == 12


def test_a_heavy_archive_is_packed_after_a_harvest_by_itself(
    fresh: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    fresh("git", "init")
    monkeypatch.setattr(maintain, "UNPACKED_BYTES", 0)
    fresh("harvest", "run", "--home", str(home))
    record = fresh.archive / ".git" / "chasm" / "maintenance.json"
    give_up = time.monotonic() + 60
    while not record.exists() and time.monotonic() < give_up:
        time.sleep(0.05)
    assert json.loads(record.read_text())["error"] is None
    assert fresh("git", "gc", "--dry-run", "--json").json["before"]["loose_objects"] == 0


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (64 << 20, "64.0 MiB"), (1 << 42, "4096.0 GiB")],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text
