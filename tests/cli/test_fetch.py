"""`chasm fetch`, `register` and `sync --push`: sessions back in their tools."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.calling import Program
from tests.conftest import git
from tests.providers.writing_case import files

LOGIN = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"
COUNT = "019ba1d0-6c00-7a10-9c3e-2f8d41b7e905"


@pytest.fixture
def lost(fresh: Program, home: Path) -> dict[str, bytes]:
    """What the home held; it is harvested, and gone."""
    held = files(home)
    fresh("harvest", "run", "--home", str(home))
    shutil.rmtree(home)
    home.mkdir()
    return held


def test_a_folder(fresh: Program, home: Path, lost: dict[str, bytes]) -> None:
    at = ("--home", str(home))
    assert "would be: 1 restored" in fresh("fetch", "path", "/home/ana/shop", "--dry-run", *at).out
    assert files(home) == {}
    called = fresh("fetch", "path", "/home/ana/shop", *at)
    assert called.out.startswith("1 restored\n  + claude-code  5f0c1f5e")
    assert files(home) == {name: data for name, data in lost.items() if name.startswith(".claude")}
    assert fresh("fetch", "path", "/home/ana/shop", *at).out == "1 same\n"
    assert "nothing new" in fresh("harvest", "run", *at).out


def test_a_folder_that_is_somewhere_else_now(
    fresh: Program, home: Path, lost: dict[str, bytes], tmp_path: Path
) -> None:
    to = tmp_path / "new shop"
    made = fresh("fetch", "path", "/home/ana", "--to", str(to), "--home", str(home), "--json").json
    (row,) = made["sessions"]
    assert (row["outcome"], row["folder"]) == ("restored", str(to / "shop"))
    slug = "".join(char if char.isalnum() else "-" for char in str(to / "shop"))
    assert f".claude/projects/{slug}/{LOGIN}.jsonl" in files(home)
    assert "nothing new" in fresh("harvest", "run", "--home", str(home)).out


def test_a_clone_of_the_same_repository(fresh: Program, home: Path, tmp_path: Path) -> None:
    rollout = next((home / ".codex").rglob("rollout-*.jsonl"))
    lines = rollout.read_bytes().split(b"\n")
    header = json.loads(lines[0])
    header["payload"]["git"] = {"branch": "main", "repository_url": "git@example.org:you/linecount.git"}
    rollout.write_bytes(b"\n".join([json.dumps(header, separators=(",", ":")).encode(), *lines[1:]]))
    data = rollout.read_bytes()
    at = ("--home", str(home))
    fresh("harvest", "run", *at)
    rollout.unlink()
    clone = tmp_path / "clone"
    clone.mkdir()
    git(clone, "init", "-q")
    git(clone, "remote", "add", "origin", "https://example.org/you/linecount")
    (row,) = fresh("fetch", "path", str(clone), *at, "--json").json["sessions"]
    assert (row["id"], row["outcome"], row["folder"]) == (COUNT, "restored", str(clone))
    assert rollout.read_bytes() == data


def test_a_workspace(fresh: Program, home: Path, lost: dict[str, bytes]) -> None:
    at = ("--home", str(home))
    assert fresh("fetch", "workspace", "linecount", *at).out.startswith("1 restored\n")
    assert files(home) == {name: data for name, data in lost.items() if name.startswith(".codex")}
    assert fresh("fetch", "workspace", "shop", "--provider", "codex", *at).out == "no session to write\n"


def test_single_sessions_and_something_newer(fresh: Program, home: Path, lost: dict[str, bytes]) -> None:
    at = ("--home", str(home))
    fresh("fetch", "session", LOGIN[:6], COUNT[:6], *at)
    assert files(home) == lost
    place = next((home / ".codex").rglob("rollout-*.jsonl"))
    whole = place.read_bytes()
    place.write_bytes(whole + b'{"timestamp":"2026-01-09T09:13:00.000Z","type":"event_msg","payload":{"type":"x"}}\n')
    newer = place.read_bytes()
    called = fresh("fetch", "session", COUNT, *at, expect=1)
    assert "(newer)" in called.out and "chasm harvest run" in called.out
    assert "1 of 1 sessions were not written" in called.err
    assert place.read_bytes() == newer
    (row,) = fresh("fetch", "session", COUNT, "--force", *at, "--json").json["sessions"]
    assert row["outcome"] == "completed" and place.read_bytes() == whole
    assert [Path(path).read_bytes() for path in row["kept"]] == [newer]


def test_a_session_of_a_tool_that_nothing_is_written_into(fresh: Program, home: Path, tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "fixtures" / "factory-droid" / "projects", home, dirs_exist_ok=True)
    at = ("--home", str(home))
    fresh("harvest", "run", *at)
    listed = fresh("list", "sessions", "--provider", "factory-droid", "--json").json
    called = fresh("fetch", "session", listed[0]["id"], *at, expect=1)
    assert "nothing can be written into 'factory-droid'" in called.out


def test_names_that_are_none(fresh: Program, home: Path, lost: dict[str, bytes]) -> None:
    assert fresh("fetch", "session", "ffff", expect=1).err.startswith("chasm: no session begins with")
    assert fresh("fetch", "path", "/x", "--provider", "nothing", expect=2).err.startswith(
        "chasm: no provider is called"
    )


def test_a_folder_nothing_was_held_in(fresh: Program, home: Path, lost: dict[str, bytes]) -> None:
    """The exit code tells it from a folder whose sessions are all there, or of tools that were not asked for."""
    at = ("--home", str(home))
    for command in (("fetch", "path", "/home/ana/shpo"), ("register", "all", "--path", "/home/ana/shpo")):
        called = fresh(*command, *at, expect=1)
        assert called.out == "" and "'/home/ana/shpo'; `chasm list workspaces` shows" in called.err
        assert fresh(*command, "--json", *at, expect=1).out == ""
    assert fresh("fetch", "path", "/home/ana/shop", "--provider", "codex", *at).out == "no session to write\n"
    assert files(home) == {}


def test_what_a_tool_lacks_is_pushed(fresh: Program, home: Path, tmp_path: Path) -> None:
    """Only where the session's folder is on this machine."""
    shop = tmp_path / "shop"
    shop.mkdir()
    place = next((home / ".claude").rglob(f"{LOGIN}.jsonl"))
    place.write_bytes(place.read_bytes().replace(b"/home/ana/shop", str(shop).encode()))
    whole = place.read_bytes()
    at = ("--home", str(home))
    assert fresh("sync", "--pull", *at).out.startswith("harvest: 3 new")
    place.write_bytes(whole[: len(whole) // 3])
    next((home / ".codex").rglob("rollout-*.jsonl")).unlink()
    called = fresh("sync", "--push", "--dry-run", *at)
    assert "would be: 1 " in called.out and "1 session passed over" in called.err
    both = fresh("sync", "--pull", "--push", *at, "--json").json
    assert [row["id"] for row in both["pushed"]["sessions"]] == [LOGIN]
    assert both["pushed"]["elsewhere"] == 1
    slug = "".join(char if char.isalnum() else "-" for char in str(shop))
    assert (home / ".claude" / "projects" / slug / f"{LOGIN}.jsonl").read_bytes() == whole
    assert fresh("sync", "--push", "--provider", "codex", *at).out == "no session to write\n"
    assert fresh("sync", "--push", "--workspace", "nowhere", *at).out == "no session to write\n"


def test_push_and_pull_are_not_about_remotes(fresh: Program, home: Path) -> None:
    assert "chasm git push" in fresh("sync", "origin", "--push", expect=2).err
    assert "go with --pull or --push" in fresh("sync", "--workspace", "x", expect=2).err


def test_what_is_there_is_registered(fresh: Program, home: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "fixtures" / "continue" / "shared", home, dirs_exist_ok=True)
    at = ("--home", str(home))
    fresh("harvest", "run", *at)
    index = home / ".continue" / "sessions" / "sessions.json"
    index.unlink()
    listed = fresh("list", "sessions", "--provider", "continue", "--json").json
    one, *others = [session["id"] for session in listed]
    assert fresh("register", "session", one, "--dry-run", *at).out.startswith("would be: 1 registered")
    assert not index.exists()
    before = files(home)
    fresh("register", "session", one, *at)
    assert [entry["sessionId"] for entry in json.loads(index.read_bytes())] == [one]
    assert {name: data for name, data in files(home).items() if name in before} == before
    folder = next(session["workspace"] for session in listed if session["workspace"])
    rows = fresh("register", "all", "--path", folder, *at, "--json").json["sessions"]
    assert {row["outcome"] for row in rows} <= {"registered", "same"}
    gone = home / ".continue" / "sessions" / f"{others[0]}.json"
    gone.unlink()
    called = fresh("register", "session", others[0], *at, expect=1)
    assert "chasm fetch" in called.out and not gone.exists()


def test_what_the_disk_refuses_is_not_said_to_be_done(fresh: Program, home: Path, lost: dict[str, bytes]) -> None:
    """Everything was planned; the store cannot be written to."""
    (home / ".claude").write_text("a file where the store belongs")
    before = files(home)
    at = ("--home", str(home))
    called = fresh("fetch", "session", LOGIN, COUNT, *at, "--json", expect=1)
    bad, good = called.json["sessions"]
    assert (bad["outcome"], bad["command"], bad["files"]) == ("failed", None, []) and ".claude" in bad["reason"]
    assert good["outcome"] == "restored"
    assert files(home) == before | {name: data for name, data in lost.items() if name.startswith(".codex")}
    called = fresh("resume", LOGIN, *at, "--path", str(home), expect=1)
    assert called.out == "" and "cannot be gone on with in claude-code" in called.err
