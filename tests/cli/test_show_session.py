"""`chasm show session`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chasm_git.session import attachments, codec
from chasm_git.session.model import Message, Session
from chasm_git.session.universal import universal
from tests.cli.calling import Program, on_a_terminal
from tests.conftest import Keep, git
from tests.session.test_conversation import TEXT

ID = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"


def test_as_a_conversation_by_any_beginning_of_its_id(chasm: Program) -> None:
    for name in (ID, "5f0c1f5e", "5", "claude-code/5f0c"):
        assert chasm("show", "session", name).out == TEXT


def test_what_came_of_it_is_named(chasm: Program, keep: Keep, example: Session) -> None:
    made = [
        Session("agent-1", "codex", "Look at the tests", parent=ID),
        Session("fork-1", "codex", "Another way", forked_from=ID),
        Session("fork-2", "codex", "Gone", forked_from=ID, extra={"deleted": True}),
        Session("other", "codex", f"About {ID}", forked_from="fork-1"),
    ]
    keep(made)
    for _ in range(2):  # read first, kept then
        shown = chasm("show", "session", ID).out
        assert "sub-agent: agent-1  Look at the tests\nfork: fork-1  Another way\n\n" in shown
    assert "forked from: fork-1" in chasm("show", "session", "other").out
    made[1].forked_from = None
    keep(made[:2])
    assert "fork:" not in chasm("show", "session", ID).out
    assert "fork: other" in chasm("show", "session", "fork-1").out


def test_json_is_the_universal_form(chasm: Program, example: Session) -> None:
    assert chasm("show", "session", ID, "--json").json == universal(example)


def test_raw_is_the_file(chasm: Program, example: Session) -> None:
    assert chasm("show", "session", "5f0c", "--raw").out == codec.dumps(example).decode()


def test_at_a_revision_and_a_snapshot(chasm: Program, keep: Keep, example: Session) -> None:
    git(chasm.archive, "tag", "before")
    example.messages.append(Message("z", "user", "2026-01-09T00:00:00.000Z", "Thanks", example.messages[-1].id))
    keep([example])
    assert len(chasm("show", "session", ID, "--json").json["messages"]) == 4
    for revision in ("HEAD~1", "before"):
        assert chasm("show", "session", f"5f0c@{revision}").out == TEXT
    assert "nowhere" in chasm("show", "session", "5f0c@nowhere", expect=1).err


def test_an_unknown_and_an_ambiguous_id(chasm: Program, keep: Keep) -> None:
    assert "chasm list sessions" in chasm("show", "session", "zzz", expect=1).err
    keep([Session("5f0c2222", "codex")])
    said = chasm("show", "session", "5f0c", expect=1).err
    assert ID in said and "5f0c2222" in said


def test_long_results_fold_unless_asked(chasm: Program, keep: Keep, example: Session) -> None:
    stored: dict[str, bytes] = {}
    lines = "\n".join(f"line {n}" for n in range(40))
    large = attachments.store_text("start of it\n" + "y" * 70_000 + "\nend of it", stored)
    example.messages[3].content = [{"type": "tool_result", "id": "toolu_01", "content": lines}]
    example.messages[0].content = [{"type": "text", "text": large}]
    keep([example], stored)
    short = chasm("show", "session", ID).out
    assert "    line 11\n    [28 more lines]\n" in short
    assert "bytes in attachment" in short and "end of it" not in short
    full = chasm("show", "session", ID, "--full").out
    assert "    line 39\n" in full and "end of it" in full and "more lines" not in full


def test_times_are_local_for_people_and_utc_in_json(chasm: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert "## user  2026-01-08 21:00:00  63ae57ca" in chasm("show", "session", ID).out
        assert chasm("show", "session", ID, "--json").json["created_at"] == "2026-01-08T12:00:00.000Z"
    finally:
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()


def test_a_terminal_gets_colour_and_nothing_that_drives_it(chasm: Program, keep: Keep, example: Session) -> None:
    example.messages[0].content = "\x1b]0;owned\x07\x1b[2J\x9b31m \u202e"
    keep([example])
    printed = on_a_terminal("-C", str(chasm.archive), "show", "session", ID)
    assert "\x1b[36m\x1b[1m## assistant" in printed
    assert "␛]0;owned␇␛[2J\\u009b31m \\u202e" in printed
    assert all(re.fullmatch(r"\x1b\[\d+m", sequence) for sequence in re.findall(r"\x1b[^m]*m?", printed))
    assert "\x1b" not in on_a_terminal("-C", str(chasm.archive), "show", "session", ID, NO_COLOR="1")
    assert "\x9b" not in on_a_terminal("-C", str(chasm.archive), "show", "session", ID, "--json")


def test_what_is_longer_than_the_screen_goes_through_the_pager(chasm: Program) -> None:
    def shown(lines: str) -> list[str]:
        variables = {"PAGER": "sed s/^/P/", "LINES": lines, "NO_COLOR": "1"}
        return on_a_terminal("-C", str(chasm.archive), "show", "session", ID, **variables).splitlines()

    assert shown("10")[0] == "P# Fix the login redirect"
    assert shown("90")[0] == "# Fix the login redirect"


def test_a_file_that_cannot_be_read_can_still_be_shown_raw(chasm: Program, keep: Keep) -> None:
    keep(files={"sessions/codex/2026/01/torn.yaml": b"chasm: 1\nid: [\n\x1b[2J"})
    said = chasm("show", "session", "torn", expect=1).err
    assert said.startswith("chasm: sessions/codex/2026/01/torn.yaml: ") and said.count("\n") == 1
    assert chasm("show", "session", "torn", "--raw").out == "chasm: 1\nid: [\n\x1b[2J"
    assert "\x1b[2J" not in on_a_terminal("-C", str(chasm.archive), "show", "session", "torn", "--raw")


def test_a_bare_archive(chasm: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(chasm.archive), str(tmp_path / "bare.git"))
    assert Program(tmp_path / "bare.git", capsys)("show", "session", "5f0c").out == TEXT
