"""`chasm git diff`."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path

import pytest

from chasm_git.session.codec import dumps
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program, on_a_terminal
from tests.conftest import Keep, git


@pytest.fixture
def later(example: Session) -> Session:
    made = deepcopy(example)
    made.title = "Another title"
    made.messages.append(Message("m9", "user", "2026-01-08T12:01:00.000Z", "Thanks\x1b[31m"))
    return made


@pytest.fixture
def second() -> Session:
    return Session("s2", "codex", messages=[Message("m", "user", content="hi")])


def ids(chasm: Program, *arguments: str) -> list[str]:
    return [one["id"][:4] for one in chasm("git", "diff", "--json", *arguments).json["sessions"]]


def test_the_worktree_against_the_commit(chasm: Program, later: Session) -> None:
    assert chasm("git", "diff").err == "no session differs between the latest commit and the worktree\n"
    (path,) = chasm.archive.rglob("5f0c*.yaml")
    path.write_bytes(dumps(later))
    shown = chasm("git", "diff").out
    assert "-# Fix the login redirect\n+# Another title\n" in shown
    assert "+Thanks␛[31m\n" in shown and "\x1b" not in shown
    assert re.search(r"(?m)^@@ .* @@ ?.*assistant", shown)


def test_text_stat_and_json_agree(chasm: Program, keep: Keep, later: Session, second: Session) -> None:
    keep([later, second])
    found = chasm("git", "diff", "HEAD~1", "HEAD", "--json").json
    assert (found["old"], found["new"]) == ("HEAD~1", "HEAD")
    one, other = found["sessions"]
    assert (one["kind"], one["fields"]) == (
        "updated",
        [{"field": "title", "old": "Fix the login redirect", "new": "Another title"}],
    )
    assert [(line["id"], line["text"]) for line in one["added"]] == [("m9", "Thanks\x1b[31m")]
    assert (other["id"], other["kind"], other["changed"], other["removed"]) == ("s2", "added", [], [])
    rows = [re.split(" {2,}", line) for line in chasm("git", "diff", "HEAD~1", "HEAD", "--stat").out.splitlines()]
    assert rows[1:] == [
        [later.id, "claude-code", "updated", "+1", "~0", "-0", "title"],
        ["s2", "codex", "added", "+1", "~0", "-0"],
    ]
    text = chasm("git", "diff", "HEAD~1..HEAD").out
    assert text.count("diff --git a/sessions/") == 2


def test_revisions_and_sessions_in_any_form(chasm: Program, keep: Keep, later: Session, second: Session) -> None:
    chasm("git", "snapshot", "before")
    keep([later])
    keep([second])
    assert ids(chasm, "before") == ["5f0c", "s2"]
    assert ids(chasm, "before", "HEAD~1") == ["5f0c"]
    assert ids(chasm, "before..HEAD~1") == ["5f0c"]
    assert ids(chasm, "before..") == ["5f0c", "s2"]
    assert ids(chasm, "HEAD~1") == ["s2"]
    assert ids(chasm, "before", "s2") == ["s2"]
    assert ids(chasm, "before", "HEAD", "5f0c") == ["5f0c"]
    assert ids(chasm, "5f0c@before") == ["5f0c"]
    assert ids(chasm, "5f0c@{1}") == []
    assert ids(chasm, "s2") == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nothing"], 1),
        (["HEAD", "nothing"], 1),
        (["HEAD", "HEAD", "HEAD", "HEAD"], 1),
        (["5f0c", "5f0c"], 2),
        (["HEAD..nothing"], 1),
        (["--", "--help"], 1),
        (["--", "-p"], 1),
        (["x" * 10_000], 1),
        (["--output=/tmp/x"], 2),
        ([""], 1),
    ],
)
def test_what_cannot_be_compared(chasm: Program, arguments: list[str], code: int) -> None:
    called = chasm("git", "diff", *arguments, expect=code)
    assert called.out == "" and called.err.startswith("chasm: ")
    assert "Traceback" not in called.err and len(called.err) < 400


def test_a_session_that_is_gone(chasm: Program, keep: Keep, second: Session) -> None:
    keep([second])
    git(chasm.archive, "rm", "-q", "-r", "sessions/codex")
    git(chasm.archive, "commit", "-q", "-m", "gone")
    (found,) = chasm("git", "diff", "HEAD~1", "s2", "--json").json["sessions"]
    assert (found["kind"], len(found["removed"])) == ("removed", 1)


def test_without_a_worktree_revisions_are_needed(
    chasm: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(chasm.archive), "bare.git")
    bare = Program(tmp_path / "bare.git", capsys)
    assert "name one or two revisions" in bare("git", "diff", expect=2).err
    assert [one["kind"] for one in bare("git", "diff", "HEAD~1", "--json").json["sessions"]] == ["added"]
    assert "+Why does the login page redirect twice?" in bare("git", "diff", "HEAD~1").out


def test_lines_around(chasm: Program, keep: Keep, later: Session) -> None:
    keep([later])
    assert "\n It redirects" in chasm("git", "diff", "HEAD~1").out
    assert "\n It redirects" not in chasm("git", "diff", "HEAD~1", "-U0").out


def test_colour_on_a_terminal(chasm: Program, keep: Keep, later: Session) -> None:
    keep([later])
    shown = on_a_terminal("-C", str(chasm.archive), "git", "diff", "HEAD~1")
    assert "\x1b[32m+Thanks␛[31m\x1b[0m" in shown


def test_links_in_the_worktree_are_not_followed(chasm: Program, example: Session, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n")
    (path,) = chasm.archive.rglob("5f0c*.yaml")
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    called = chasm("git", "diff")
    assert "secret" not in called.out and "deleted file" in called.out
