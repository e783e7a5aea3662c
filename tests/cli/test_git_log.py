"""`chasm git log`."""

from __future__ import annotations

from copy import deepcopy

from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import Keep, git


def test_commits_in_terms_of_sessions(chasm: Program, keep: Keep, example: Session) -> None:
    grown = deepcopy(example)
    grown.messages.append(Message("m9", "user", "2026-01-08T12:01:00.000Z", "Thanks"))
    keep([grown, Session("s2", "codex", title="Second \x1b[31m")], message="more\n\nand why")
    called = chasm("git", "log")
    lines = called.out.splitlines()
    head = git(chasm.archive, "rev-parse", "HEAD").strip()
    assert lines[0].startswith(f"commit {head[:12]}  ") and lines[0].endswith("  Ana")
    assert lines[1:4] == [
        "  more",
        f"    ~ claude-code  {example.id}  Fix the login redirect  (+1 messages)",
        "    + codex  s2  Second ␛[31m  (0 messages)",
    ]
    first = chasm("git", "log", "--json").json[0]
    assert (first["commit"], first["author"], first["subject"], first["message"]) == (
        head,
        "Ana",
        "more",
        "more\n\nand why",
    )
    assert first["sessions"] == [
        {
            "id": example.id,
            "provider": "claude-code",
            "title": "Fix the login redirect",
            "change": "updated",
            "messages": 4,
            "added": 1,
        },
        {"id": "s2", "provider": "codex", "title": "Second \x1b[31m", "change": "added", "messages": 0, "added": 0},
    ]


def test_of_one_session(chasm: Program, keep: Keep, example: Session) -> None:
    keep([Session("s2", "codex")], message="other")
    grown = deepcopy(example)
    grown.title = "Another"
    keep([grown], message="titled")
    assert [one["subject"] for one in chasm("git", "log", "5f0c", "--json").json] == ["titled", "kept"]
    assert [one["subject"] for one in chasm("git", "log", "5f0c@HEAD~1", "--json").json] == ["kept"]


def test_at_most(chasm: Program, keep: Keep) -> None:
    for number in range(25):
        keep(message=f"empty {number}")
    assert len(chasm("git", "log", "--json").json) == 20
    assert len(chasm("git", "log", "--json", "-n", "3").json) == 3
    assert len(chasm("git", "log", "--json", "-n", "0").json) == 27
    assert chasm("git", "log", "-n", "-1", expect=2).out == ""


def test_long_commits_are_cut_for_people_only(chasm: Program, keep: Keep) -> None:
    keep([Session(f"s{number}", "codex") for number in range(14)])
    assert "    … and 4 more" in chasm("git", "log", "-n", "1").out.splitlines()
    assert len(chasm("git", "log", "-n", "1", "--json").json[0]["sessions"]) == 14


def test_what_names_no_session(chasm: Program) -> None:
    for name in ("none", "--", "x" * 10_000, "../x"):
        called = chasm("git", "log", "--", name, expect=1)
        assert called.out == "" and called.err.count("\n") == 1
