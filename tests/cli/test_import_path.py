"""`chasm import path`: what was exported comes in again, what was damaged is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from chasm_git.session import codec
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import git

ID = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"
PATH = f"sessions/claude-code/2026/01/{ID}.yaml"


@pytest.fixture
def fresh_one(tmp_path: Path, chasm: Program) -> Program:
    """`chasm` with another archive, still to be made."""
    return Program(tmp_path / "fresh", chasm._capture)


def session(program: Program, path: str = PATH) -> Session:
    return codec.loads((program.archive / path).read_bytes())


@pytest.mark.parametrize("name", ["s.md", "s.json", "s.jsonl"])
def test_a_file_is_the_same_session_in_another_archive(
    name: str, chasm: Program, fresh_one: Program, tmp_path: Path
) -> None:
    chasm("title", ID, "My own")
    chasm("note", ID, "A note.")
    chasm("export", "session", ID, "-o", str(tmp_path / name))
    fresh_one("import", "path", str(tmp_path / name))
    assert (fresh_one.archive / PATH).read_bytes() == (chasm.archive / PATH).read_bytes()
    assert git(fresh_one.archive, "status", "--porcelain") == ""


def test_it_belongs_to_a_project_from_now_on(chasm: Program, fresh_one: Program, tmp_path: Path) -> None:
    chasm("export", "path", str(tmp_path / "out"), "/home/ana/shop")
    fresh_one("import", "path", str(tmp_path / "out"), "/home/ben/shop")
    assert session(fresh_one).workspace == "/home/ben/shop"
    assert session(fresh_one).messages == session(chasm).messages


def test_what_the_archive_has_is_not_changed(chasm: Program, tmp_path: Path) -> None:
    chasm("export", "session", ID, "-o", str(tmp_path / "s.md"))
    chasm("tag", ID, "+later")
    before = git(chasm.archive, "rev-parse", "HEAD")
    assert "nothing new" in chasm("import", "path", str(tmp_path / "s.md")).out
    assert git(chasm.archive, "rev-parse", "HEAD") == before and "later" in session(chasm).tags


def test_messages_that_an_archive_lacks_come_back(chasm: Program, tmp_path: Path) -> None:
    chasm("export", "session", ID, "-o", str(tmp_path / "s.json"))
    whole = session(chasm)
    cut = session(chasm)
    del cut.messages[3:]
    (chasm.archive / PATH).write_bytes(codec.dumps(cut))
    git(chasm.archive, "commit", "-qam", "cut")
    chasm("import", "path", str(tmp_path / "s.json"))
    assert session(chasm).messages == whole.messages


def test_markdown_that_was_edited(chasm: Program, fresh_one: Program, tmp_path: Path) -> None:
    chasm("export", "session", ID, "-o", str(tmp_path / "s.md"))
    text = (tmp_path / "s.md").read_text()
    (tmp_path / "crlf.md").write_bytes(text.replace("\n", "\r\n").encode())
    (tmp_path / "edited.md").write_text(text.replace("Fix the login redirect", "Something else", 1))
    assert fresh_one("import", "path", str(tmp_path / "crlf.md")).err.count("was edited") == 0
    assert session(fresh_one) == session(chasm)
    other = Program(tmp_path / "third", chasm._capture)
    assert "was edited" in other("import", "path", str(tmp_path / "edited.md")).err
    assert session(other) == session(chasm)


def test_damage_is_named(chasm: Program, fresh_one: Program, tmp_path: Path) -> None:
    chasm("export", "session", ID, "-o", str(tmp_path / "s.md"))
    lines = (tmp_path / "s.md").read_text().split("\n")
    at = next(n for n, line in enumerate(lines) if line.startswith("<!-- chasm-session"))
    lines[at + 1] = lines[at + 1][::-1]
    (tmp_path / "s.md").write_text("\n".join(lines))
    assert "damaged" in fresh_one("import", "path", str(tmp_path / "s.md"), expect=4).err
    chasm("export", "session", ID, "-o", str(tmp_path / "s.json"))
    value = json.loads((tmp_path / "s.json").read_text())
    value["chasm"]["carried"] = "eJw="
    (tmp_path / "s.json").write_text(json.dumps(value))
    assert "cut" in fresh_one("import", "path", str(tmp_path / "s.json"), expect=4).err
    (tmp_path / "plain.md").write_text("# Just a text\n")
    assert "no conversations" in fresh_one("import", "path", str(tmp_path / "plain.md"), expect=4).err
    assert "there is no file" in fresh_one("import", "path", str(tmp_path / "gone"), expect=2).err


def test_lines_that_carry_nothing_are_still_conversations(chasm: Program, fresh_one: Program, tmp_path: Path) -> None:
    chasm("export", "session", ID, "-o", str(tmp_path / "s.jsonl"), "--plain")
    fresh_one("import", "path", str(tmp_path / "s.jsonl"))
    (listed,) = fresh_one("list", "sessions", "--json").json
    assert (listed["id"], listed["title"], listed["workspace"]) == (ID, "Fix the login redirect", "/home/ana/shop")
    shown = fresh_one("show", "session", ID, "--json").json
    assert shown["messages"][1]["tool_calls"][0]["result"] == "12: def login():\n13:     redirect()"


def test_session_files_of_another_archive(chasm: Program, fresh_one: Program, tmp_path: Path) -> None:
    fresh_one("import", "path", str(chasm.archive))
    assert (fresh_one.archive / PATH).read_bytes() == (chasm.archive / PATH).read_bytes()


def test_files_as_a_client_keeps_them(home: Path, fresh: Program, tmp_path: Path) -> None:
    chasm = fresh
    chasm("--home", str(home), "harvest", "run")
    other = Program(tmp_path / "other", chasm._capture)
    chasm("export", "session", ID, "--format", "native", "-o", str(tmp_path / f"{ID}.jsonl"))
    other("import", "path", str(tmp_path / f"{ID}.jsonl"))
    assert session(other).messages == session(chasm).messages
    rollout = next((home / ".codex").rglob("rollout-*.jsonl"))
    shutil.copy(rollout, tmp_path / rollout.name)
    other("import", "path", str(tmp_path / rollout.name), "--provider", "codex", "/srv/p")
    found = {one["provider"]: one["workspace"] for one in other("list", "sessions", "--json").json}
    assert found["codex"] == "/srv/p" and set(found) == {"claude-code", "codex"}


def test_an_attachment_with_a_name_that_leads_out_is_not_read(fresh: Program, tmp_path: Path) -> None:
    part = {"type": "text", "text": {"$attachment": "../../secret.txt", "bytes": 3}}
    made = Session("s", "p", messages=[Message("m", "user", content=[part])])
    (tmp_path / "secret.txt").write_text("abc")
    (tmp_path / "s.yaml").write_bytes(codec.dumps(made))
    assert "is missing" in fresh("import", "path", str(tmp_path / "s.yaml")).err
    assert not list(fresh.archive.glob("attachments/**/*"))


def test_a_dry_run_makes_nothing(chasm: Program, fresh_one: Program, tmp_path: Path) -> None:
    chasm("export", "session", ID, "-o", str(tmp_path / "s.md"))
    assert "would" in fresh_one("import", "path", str(tmp_path / "s.md"), "--dry-run").out
    assert not fresh_one.archive.exists()
