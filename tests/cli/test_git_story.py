"""The git group in one story: an archive is made, grows, is looked at, damaged, put back and packed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calling import Program
from tests.conftest import git

ID = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"


def test_an_archive_lives(fresh: Program, home: Path) -> None:
    made = fresh("git", "init", "--json").json
    assert (made["path"], made["new"], made["branch"]) == (str(fresh.archive), True, "main")
    assert fresh("git", "init", "--json").json["new"] is False
    assert fresh("git", "snapshots", "--json").json == []

    assert fresh("git", "status", "--home", str(home)).out.count("claude-code") == 1
    added = fresh("git", "add", ID, "--home", str(home), "--json").json
    assert [one["id"] for one in added["sessions"]] == [ID]
    assert fresh("git", "add", expect=2).err.startswith("chasm: name the sessions")
    assert fresh("git", "snapshot", "first", "-m", "one session").out.startswith("snapshot first: 1 sessions at ")
    assert fresh("git", "snapshot", "first", expect=1).out == ""
    fresh("git", "add", "--all", "--home", str(home))

    path = next(home.rglob(f"{ID}.jsonl"))
    row = {"type": "user", "uuid": "new", "message": {"role": "user", "content": "one thing more"}}
    path.write_bytes(path.read_bytes() + json.dumps(row).encode() + b"\n")
    fresh("harvest", "run", "--home", str(home), "-m", "grown")

    log = fresh("git", "log", "--json").json
    assert log[0]["subject"] == "grown"
    assert [(one["id"], one["change"]) for one in log[0]["sessions"]] == [(ID, "updated")]
    assert [entry["subject"] for entry in fresh("git", "log", ID, "-n", "1", "--json").json] == ["grown"]
    assert fresh("git", "log").out.splitlines()[1] == "  grown"

    assert "one thing more" in fresh("git", "show", ID).out
    assert "one thing more" not in fresh("git", "show", f"{ID}@first").out
    compared = fresh("git", "diff", "first", "--json").json["sessions"]
    assert {one["id"]: one["kind"] for one in compared}[ID] == "updated"
    assert "+one thing more" in fresh("git", "diff", "first", ID).out.splitlines()
    assert "+1" in fresh("git", "diff", "first", ID, "--stat").out
    blamed = fresh("git", "blame", ID, "--json").json
    assert (blamed[-1]["text"], blamed[-1]["subject"]) == ("one thing more", "grown")
    assert blamed[0]["subject"] != "grown"


def test_what_was_can_be_put_back(fresh: Program, home: Path) -> None:
    fresh("harvest", "run", "--home", str(home))
    fresh("git", "snapshot", "whole")
    file = next(fresh.archive.rglob(f"{ID}.yaml"))
    before = file.read_bytes()
    file.write_bytes(b"chasm: 1\nid: [")
    git(fresh.archive, "commit", "-qam", "a slip")
    checked = fresh("git", "verify", "--json", expect=1).json
    assert [problem["path"] for problem in checked["problems"]] == [file.relative_to(fresh.archive).as_posix()]
    assert fresh("git", "restore", f"{ID}@whole", "--dry-run").out.startswith("would put back")
    assert file.read_bytes() != before
    restored = fresh("git", "restore", f"{ID}@whole")
    assert "to undo it: chasm git restore" in restored.err
    assert file.read_bytes() == before
    assert fresh("git", "verify", "--full", "--json", expect=1).json["problems"]  # the slip stays in the history
    assert fresh("git", "verify", "--json").json["ok"] is True

    git(fresh.archive, "rm", "-q", "-r", "sessions/codex")
    git(fresh.archive, "commit", "-qm", "another")
    assert len(fresh("list", "sessions", "--json").json) == 2
    fresh("git", "rewind", "whole")
    assert len(fresh("list", "sessions", "--json").json) == 3
    assert git(fresh.archive, "diff", "--stat", "whole", "HEAD") == ""
    assert git(fresh.archive, "status", "--short") == ""
    assert [one["name"] for one in fresh("git", "snapshots", "--json").json] == ["whole"]


def test_a_clone_is_set_up_and_packed(fresh: Program, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # for the drivers git starts
    fresh("harvest", "run", "--home", str(home))
    fresh("git", "install", "--uninstall")
    assert fresh("git", "install", "--dry-run").out.startswith("would ")
    assert fresh("git", "install", "--json").json["changes"]
    assert fresh("git", "install").err == "nothing to do: it is so already\n"
    # git's own commands now show conversations
    shown = git(fresh.archive, "log", "-p", "-1", "--", f"sessions/claude-code/*/{ID}.yaml")
    assert "+## user  " in shown and "+  role: user" not in shown
    outcome = fresh("git", "gc", "--json").json
    assert outcome["after"]["loose_objects"] == 0 < outcome["before"]["loose_objects"] + outcome["before"]["packs"]
    assert git(fresh.archive, "fsck", "--strict") == ""
    assert fresh("show", "session", ID).out
