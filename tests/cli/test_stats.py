"""`chasm stats`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import Program


def test_all_together(chasm: Program) -> None:
    called = chasm("stats")
    assert "messages      3" in called.out and "claude-code" in called.out and "1.66k in, 370 out" in called.out
    found = chasm("stats", "--json").json
    assert found["total"]["sessions"] == 1 and found["by"] is None and found["lines"] == []
    assert sum(found["days"].values()) == 3


@pytest.mark.parametrize("by", ["provider", "model", "workspace", "day", "tool"])
def test_by(chasm: Program, by: str) -> None:
    lines = chasm("stats", "--by", by, "--json").json["lines"]
    assert lines and all(set(lines[0]) == set(line) for line in lines)
    assert chasm("stats", "--by", by).out.startswith(by)
    assert chasm("stats", "--by", by, "-n", "0", "--json").json["lines"] == []


def test_what_is_left_out(chasm: Program) -> None:
    assert "no session matches" in chasm("stats", "--provider", "codex").err
    assert chasm("stats", "--tag", "auth", "--project-path", "/home/ana", "--json").json["total"]["sessions"] == 1
    assert chasm("stats", "--since", "2026-06-01", "--json").json["total"]["messages"] == 0


def test_an_empty_archive(fresh: Program) -> None:
    fresh("git", "init")
    assert "holds no session yet" in fresh("stats").err


def test_without_a_cache_that_can_be_written(chasm: Program, tmp_path: Path) -> None:
    cache = chasm.archive / ".git" / "chasm" / "cache.sqlite3"
    cache.mkdir(parents=True)
    called = chasm("stats", "--json")
    assert called.json["total"]["messages"] == 3 and "without the cache" in called.err
