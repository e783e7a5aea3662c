"""`chasm resolve` and `chasm conflicts`, through the program."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from chasm_git.api import open_archive
from chasm_git.session import codec
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program, on_a_terminal
from tests.conftest import Keep, git

FIRST = "63ae57ca-65fd-41f5-8d8e-d16780ef71d5"
MINE, ITS = "Why does it redirect twice here?", "Why does it redirect two times there?"


class Pair:
    """Two machines with one remote: the other one has pushed its edit, this one merges it."""

    def __init__(self, folder: Path, chasm: Program, example: Session) -> None:
        self.here, self.there = chasm.archive, folder / "other"
        self.chasm, self.session = chasm, example
        self.hub = folder / "hub.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.hub)], check=True)
        chasm("git", "remote", "add", "origin", str(self.hub))
        chasm("sync")
        subprocess.run(["git", "clone", "-q", str(self.hub), str(self.there)], check=True)

    def edit(self, place: Path, text: str, title: str | None = None, late: str | None = None) -> None:
        edited = deepcopy(self.session)
        edited.messages[0].content = text
        edited.title = title or edited.title
        if late is not None:
            above = edited.messages[-1].id
            edited.messages.append(Message("late", "user", "2026-01-09T12:00:00.000Z", late, after=above))
        (path,) = place.glob("sessions/*/*/*/*.yaml")
        path.write_bytes(codec.dumps(edited))
        git(place, "add", "-A")
        git(place, "commit", "-q", "-m", "edited")

    def meet(self, **differences: tuple[str, str]) -> None:
        ours, theirs = ({name: pair[side] for name, pair in differences.items()} for side in (0, 1))
        self.edit(self.here, ours.pop("text", MINE), **ours)
        self.edit(self.there, theirs.pop("text", ITS), **theirs)
        git(self.there, "push", "-q", "origin", "HEAD:main")
        assert self.chasm("sync", expect=3).code == 3

    def now(self) -> Session:
        with open_archive(self.here) as archive:
            return archive.session(archive.find(self.session.id))

    def said(self) -> str:
        return str(self.now().messages[0].content)


@pytest.fixture
def pair(tmp_path: Path, chasm: Program, example: Session) -> Pair:
    return Pair(tmp_path, chasm, example)


def waiting(chasm: Program) -> int:
    code = chasm("conflicts", "--json", expect=None)
    assert code.code == (3 if code.json else 0)
    return len(code.json)


@pytest.mark.parametrize(("way", "text"), [("--ours", MINE), ("--theirs", ITS)])
def test_ours_is_what_this_archive_had_and_theirs_what_came(pair: Pair, chasm: Program, way: str, text: str) -> None:
    pair.meet()
    head = git(pair.here, "rev-parse", "HEAD").strip()
    assert text in chasm("resolve", "5f0c", way).out
    assert pair.said() == text
    assert waiting(chasm) == 0
    assert git(pair.here, "rev-parse", "HEAD^").strip() == head
    assert git(pair.here, "status", "--porcelain") == ""
    assert chasm("sync").code == 0
    status = chasm("sync", "status", "--json").json
    assert (status["conflicts"], {one["state"] for one in status["sessions"]}) == (0, {"synced"})


@pytest.mark.parametrize(("way", "text"), [("--ours", ITS), ("--theirs", MINE)])
def test_the_machine_that_took_the_merge_over_has_its_own_view(
    pair: Pair, chasm: Program, capsys: pytest.CaptureFixture[str], way: str, text: str
) -> None:
    pair.meet()
    other = Program(pair.there, capsys)
    other("sync", expect=3)
    other("resolve", "5f0c", way)
    other("sync")
    assert chasm("sync").code == 0
    assert pair.said() == text
    assert waiting(chasm) == 0


def test_a_clone_that_got_both_at_once_says_so(
    pair: Pair, chasm: Program, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pair.meet()
    subprocess.run(["git", "clone", "-q", str(pair.hub), str(tmp_path / "third")], check=True)
    third = Program(tmp_path / "third", capsys)
    assert "--pick N" in third("resolve", "5f0c", "--ours", expect=1).err
    shown = third("conflicts", "--json", expect=3).json[0]["texts"]
    third("resolve", "5f0c", "--pick", "2")
    with open_archive(third.archive) as archive:
        assert archive.session(archive.find("5f0c")).messages[0].content == shown[1]


def test_a_machine_with_the_old_state_does_not_bring_the_conflict_back(
    pair: Pair, chasm: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    pair.meet()
    other = Program(pair.there, capsys)
    other("sync", expect=3)
    chasm("resolve", "5f0c", "--ours")
    with open_archive(pair.there) as archive:
        grown = archive.session(archive.find("5f0c"))
    grown.messages.append(Message("late", "user", "2026-01-09T12:00:00.000Z", "went on", after=grown.messages[-1].id))
    next(pair.there.glob("sessions/*/*/*/*.yaml")).write_bytes(codec.dumps(grown))
    git(pair.there, "commit", "-q", "-am", "went on")
    chasm("sync")
    other("sync")
    chasm("sync")
    assert (pair.said(), pair.now().messages[-1].content) == (MINE, "went on")
    assert waiting(chasm) == 0


def test_both_stay_and_nothing_waits(pair: Pair, chasm: Program) -> None:
    pair.meet()
    chasm("resolve", "5f0c", "--both")
    assert {str(message.content) for message in pair.now().messages[:2]} == {MINE, ITS}
    assert waiting(chasm) == 0


def test_the_most_recent_is_the_one_committed_last(pair: Pair, chasm: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.edit(pair.here, MINE)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2031-01-01T00:00:00Z")
    pair.edit(pair.there, ITS)
    monkeypatch.delenv("GIT_COMMITTER_DATE")
    git(pair.there, "push", "-q", "origin", "HEAD:main")
    chasm("sync", expect=3)
    chasm("resolve", "5f0c", "--most-recent")
    assert pair.said() == ITS


def test_a_title_is_a_decision_of_its_own(pair: Pair, chasm: Program) -> None:
    pair.meet(title=("Here", "There"))
    assert {one["kind"] for one in chasm("conflicts", "--json", expect=3).json} == {"edit", "metadata"}
    left = chasm("resolve", "5f0c", "--key", "title", "--theirs")
    assert pair.now().title == "There"
    assert "title" in left.out
    assert waiting(chasm) == 1
    chasm("resolve", "5f0c", "--message", FIRST[:6], "--ours")
    assert pair.said() == MINE
    assert waiting(chasm) == 0


def test_all_of_it_in_one_commit(pair: Pair, chasm: Program) -> None:
    pair.meet(title=("Here", "There"), late=("one", "two"))
    kinds = {one["kind"] for one in chasm("conflicts", "--json", expect=3).json}
    assert kinds == {"edit", "add", "metadata"}
    before = git(pair.here, "rev-parse", "HEAD")
    would = chasm("resolve", "--all", "--ours", "--dry-run", "--json").json
    assert (would["commit"], would["dry_run"], len(would["resolved"])) == (None, True, 3)
    assert git(pair.here, "rev-parse", "HEAD") == before
    made = chasm("resolve", "--all", "--ours", "--json").json
    assert {one["how"] for one in made["resolved"]} == {"ours"}
    assert git(pair.here, "rev-parse", "HEAD^") == before
    session = pair.now()
    assert (session.title, session.messages[0].content, session.messages[-1].content) == ("Here", MINE, "one")
    said = git(pair.here, "log", "-1", "--format=%B")
    assert "resolve: 3 conflicts" in said
    assert MINE not in said


def test_a_text_of_ones_own(pair: Pair, chasm: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.meet()
    script = tmp_path / "edit.py"
    script.write_text(
        "import sys, pathlib\n"
        "file = pathlib.Path(sys.argv[1])\n"
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(file.read_text())\n"
        "file.write_text('Why, o why?\\n# ------------------------ >8 ------------------------\\nrest')\n"
        "import os; os.utime(file, (1, 1))\n"
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    chasm("resolve", "5f0c", "--edit")
    seen = (tmp_path / "seen").read_text()
    assert MINE in seen and ITS in seen and "<<<<<<< " in seen
    assert pair.said() == "Why, o why?"
    assert waiting(chasm) == 0


def test_an_editor_that_leaves_marks_or_does_nothing_changes_nothing(
    pair: Pair, chasm: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.meet()
    before = git(pair.here, "rev-parse", "HEAD")
    monkeypatch.setenv("EDITOR", "true")
    chasm("resolve", "5f0c", "--edit", expect=3)
    script = tmp_path / "edit.py"
    script.write_text("import os, sys; open(sys.argv[1], 'a').write('x'); os.utime(sys.argv[1], (1, 1))")
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    assert "still there" in chasm("resolve", "5f0c", "--edit", expect=1).err
    assert git(pair.here, "rev-parse", "HEAD") == before


def test_what_makes_no_sense_is_refused(pair: Pair, chasm: Program) -> None:
    pair.meet(title=("Here", "There"))
    before = git(pair.here, "rev-parse", "HEAD")
    assert "--ours" in chasm("resolve", "5f0c", expect=2).err
    chasm("resolve", "--ours", expect=2)
    chasm("resolve", "5f0c", "--ours", "--pick", "1", expect=2)
    chasm("resolve", "5f0c", "--all", "--ours", expect=2)
    chasm("resolve", "5f0c", "--message", "a", "--key", "title", "--ours", expect=2)
    assert "--message" in chasm("resolve", "5f0c", "--pick", "1", expect=2).err
    chasm("resolve", "5f0c", "--key", "title", "--pick", "9", expect=1)
    chasm("resolve", "5f0c", "--key", "workspace", "--ours", expect=1)
    chasm("resolve", "nobody", "--ours", expect=1)
    assert git(pair.here, "rev-parse", "HEAD") == before


def test_nothing_waits(chasm: Program) -> None:
    assert "nothing waits" in chasm("resolve", "5f0c", "--ours").err
    assert chasm("resolve", "--all", "--ours", "--json").json["resolved"] == []
    assert "nothing waits" in chasm("conflicts").err


def test_a_person_on_a_terminal_sees_the_difference_and_is_asked(pair: Pair, chasm: Program) -> None:
    pair.meet()
    printed = on_a_terminal("-C", str(pair.here), "resolve", typed="2\n", NO_COLOR="1")
    assert f"-{MINE}" in printed or f"+{MINE}" in printed
    assert "ours" in printed and "theirs" in printed
    assert waiting(chasm) == 0


def test_conflicts_are_listed_with_both_texts_and_what_to_do(pair: Pair, chasm: Program) -> None:
    pair.meet()
    listed = chasm("conflicts", expect=3)
    assert "message edited on both sides" in listed.out
    assert MINE in listed.out and ITS in listed.out
    assert "chasm resolve 5f0c1f5e" in listed.err


def test_manual_lists_what_it_stopped_for(pair: Pair, chasm: Program, keep: Keep) -> None:
    pair.edit(pair.here, MINE)
    pair.edit(pair.there, ITS)
    git(pair.there, "push", "-q", "origin", "HEAD:main")
    before = git(pair.here, "rev-parse", "HEAD")
    for arguments in (("sync",), ("git", "pull")):
        stopped = chasm(*arguments, "--strategy", "manual", expect=3)
        assert FIRST in stopped.out and "--strategy auto" in stopped.err
        assert chasm(*arguments, "--strategy", "manual", "--json", expect=3).json["conflicts"][0]["where"] == FIRST
    assert git(pair.here, "rev-parse", "HEAD") == before
    chasm("sync", "--strategy", "local-wins")
    assert (pair.said(), waiting(chasm)) == (MINE, 0)


def test_every_list_says_that_something_waits(pair: Pair, chasm: Program) -> None:
    pair.meet(text=(MINE, MINE), title=("Here", "There"))
    for waits, state in ((1, "conflict"), (0, "synced")):
        assert chasm("sync", "status", "--json").json["conflicts"] == waits
        with open_archive(pair.here) as archive:
            status = archive.store().sync_status()
            assert (status.conflicts, status.is_fully_synced) == (waits, not waits)
            assert [meta.sync_state for meta in archive.store().list()] == [state]
        assert [one["sync_state"] for one in chasm("list", "sessions", "--json").json] == [state]
        if waits:
            chasm("resolve", "--all", "--most-recent")
            chasm("sync")


def test_files_that_stand_twice_are_named_with_what_to_do(pair: Pair, chasm: Program) -> None:
    for place, text in ((pair.here, "ours\n"), (pair.there, "theirs\n")):
        (place / "notes.md").write_text(text)
        git(place, "add", "notes.md")
        git(place, "commit", "-q", "-m", "notes")
    git(pair.there, "push", "-q", "origin", "HEAD:main")
    chasm("sync", expect=3)
    (found,) = chasm("conflicts", "--json", expect=3).json
    assert found["kind"] == "text"
    assert "--help" in chasm("conflicts", expect=3).err
    (pair.here / "notes.md").write_text("ours and theirs\n")
    (pair.here / found["where"]).unlink()
    git(pair.here, "commit", "-qam", "together")
    assert chasm("conflicts", "--json").json == []
