"""`chasm harvest scan`."""

from __future__ import annotations

from pathlib import Path

import pytest

from chasm_git.session.model import Session
from tests.cli.calling import Program
from tests.conftest import Keep


def counts(program: Program, home: Path) -> dict[str, tuple[int, int, int, int]]:
    listed = program("harvest", "scan", "--home", str(home), "--json").json
    return {
        one["provider"]: (one["new"], one["changed"], one["shrunk"], one["unchanged"])
        for one in listed
        if one["sources"]
    }


def test_new_then_known_then_changed_then_shrunk(fresh: Program, home: Path) -> None:
    assert counts(fresh, home) == {"claude-code": (2, 0, 0, 0), "codex": (1, 0, 0, 0)}
    assert not fresh.archive.exists()
    fresh("harvest", "run", "--home", str(home))
    assert counts(fresh, home) == {"claude-code": (0, 0, 0, 2), "codex": (0, 0, 0, 1)}
    rollout = next((home / ".codex").rglob("*.jsonl"))
    data = rollout.read_bytes()
    rollout.write_bytes(data + b"{}\n")
    assert counts(fresh, home)["codex"] == (0, 1, 0, 0)
    rollout.write_bytes(data[:100])
    assert counts(fresh, home)["codex"] == (0, 0, 1, 0)


def test_a_table_for_people(fresh: Program, home: Path) -> None:
    lines = fresh("harvest", "scan", "--home", str(home)).out.splitlines()
    assert lines[0].split()[:3] == ["provider", "sources", "new"]
    assert [line.split()[:3] for line in lines[1:]] == [["claude-code", "2", "2"], ["codex", "1", "1"]]


def test_an_empty_home(fresh: Program, tmp_path: Path) -> None:
    called = fresh("harvest", "scan", "--home", str(tmp_path / "nobody"))
    assert called.out == "" and called.err.startswith("no provider has sessions here")


@pytest.mark.parametrize("arguments", [["--provider", "codex"], ["--exclude", "claude-code", "--exclude", "vscode"]])
def test_only_what_was_asked_for(fresh: Program, home: Path, arguments: list[str]) -> None:
    listed = fresh("harvest", "scan", "--home", str(home), "--json", *arguments).json
    assert [one["provider"] for one in listed if one["sources"]] == ["codex"]


def test_the_short_ways_say_what_the_long_ones_say(chasm: Program, keep: Keep, example: Session) -> None:
    keep([example])
    for short, long in [
        (("harvest", "status"), ("git", "status")),
        (("harvest", "list"), ("list", "sessions")),
        (("harvest", "search", "redirect"), ("find", "session", "redirect")),
    ]:
        assert chasm(*short, "--json").json == chasm(*long, "--json").json
