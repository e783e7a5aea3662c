"""`chasm git restore`."""

from __future__ import annotations

from copy import deepcopy

import pytest

from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import Keep, git


@pytest.fixture
def later(example: Session, keep: Keep, chasm: Program) -> Session:
    """The example one commit later."""
    made = deepcopy(example)
    made.messages.append(Message("m9", "user", "2026-01-08T12:01:00.000Z", "Thanks"))
    keep([made])
    return made


def messages(chasm: Program) -> int:
    (found,) = chasm("list", "sessions", "--json").json
    return int(found["messages"])


def test_one_session_and_the_way_back(chasm: Program, later: Session) -> None:
    called = chasm("git", "restore", "5f0c@HEAD~1")
    assert messages(chasm) == 3
    assert "put back as of" in called.out and "~ sessions/claude-code/2026/01/5f0c1f5e" in called.out
    undo = called.err.strip().partition("to undo it: chasm ")[2].split()
    chasm(*undo)
    assert messages(chasm) == 4
    assert git(chasm.archive, "status", "--porcelain") == ""
    git(chasm.archive, "fsck", "--strict")


def test_one_that_is_gone_and_the_way_back(chasm: Program, later: Session) -> None:
    git(chasm.archive, "rm", "-q", "-r", "sessions")
    git(chasm.archive, "commit", "-q", "-m", "gone")
    called = chasm("git", "restore", "5f0c@HEAD~1")
    assert messages(chasm) == 4
    chasm(*called.err.strip().partition("to undo it: chasm ")[2].split())
    assert chasm("list", "sessions", "--json").json == []


def test_json(chasm: Program, later: Session, example: Session) -> None:
    before = git(chasm.archive, "rev-parse", "HEAD").strip()
    made = chasm("git", "restore", f"{example.id}@HEAD~1", "--json").json
    assert made["commit"] == git(chasm.archive, "rev-parse", "HEAD").strip()
    assert made["source"] == git(chasm.archive, "rev-parse", "HEAD~2").strip()
    assert (made["undo"], made["dry_run"]) == (before, False)
    assert made["undo_command"] == f"chasm git restore {example.id}@{before[:12]}"
    assert [change["kind"] for change in made["changes"]] == ["updated"]


def test_a_dry_run(chasm: Program, later: Session) -> None:
    before = git(chasm.archive, "rev-parse", "HEAD")
    called = chasm("git", "restore", "5f0c@HEAD~1", "--dry-run")
    assert called.out.startswith("would put back") and called.err == ""
    assert git(chasm.archive, "rev-parse", "HEAD") == before


def test_nothing_to_do(chasm: Program, keep: Keep) -> None:
    keep(message="empty")
    assert chasm("git", "restore", "5f0c@HEAD~1").out == "nothing to do: it is so already\n"


@pytest.mark.parametrize(
    ("name", "code"), [("5f0c", 2), ("5f0c@", 1), ("none@HEAD~1", 1), ("5f0c@--help", 1), ("--", 1), ("@", 1), ("", 1)]
)
def test_what_names_nothing(chasm: Program, later: Session, name: str, code: int) -> None:
    called = chasm("git", "restore", "--", name, expect=code)
    assert called.out == "" and called.err.startswith("chasm: ")


def test_edits_in_the_worktree_are_kept_and_said_so(chasm: Program, later: Session) -> None:
    (path,) = chasm.archive.rglob("5f0c*.yaml")
    path.write_text("mine\n")
    called = chasm("git", "restore", "5f0c@HEAD~1")
    assert "left as you have it" in called.err
    assert path.read_text() == "mine\n"
