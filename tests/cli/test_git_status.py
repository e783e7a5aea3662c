"""`chasm git status`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chasm_git.session.codec import dumps
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import Keep, git


def record(number: int) -> str:
    return json.dumps(
        {
            "type": "user",
            "uuid": f"u{number}",
            "parentUuid": f"u{number - 1}" if number else None,
            "sessionId": "aaaa-1",
            "timestamp": f"2026-01-08T12:00:0{number}.000Z",
            "cwd": "/home/ana/shop",
            "message": {"role": "user", "content": f"question {number}"},
        }
    )


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    path = tmp_path / "home" / ".claude" / "projects" / "-home-ana-shop" / "aaaa-1.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(record(0) + "\n" + record(1) + "\n")
    return path


def test_nothing_to_say(chasm: Program) -> None:
    called = chasm("git", "status")
    assert called.out == f"{chasm.archive}: 1 sessions\nevery session is in order\n"
    assert "5f0c1f5e-2a51" in chasm("git", "status", "--all").out


def test_providers_against_the_archive(chasm: Program, transcript: Path, tmp_path: Path) -> None:
    home = ("--home", str(tmp_path / "home"))
    assert "claude-code    1" in " ".join(chasm(*home, "git", "status").out.split("\n")).replace("          ", " ")
    chasm(*home, "harvest", "run")
    assert "every session is in order" in chasm(*home, "git", "status").out
    transcript.write_text(transcript.read_text() + record(2) + "\n")
    states = {one["id"]: one["source"] for one in chasm(*home, "git", "status", "--json").json["sessions"]}
    assert states["aaaa-1"] == "changed"
    transcript.write_text(record(0) + "\n")
    called = chasm(*home, "git", "status")
    (row,) = (line for line in called.out.splitlines() if line.startswith("aaaa-1"))
    assert "shrunk" in row and "question 0" in row
    found = chasm(*home, "git", "status", "--json").json
    assert [one["shrunk"] for one in found["providers"] if one["provider"] == "claude-code"] == [1]


def test_the_worktree_against_the_commit(chasm: Program, keep: Keep, example: Session) -> None:
    keep([Session(name, "codex", messages=[Message("m", "user", content="hi")]) for name in ("gone", "same")])
    (path,) = chasm.archive.rglob("5f0c*.yaml")
    path.write_bytes(path.read_bytes().replace(b"redirect twice", b"redirect"))
    next(chasm.archive.rglob("gone.yaml")).unlink()
    new = chasm.archive / "sessions/codex/undated/typed.yaml"
    new.write_bytes(dumps(Session("typed", "codex")))
    (chasm.archive / "notes.txt").write_text("mine")
    git(chasm.archive, "add", "notes.txt")
    found = chasm("git", "status", "--json").json
    assert {one["id"]: one["worktree"] for one in found["sessions"]} == {
        example.id: "modified",
        "gone": "deleted",
        "same": None,
        "typed": "new",
    }
    assert found["other_files"] == [{"path": "notes.txt", "state": "new", "staged": True}]
    said = chasm("git", "status").out
    assert "new (staged): notes.txt" in said and "same" not in said


def test_a_conflict_in_the_worktree(chasm: Program, example: Session) -> None:
    (path,) = chasm.archive.rglob("5f0c*.yaml")
    data = path.read_bytes()
    git(chasm.archive, "checkout", "-q", "-b", "other")
    path.write_bytes(data.replace(b"redirect twice", b"do that"))
    git(chasm.archive, "commit", "-qam", "there")
    git(chasm.archive, "checkout", "-q", "main")
    path.write_bytes(data.replace(b"redirect twice", b"do this"))
    git(chasm.archive, "commit", "-qam", "here")
    with pytest.raises(AssertionError):
        git(chasm.archive, "merge", "-q", "other")
    found = chasm("git", "status", "--json").json
    assert [one["worktree"] for one in found["sessions"]] == ["conflict"]


def test_the_archive_against_its_remote(chasm: Program, keep: Keep, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(chasm.archive), "remote.git")
    git(chasm.archive, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(chasm.archive, "fetch", "-q", "origin")
    keep([Session("new", "codex", messages=[Message("m", "user", content="hi")])])
    found = chasm("git", "status", "--json").json
    assert [(one["name"], one["ahead"], one["behind"]) for one in found["remotes"]] == [("origin/main", 1, 0)]
    assert {one["id"]: one["sync_state"] for one in found["sessions"]}["new"] == "unsynced"
    assert (found["pending_uploads"], found["pending_downloads"], found["conflicts"]) == (1, 0, 0)
    assert (found["remotes"][0]["mode"], found["remotes"][0]["last_sync"]) == ("offline", None)
    said = chasm("git", "status").out
    assert "origin/main: 1 commits to push, 0 to pull; offline, never synced" in said
    assert "1 sessions to send, 0 to fetch (chasm sync)" in said
    chasm("sync")
    found = chasm("git", "status", "--json").json
    assert found["remotes"][0]["mode"] == "online" and found["remotes"][0]["last_sync"].endswith("Z")
    assert found["pending_uploads"] == 0 and {one["sync_state"] for one in found["sessions"]} == {"synced"}
    assert "to send" not in chasm("git", "status").out


def test_decisions_that_wait(chasm: Program, keep: Keep, example: Session) -> None:
    example.messages[0].variants = [{"role": "user", "content": "another wording"}]
    keep([example])
    found = chasm("git", "status", "--json").json
    assert found["conflicts"] == 1 and [one["sync_state"] for one in found["sessions"]] == ["conflict"]
    assert "decisions wait in 1 sessions (chasm conflicts)" in chasm("git", "status").out


def test_another_branch_in_the_worktree(chasm: Program) -> None:
    git(chasm.archive, "checkout", "-q", "-b", "other")
    (chasm.archive / "chasm.yaml").write_text("changed: true\n")
    git(chasm.archive, "config", "chasm.branch", "refs/heads/main")
    found = chasm("git", "status", "--json").json
    assert (found["worktree_shows_another_branch"], found["other_files"]) == (True, [])
    assert "shows another branch" in chasm("git", "status").out


def test_looking_changes_nothing(chasm: Program, transcript: Path, tmp_path: Path) -> None:
    def everything() -> dict[Path, tuple[int, int]]:
        found = (path for path in tmp_path.rglob("*") if path.is_file())
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in found}

    chasm("git", "status")
    before = everything()
    chasm("--home", str(tmp_path / "home"), "git", "status")
    assert everything() == before
