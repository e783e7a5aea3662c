"""`chasm git rewind`."""

from __future__ import annotations

from chasm_git.session.model import Session
from tests.cli.calling import Program
from tests.conftest import Keep, git


def test_the_whole_archive_and_the_way_back(chasm: Program, keep: Keep) -> None:
    chasm("git", "snapshot", "good")
    keep([Session(f"s{number}", "codex") for number in range(30)], files={"notes.txt": b"mine\n"})
    called = chasm("git", "rewind", "good")
    assert [one["id"][:4] for one in chasm("list", "sessions", "--json").json] == ["5f0c"]
    assert "… and 10 more sessions" in called.out and "~ notes.txt" in called.out
    assert git(chasm.archive, "rev-parse", "HEAD^{tree}") == git(chasm.archive, "rev-parse", "good^{tree}")
    chasm(*called.err.strip().partition("to undo it: chasm ")[2].split())
    assert len(chasm("list", "sessions", "--json").json) == 31
    assert (chasm.archive / "notes.txt").read_text() == "mine\n"
    assert git(chasm.archive, "status", "--porcelain") == ""
    git(chasm.archive, "fsck", "--strict")


def test_a_dry_run_and_nothing_to_do(chasm: Program, keep: Keep) -> None:
    keep([Session("s1", "codex")])
    before = git(chasm.archive, "rev-parse", "HEAD")
    made = chasm("git", "rewind", "HEAD~1", "--dry-run", "--json").json
    assert (made["commit"], made["dry_run"], made["changes"][0]["kind"]) == (None, True, "removed")
    assert chasm("git", "rewind", "HEAD").out == "nothing to do: it is so already\n"
    assert git(chasm.archive, "rev-parse", "HEAD") == before


def test_what_is_no_state_of_the_archive(chasm: Program) -> None:
    for name in ("nothing", "../x", "--help", "x" * 5000, "HEAD~99", ""):
        called = chasm("git", "rewind", "--", name, expect=1)
        assert called.out == "" and len(called.err) < 300
