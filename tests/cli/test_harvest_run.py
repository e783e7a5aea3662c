"""`chasm harvest run`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calling import Program
from tests.conftest import git

ID = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"


def test_the_first_harvest_makes_the_archive_and_says_so(fresh: Program, home: Path) -> None:
    called = fresh("harvest", "run", "--home", str(home))
    assert called.err == f"made an archive at {fresh.archive}\n"
    assert called.out.startswith("harvest: 3 new (claude-code 2, codex 1)\n  + ")
    assert git(fresh.archive, "log", "-1", "--format=%s").strip() == "harvest: 3 new (claude-code 2, codex 1)"
    assert {one["provider"] for one in fresh("list", "sessions", "--json").json} == {"claude-code", "codex"}
    assert fresh("show", "session", ID).out.count("\n## ") > 1


def test_nothing_new_is_no_commit(fresh: Program, home: Path) -> None:
    fresh("harvest", "run", "--home", str(home))
    before = git(fresh.archive, "rev-parse", "HEAD")
    called = fresh("harvest", "run", "--home", str(home))
    assert called.out.startswith("nothing new") and called.err == ""
    assert git(fresh.archive, "rev-parse", "HEAD") == before


def test_json_tells_what_was_done(fresh: Program, home: Path) -> None:
    done = fresh("harvest", "run", "--home", str(home), "--json", "-m", "first").json
    assert done["commit"] == git(fresh.archive, "rev-parse", "HEAD").strip()
    assert (done["new"], done["updated"], done["problems"]) == (3, 0, [])
    assert ID in {one["id"] for one in done["sessions"]}
    assert git(fresh.archive, "log", "-1", "--format=%s") == "first\n"


def test_a_dry_run_writes_nothing(fresh: Program, home: Path) -> None:
    fresh("harvest", "run", "--home", str(home), "--provider", "codex")
    before = git(fresh.archive, "for-each-ref") + git(fresh.archive, "count-objects", "-v")
    assert fresh("harvest", "run", "--home", str(home), "--dry-run").out.startswith("would harvest: 2 new")
    assert git(fresh.archive, "for-each-ref") + git(fresh.archive, "count-objects", "-v") == before


@pytest.mark.parametrize(
    ("arguments", "providers"),
    [
        (["--provider", "codex"], {"codex"}),
        (["--providers", "codex,claude-code"], {"codex", "claude-code"}),
        (["--exclude", "codex"], {"claude-code"}),
        (["--workspace", "/home/ana/nothing-here"], set()),
    ],
)
def test_only_what_was_asked_for(fresh: Program, home: Path, arguments: list[str], providers: set[str]) -> None:
    fresh("harvest", "run", "--home", str(home), *arguments)
    assert {one["provider"] for one in fresh("list", "sessions", "--json").json} == providers


def test_an_unknown_provider_is_a_usage_error(fresh: Program, home: Path) -> None:
    assert "'nobody'" in fresh("harvest", "run", "--home", str(home), "--provider", "nobody", expect=2).err


def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_harvested(fresh: Program, home: Path) -> None:
    # a folder in a session's place: there is no permission to take away from root
    broken = home / ".codex" / "sessions" / "2026" / "01" / "10"
    broken.mkdir(parents=True)
    (broken / "rollout-2026-01-10T10-12-00-019ba1d0-6c00-7a10-9c3e-2f8d41b7e999.jsonl").symlink_to(home / "gone")
    torn = home / ".claude" / "projects" / "-home-ana-shop" / "aaaaaaaa-2a51-4f0e-9c53-0f6f3a1d7b11.jsonl"
    torn.write_bytes(b'{"type":"user","message":{"content":"hi"},"uuid":"u"}\n\xff\xfe{\n')
    done = fresh("harvest", "run", "--home", str(home), "--json", expect=None).json
    assert done["new"] == 4
    assert any(problem["path"] == str(torn) and problem["line"] == 2 for problem in done["problems"])
    raw = fresh("export", "session", "aaaaaaaa", "--format", "native", "-o", str(home / "back")).code
    assert raw == 0 and (home / "back").read_bytes() == torn.read_bytes()


def test_a_session_that_grew_is_one_update(fresh: Program, home: Path) -> None:
    fresh("harvest", "run", "--home", str(home))
    path = next(home.rglob(f"{ID}.jsonl"))
    row = {"type": "user", "uuid": "new", "message": {"role": "user", "content": "one thing more"}}
    path.write_bytes(path.read_bytes() + json.dumps(row).encode() + b"\n")
    assert fresh("harvest", "run", "--home", str(home)).out.startswith("harvest: 1 updated (claude-code 1)\n  ~ ")
    assert "one thing more" in fresh("show", "session", ID).out
    assert "one thing more" not in fresh("show", "session", f"{ID}@HEAD~1").out


def test_a_dry_run_before_there_is_an_archive(chasm: Program, tmp_path: Path) -> None:
    folder = tmp_path / "home" / ".claude" / "projects" / "-p"
    folder.mkdir(parents=True)
    row = {"type": "user", "uuid": "u1", "message": {"role": "user", "content": "hello"}}
    (folder / "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11.jsonl").write_text(json.dumps(row) + "\n")
    place = tmp_path / "nowhere"
    said = chasm("-C", str(place), "--home", str(tmp_path / "home"), "harvest", "run", "--dry-run")
    assert said.out.startswith("would harvest: 1 new (claude-code 1)")
    assert not place.exists()
