"""What cannot be done is said in one line: what happened, and how it is mended."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chasm_git.archive.repo import Archive
from tests.cli.calling import Program

EXAMPLE = "0d7a529a-fcee-4741-8e44-4705eabf15da"


@pytest.mark.parametrize(
    "line",
    ["fetch workspace nothing", "merge path /nowhere", "merge workspace nothing"],
)
def test_a_place_where_no_session_was_held(chasm: Program, line: str) -> None:
    called = chasm(*line.split(), expect=1)
    assert "no session was held in" in called.err and "chasm list workspaces" in called.err
    assert line.split()[-1] in called.err


def test_one_session_is_too_few_to_merge(chasm: Program) -> None:
    name = chasm("list", "sessions", "--json").json[0]["id"]
    assert "it takes two sessions" in chasm("merge", "sessions", name, expect=2).err


@pytest.mark.parametrize("line", ["list sessions", "list agents", "show timeline", "stats"])
def test_a_provider_that_nobody_knows(chasm: Program, line: str) -> None:
    called = chasm(*line.split(), "--provider", "claude-cod", expect=2)
    assert "no provider is called 'claude-cod'" in called.err and called.out == ""


def test_git_add_of_a_session_that_is_nowhere(fresh: Program, home: Path) -> None:
    fresh("harvest", "run", "--home", str(home))
    called = fresh("git", "add", "nope", "--home", str(home), expect=1)
    assert "'nope'" in called.err and "chasm harvest scan" in called.err


def test_git_restore_of_what_is_there(chasm: Program) -> None:
    name = chasm("list", "sessions", "--json").json[0]["id"]
    assert chasm("git", "restore", f"{name}@HEAD").out == "nothing to do: it is so already\n"
    assert "say which version" in chasm("git", "restore", name, expect=2).err


def test_resume_in_a_tool_that_nobody_knows(chasm: Program) -> None:
    name = chasm("list", "sessions", "--json").json[0]["id"]
    assert "no provider is called 'nope'" in chasm("resume", name, "--in", "nope", expect=2).err


def test_no_revision_after_the_sign(chasm: Program) -> None:
    name = chasm("list", "sessions", "--json").json[0]["id"]
    assert "after @ stands a revision" in chasm("show", "session", f"{name}@", expect=1).err


def test_a_note_without_a_text_and_nobody_to_write_one(chasm: Program) -> None:
    name = chasm("list", "sessions", "--json").json[0]["id"]
    held = {key: value for key, value in os.environ.items() if key not in ("EDITOR", "VISUAL")}
    done = subprocess.run(
        [sys.executable, "-m", "chasm_git", "-C", str(chasm.archive), "note", name],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=held,
        check=False,
        timeout=30,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "give the note as TEXT" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EACCES, "who may write there"),
        (errno.EROFS, "who may write there"),
    ],
)
def test_the_system_refuses(chasm: Program, monkeypatch: pytest.MonkeyPatch, number: int, said: str) -> None:
    name = chasm("list", "sessions", "--json").json[0]["id"]

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number), "/there/file")

    monkeypatch.setattr(Archive, "lock", refuse)
    called = chasm("tag", name, "+a", expect=1)
    assert os.strerror(number) in called.err and "/there/file" in called.err and said in called.err


def test_both_ways_as_json_end_as_they_do_without(fresh: Program, home: Path) -> None:
    fresh("harvest", "run", "--home", str(home))
    bad = next((home / ".claude").rglob("*.jsonl")).with_name("99999999-0000-4000-8000-000000000009.jsonl")
    bad.mkdir()
    other = next((home / ".codex").rglob("rollout-*.jsonl"))
    other.with_name("rollout-2026-01-09T11-00-00-019ba1d0-6c00-7a10-9c3e-2f8d41b7e999.jsonl.zst").write_bytes(b"x")
    plain = fresh("sync", "--pull", "--push", "--home", str(home), expect=None)
    called = fresh("sync", "--pull", "--push", "--json", "--home", str(home), expect=plain.code)
    assert plain.code == 4 and set(called.json) == {"pulled", "pushed"}
    assert "could not be read" in called.err


def test_one_is_not_many(fresh: Program, home: Path) -> None:
    other = next((home / ".codex").rglob("rollout-*.jsonl"))
    other.with_name("rollout-2026-01-09T11-00-00-019ba1d0-6c00-7a10-9c3e-2f8d41b7e999.jsonl.zst").write_bytes(b"x")
    assert "1 source could not be read" in fresh("harvest", "run", "--home", str(home), expect=4).err


def test_the_file_itself_as_json(chasm: Program) -> None:
    name = chasm("list", "sessions", "--json").json[0]["id"]
    said = chasm("show", "session", name, "--raw", "--json").json
    assert said["id"] == name and said["file"] == chasm("show", "session", name, "--raw").out
    assert said["path"].endswith(".yaml")


def test_a_bundle_that_is_only_thought_of(chasm: Program, tmp_path: Path) -> None:
    place = tmp_path / "deep" / "all.bundle"
    said = chasm("git", "bundle", str(place), "--dry-run", "--json").json
    assert said["path"] == str(place) and said["dry_run"] and said["refs"] and not place.parent.exists()
    done = chasm("git", "bundle", str(place), "--json").json
    assert (done["refs"], done["commit"]) == (said["refs"], said["commit"])
    assert "exists" in chasm("git", "bundle", str(place), "--dry-run", expect=1).err


def test_sessions_that_go_back_nowhere_are_passed_over(fresh: Program, home: Path) -> None:
    droid = home / ".factory" / "sessions" / "-home-ana-shop"
    droid.mkdir(parents=True)
    fixtures = Path(__file__).parents[2] / "fixtures" / "factory-droid"
    for file in fixtures.rglob("*.jsonl"):
        (droid / file.name).write_bytes(file.read_bytes())
    at = ("--home", str(home))
    fresh("harvest", "run", *at, expect=None)
    for line in ("fetch path /home/ana/shop", "fetch workspace shop", "register all --path /home/ana/shop"):
        called = fresh(*line.split(), *at)
        assert called.out == "1 same\n" and "factory-droid passed over: nothing can be written into it" in called.err
    name = next(one for one in fresh("list", "sessions", "--json").json if one["provider"] == "factory-droid")["id"]
    assert "nothing can be written into 'factory-droid'" in fresh("fetch", "session", name, *at, expect=1).out


def test_the_demo_as_json(fresh: Program) -> None:
    steps = json.loads(fresh("demo", "--json").out)["steps"]
    assert [step["command"] for step in steps][:2] == ["chasm harvest scan", "chasm harvest run"]
    assert all(step["code"] == 0 for step in steps) and "4 new" in steps[1]["out"]
