"""`chasm tag`, `title`, `note`, `move`: a person's own words, and that nothing takes them away."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from chasm_git.session import codec
from chasm_git.session.model import Session
from chasm_git.session.words import clean_tag
from tests.cli.calling import Program
from tests.conftest import Keep, git

ID = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"
PATH = f"sessions/claude-code/2026/01/{ID}.yaml"
TRANSCRIPT = f".claude/projects/-home-ana-shop/{ID}.jsonl"


@pytest.fixture
def harvested(fresh: Program, home: Path) -> Program:
    """`chasm` on an archive that has just harvested `home`."""
    fresh("--home", str(home), "harvest", "run")
    return fresh


def held(chasm: Program) -> Session:
    return codec.loads((chasm.archive / PATH).read_bytes())


def go_on(home: Path, number: int = 1, title: str | None = None) -> None:
    """The person says one more thing to the client (which also finds another title)."""
    path = next(home.rglob(f"{ID}.jsonl"))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    last = next(row for row in reversed(rows) if row.get("type") == "assistant")
    identity = f"{number:08}-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
    row = last | {
        "type": "user",
        "uuid": identity,
        "parentUuid": last["uuid"],
        "message": {"content": f"more {number}"},
    }
    lines = [row | {"timestamp": f"2026-02-0{number}T10:00:00.000Z"}]
    if title is not None:
        lines.append({"type": "summary", "summary": title, "leafUuid": identity})
        lines.append({"type": "custom-title", "customTitle": title, "sessionId": ID})
    with path.open("a") as file:
        file.write("".join(json.dumps(line) + "\n" for line in lines))


def test_tags_are_one_commit_and_found_again(chasm: Program) -> None:
    before = git(chasm.archive, "rev-list", "--count", "HEAD")
    called = chasm("tag", ID, "+later", "+to do", "-auth", "--json").json
    assert [one["id"] for one in called["changed"]] == [ID] and called["commit"]
    assert int(git(chasm.archive, "rev-list", "--count", "HEAD")) == int(before) + 1
    assert held(chasm).tags == ["later", "to do"]
    assert chasm("tag", ID).out == "later, to do\n"
    assert [one["id"] for one in chasm("list", "sessions", "--tag", "later", "--json").json] == [ID]
    assert chasm("list", "sessions", "--tag", "auth", "--json").json == []
    assert [one["id"] for one in chasm("find", "session", "tag:later", "login", "--json").json] == [ID]
    assert chasm("find", "session", "tag:auth", "login", "--json").json == []


def test_a_tag_that_looks_like_an_option(chasm: Program) -> None:
    chasm("tag", ID, "+quiet", "+C")
    assert chasm("tag", ID, "-quiet", "-auth", "--dry-run", "--json").json["removed"] == ["quiet", "auth"]
    chasm("tag", ID, "-quiet", "--remove", "C", "-auth")
    assert held(chasm).tags == []
    assert chasm("tag", ID, "-nothing").out == "nothing to do: it is so already\n"


@pytest.mark.parametrize("tag", ["", "  ", "a,b", "-x", "+x", "a\x1bb", "x" * 101, "\u2028"])
def test_what_is_no_tag(chasm: Program, tag: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        clean_tag(tag)
    assert chasm("tag", ID, f"--add={tag}", expect=2).err.count("\n") == 1
    assert held(chasm).tags == ["auth"]


def test_a_title_no_provider_takes_away(harvested: Program, home: Path) -> None:
    first = harvested("title", ID).out.strip()
    harvested("title", ID, "Never", "twice")
    assert harvested("title", ID).out == "Never twice\n"
    go_on(home, title="A title the client made up")
    harvested("--home", str(home), "harvest", "run")
    session = held(harvested)
    assert session.title == "Never twice"
    assert any(message.content == "more 1" for message in session.messages)
    harvested("title", ID, "--reset")
    assert held(harvested).title not in ("Never twice", None)
    assert first
    assert harvested("title", ID, "  ", expect=2).err == "chasm: a title is not empty\n"


def test_notes_grow_and_go(chasm: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    chasm("note", ID, "Ask Ben.")
    monkeypatch.setattr(sys, "stdin", io.StringIO("He said:\nno.\n"))
    chasm("note", ID, "-")
    assert chasm("note", ID, "--show").out == "Ask Ben.\n\nHe said:\nno.\n"
    assert chasm("note", ID, "--show", "--json").json["note"] == "Ask Ben.\n\nHe said:\nno."
    assert "Ask Ben." in chasm("show", "session", ID).out
    assert chasm("show", "session", ID, "--json").json["notes"] == ["Ask Ben.\n\nHe said:\nno."]
    chasm("note", ID, "Done", "--replace")
    assert chasm("note", ID, "--show").out == "Done\n"
    chasm("note", ID, "--clear")
    assert chasm("note", ID, "--show").out == "" and "notes" not in held(chasm).extra
    assert chasm("note", ID, "x", "--clear", expect=2).code == 2


def test_a_note_in_an_editor(chasm: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i "1s/.*/# Heading\\nfrom the editor/" "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    monkeypatch.delenv("VISUAL", raising=False)
    chasm("note", ID)
    assert chasm("note", ID, "--show").out == "# Heading\nfrom the editor\n"


def test_words_survive_every_harvest(harvested: Program, home: Path) -> None:
    harvested("tag", ID, "+keep")
    harvested("title", ID, "Mine")
    harvested("note", ID, "My note.")
    harvested("move", "workspace", "/home/ana/shop", "/home/ana/store")
    for number in (1, 2):
        go_on(home, number, title=f"generated {number}")
        harvested("--home", str(home), "harvest", "run")
        session = held(harvested)
        assert f"more {number}" in [message.content for message in session.messages]
        said = session.tags, session.title, session.extra["notes"], session.workspace
        assert said == (["keep"], "Mine", "My note.", "/home/ana/store")
        assert "alternatives" not in session.extra
    assert harvested("git", "verify").code == 0


def test_words_written_with_any_editor_and_plain_git(harvested: Program, home: Path) -> None:
    path = harvested.archive / PATH
    text = path.read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("title: ")]
    text = text.replace(line, "title: 'By hand' # with a comment", 1)
    text = text.replace("messages:\n", "notes: |\n  Two\n  lines.\ntags: [hand, 'made']\nmessages:\n", 1)
    path.write_text(text)
    git(harvested.archive, "commit", "-qam", "by hand")
    go_on(home)
    harvested("--home", str(home), "harvest", "run")
    session = held(harvested)
    assert (session.title, session.tags, session.extra["notes"]) == ("By hand", ["hand", "made"], "Two\nlines.\n")
    assert "more 1" in [message.content for message in session.messages]
    harvested("tag", ID, "+more")
    assert codec.is_canonical(path.read_bytes()) and held(harvested).tags == ["hand", "made", "more"]


def test_an_edit_that_is_not_committed_stays(chasm: Program) -> None:
    path = chasm.archive / PATH
    path.write_text(
        path.read_text().replace("It redirects in two places.", "It redirects in two places. (Typo mended.)")
    )
    chasm("tag", ID, "+new")
    assert held(chasm).tags == ["auth", "new"] and "Typo mended" in path.read_text()
    assert "Typo mended" not in git(chasm.archive, "show", f"HEAD:{PATH}")


def test_words_on_two_machines_are_all_there(harvested: Program, tmp_path: Path, home: Path) -> None:
    chasm = harvested
    git(tmp_path, "clone", "-q", "--bare", str(chasm.archive), "hub.git")
    git(tmp_path, "clone", "-q", "hub.git", "other")
    chasm("git", "remote", "add", "origin", str(tmp_path / "hub.git"))
    other = Program(tmp_path / "other", chasm._capture)
    chasm("tag", ID, "+one")
    chasm("title", ID, "Mine")
    other("tag", ID, "+two")
    other("note", ID, "From the other one.")
    go_on(home, title="generated")
    chasm("--home", str(home), "harvest", "run")
    for program in (chasm, other, chasm):
        program("sync", expect=None)
    assert (chasm.archive / PATH).read_bytes() == (other.archive / PATH).read_bytes()
    session = held(chasm)
    assert (session.tags, session.title, session.extra["notes"]) == (["one", "two"], "Mine", "From the other one.")


def test_a_folder_that_moved(keep: Keep, capsys: pytest.CaptureFixture[str]) -> None:
    places = {"a": "/home/ana/shop", "b": "/home/ana/shop/api", "c": "/home/ana/shopping", "d": "file:///home/ana/shop"}
    places |= {"e": "file:///home/ana/shop/a%20b"}
    chasm = Program(keep([Session(name, "p", workspace=place) for name, place in places.items()]), capsys)
    called = chasm("move", "workspace", "/home/ana/shop", "/srv/my store", "--json").json
    assert [one["id"] for one in called["changed"]] == ["a", "b", "d", "e"]
    now = {one["id"]: one["workspace"] for one in chasm("list", "sessions", "--json").json}
    assert now == {
        "a": "/srv/my store",
        "b": "/srv/my store/api",
        "c": "/home/ana/shopping",
        "d": "file:///srv/my%20store",
        "e": "file:///srv/my%20store/a%20b",
    }
    assert "no session" in chasm("move", "path", "/home/ana/shop", "/x", expect=2).err
    chasm("move", "sessions", "a", "c", "/one")
    now = {one["id"]: one["workspace"] for one in chasm("list", "sessions", "--json").json}
    assert (now["a"], now["c"]) == ("/one", "/one")


def test_a_dry_run_changes_nothing(chasm: Program) -> None:
    before = git(chasm.archive, "rev-parse", "HEAD")
    chasm("tag", ID, "+x", "--dry-run")
    chasm("title", ID, "x", "--dry-run")
    chasm("note", ID, "x", "--dry-run")
    called = chasm("move", "workspace", "/home/ana/shop", "/x", "--dry-run")
    assert called.out == f"would change {ID}: belongs to /x\n"
    assert git(chasm.archive, "rev-parse", "HEAD") == before and git(chasm.archive, "status", "--porcelain") == ""


def test_what_is_not_there(chasm: Program) -> None:
    for words in (("tag", "zzz", "+x"), ("title", "zzz", "x"), ("note", "zzz", "x"), ("tag", "zzz")):
        assert "no session begins with 'zzz'" in chasm(*words, expect=1).err
