"""`chasm git snapshots`."""

from __future__ import annotations

import re

import pytest

from chasm_git.session.model import Session
from tests.cli.calling import Program
from tests.conftest import Keep, git


def test_the_latest_first(chasm: Program, keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chasm("git", "snapshots", "--json").json == []
    assert "no snapshot yet" in chasm("git", "snapshots").err
    for day in (1, 2):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2026-01-0{day}T12:00:00Z")
        git(chasm.archive, "tag", "-m", f"day {day}\n\nmore \x1b[31m", f"day{day}")
        keep([Session(f"s{day}", "codex")])
    found = chasm("git", "snapshots", "--json").json
    assert [(one["name"], one["at"], one["sessions"]) for one in found] == [
        ("day2", "2026-01-02T12:00:00Z", 2),
        ("day1", "2026-01-01T12:00:00Z", 1),
    ]
    rows = [re.split(" {2,}", line) for line in chasm("git", "snapshots").out.splitlines()]
    assert rows[1] == ["day2", "2026-01-02 12:00", "2", found[0]["commit"][:12], "day 2"]
