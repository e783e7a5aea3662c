"""`chasm sync` and its kin, through the program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chasm_git.session import codec
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import Keep, git


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    place = tmp_path / "backup.git"
    subprocess.run(["git", "init", "-q", "--bare", str(place)], check=True)
    return place


def test_a_remote_is_named_listed_and_taken_away(chasm: Program, keep: Keep, example: Session, remote: Path) -> None:
    keep([example])
    assert "origin" in chasm("git", "remote", "add", "origin", str(remote)).out
    assert [one["name"] for one in chasm("git", "remote", "list", "--json").json] == ["origin"]
    chasm("git", "remote", "remove", "origin")
    assert chasm("git", "remote", "list", "--json").json == []


def test_sync_sends_and_says_where_every_session_stands(
    chasm: Program, keep: Keep, example: Session, remote: Path
) -> None:
    archive = keep([example])
    chasm("git", "remote", "add", "origin", str(remote))
    assert chasm("sync", "--dry-run").code == 0
    assert git(remote, "for-each-ref", "refs/heads") == ""
    assert chasm("sync").code == 0
    assert git(remote, "rev-parse", "main") == git(archive, "rev-parse", "main")
    found = chasm("sync", "status", "--json").json
    assert (found["mode"], found["fully_synced"], found["pending_uploads"]) == ("online", True, 0)
    assert [(one["id"], one["state"]) for one in found["sessions"]] == [(example.id, "synced")]
    said = chasm("sync", "status").out
    assert "online, last sync 2" in said and "0 sessions to send, 0 to fetch, 0 in conflict" in said
    example.messages.append(Message("late", "user", "2026-01-09T12:00:00.000Z", "more", after=example.messages[-1].id))
    keep([example])
    assert chasm("git", "push").code == 0
    assert git(remote, "rev-parse", "main") == git(archive, "rev-parse", "main")
    assert chasm("git", "pull").code == 0


def test_offline_is_said_and_changes_nothing(chasm: Program, keep: Keep, example: Session, tmp_path: Path) -> None:
    archive = keep([example])
    chasm("git", "remote", "add", "origin", str(tmp_path / "gone.git"))
    before = git(archive, "rev-parse", "HEAD")
    failed = chasm("sync", expect=1)
    assert failed.err.startswith("chasm: ")
    assert git(archive, "rev-parse", "HEAD") == before


def test_a_bundle_can_be_cloned(chasm: Program, keep: Keep, example: Session, tmp_path: Path) -> None:
    keep([example])
    chasm("git", "bundle", str(tmp_path / "all.bundle"))
    subprocess.run(["git", "clone", "-q", str(tmp_path / "all.bundle"), str(tmp_path / "copy")], check=True)
    assert list((tmp_path / "copy" / "sessions").rglob("*.yaml"))


def test_what_waits_for_a_decision(chasm: Program, keep: Keep, example: Session) -> None:
    keep([example])
    assert chasm("conflicts", "--json").json == []
    example.messages[0].variants = [{"role": "user", "content": "another wording"}]
    assert codec.is_canonical(codec.dumps(example))
    keep([example])
    assert len(chasm("conflicts", "--json", expect=3).json) == 1
