"""The forms that people know by heart: each works as it is written, and does what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calling import Program

LOGIN = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"
COUNT = "019ba1d0-6c00-7a10-9c3e-2f8d41b7e905"


@pytest.fixture
def kept(fresh: Program, home: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """An archive of what the home holds; the home is this program's."""
    monkeypatch.setenv("HOME", str(home))
    fresh("harvest", "run")
    return fresh


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fetch path /home/ana/shop", "1 same"),
        ("fetch workspace sho", "1 same"),
        ("fetch workspace */shop", "1 same"),
        (f"fetch session {LOGIN}", "1 same"),
        ("register all --path /home/ana/shop", "1 same"),
        ("register all --path /home/ana/shop --force", "1 same"),
        ("list workspaces", "/home/ana/shop"),
        ("list sessions", LOGIN),
        ("list sessions --project-path /home/ana/shop", LOGIN),
        ("show session 5f0c", "# Fix the login redirect"),
        ("find session redirect", LOGIN),
        ("find workspace sho", "/home/ana/shop"),
        ("merge path /home/ana/shop", "merged 2 sessions"),
        ("merge workspace shop", "merged 2 sessions"),
        ("merge workspace */sh?p", "merged 2 sessions"),
        (f"merge sessions {LOGIN} {COUNT}", "merged 2 sessions"),
        ("merge all", "merged 3 sessions"),
        ("sync --pull", "nothing new"),
        ("sync --pull --workspace shop", "nothing new"),
        ("sync --push", "no session to write"),
        ("sync --pull --push", "nothing new"),
        ("harvest scan", "claude-code"),
        ("harvest run --providers claude-code,codex", "nothing new"),
        ("harvest status", "every session is in order"),
        ("harvest list", LOGIN),
        ("harvest search redirect", LOGIN),
        ("harvest sync --pull", "nothing new"),
        ("harvest sync --push", "no session to write"),
        ("harvest sync --pull --push", "nothing new"),
        ("git init", "there is an archive"),
        ("git add --all", "nothing new"),
        ("git add 5f0c", "nothing new"),
        ("git status", "every session is in order"),
        ("git log", "harvest: 3 new"),
        ("git snapshot", "3 sessions"),
        ("git snapshot named", "snapshot named: 3 sessions"),
        ("provider list", "claude-code"),
    ],
)
def test_a_form(kept: Program, line: str, said: str) -> None:
    assert said in kept(*line.split()).out


def test_out_and_in_again(kept: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [tmp_path / name for name in ("by path", "by workspace", "by several")]
    kept("export", "path", str(folders[0]), "/home/ana/shop")
    kept("export", "workspace", str(folders[1]), "shop")
    kept("export", "batch", str(folders[2]), "/home/ana/shop", "/home/you")
    counts = [sum(path.suffix == ".md" for path in folder.rglob("*")) for folder in folders]
    assert counts == [2, 2, 3]
    other = Program(tmp_path / "other", capsys)
    assert "2 new" in other("import", "path", str(folders[0]), "/home/ana/new").out
    assert {one["workspace"] for one in other("list", "sessions", "--json").json} == {"/home/ana/new"}


def test_harvest_sync_is_sync(kept: Program) -> None:
    assert "the archive has no remote yet" in kept("harvest", "sync", expect=1).err


def test_only_a_workspace_is_pulled_named_by_a_part_of_it(
    fresh: Program, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home))
    fresh("sync", "--pull", "--workspace", "sho")
    assert {one["workspace"] for one in fresh("list", "sessions", "--json").json} == {"/home/ana/shop"}
    fresh("sync", "--pull", "--workspace", "*/line*")
    assert len(fresh("list", "sessions", "--json").json) == 3


def test_git_add_of_the_beginning_of_an_id(kept: Program, home: Path) -> None:
    (file,) = home.rglob(f"{LOGIN}.jsonl")
    line = json.loads(next(line for line in reversed(file.read_text().splitlines()) if '"uuid"' in line))
    line |= {"uuid": "eeeeeeee-1111-4111-8111-111111111111", "parentUuid": line["uuid"]}
    with file.open("a") as more:
        more.write(json.dumps(line) + "\n")
    assert f"~ claude-code  {LOGIN}" in kept("git", "add", "5f0c").out
