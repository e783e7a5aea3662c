"""`chasm git verify`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chasm_git.session.codec import dumps
from chasm_git.session.model import Session
from tests.cli.calling import Program
from tests.conftest import Keep, git

CHECKOUT = str(Path(__file__).parents[2])


def test_a_sound_archive(chasm: Program) -> None:
    called = chasm("git", "verify")
    assert (called.out, called.err) == ("", "1 sessions, 0 attachments: all is well\n")
    assert chasm("git", "verify", "--full", "-q").err == ""
    found = chasm("git", "verify", "--full", "--json").json
    assert found == {
        "ok": True,
        "sessions": 1,
        "attachments": 0,
        "versions": 0,
        "problems": [],
        "notes": [],
        "unchecked": [],
    }


def test_what_is_wrong_by_file_and_reason(chasm: Program, keep: Keep) -> None:
    where = "sessions/codex/undated/bad.yaml"
    keep(files={where: b"chasm: 1\nid: [", "sessions/codex/undated/\x1b[31m": b""})
    called = chasm("git", "verify", expect=1)
    assert f"{where}: cannot be read: line 2" in called.out
    assert "sessions/codex/undated/␛[31m: is not at a place" in called.out
    assert "\x1b" not in called.out
    assert called.err.endswith("2 sessions, 0 attachments: 2 problems\n")
    found = chasm("git", "verify", "--json", expect=1).json
    assert (found["ok"], len(found["problems"])) == (False, 2)


def test_only_what_is_staged(chasm: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bad = chasm.archive / "sessions/codex/undated/bad.yaml"
    bad.parent.mkdir(parents=True)
    bad.write_text("chasm: [\n")
    chasm("git", "verify", "--staged")
    git(chasm.archive, "add", str(bad))
    chasm("git", "verify", "--staged", expect=1)
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "none"))
    chasm("git", "verify", "--staged")
    assert chasm("git", "verify", "--staged", "--full", expect=2).out == ""


def commit(archive: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
    return subprocess.run(
        ["git", *identity, "commit", "-m", "by hand", *arguments],
        cwd=archive,
        env=os.environ | {"PYTHONPATH": CHECKOUT},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_hook_refuses_what_cannot_be_read(chasm: Program) -> None:
    chasm("git", "install", "--hooks")
    bad = chasm.archive / "sessions/codex/undated/bad.yaml"
    bad.parent.mkdir(parents=True)
    bad.write_text("chasm: [\n")
    git(chasm.archive, "add", ".")
    before = git(chasm.archive, "rev-parse", "HEAD")
    refused = commit(chasm.archive)
    assert refused.returncode == 1 and "bad.yaml: cannot be read" in refused.stdout + refused.stderr
    assert git(chasm.archive, "rev-parse", "HEAD") == before
    bad.write_bytes(dumps(Session("bad", "codex")))
    assert commit(chasm.archive, "-a").returncode == 0, "the index `commit -a` makes is the one that counts"
    bad.write_text("chasm: [\n")
    (chasm.archive / "notes.txt").write_text("mine")
    git(chasm.archive, "add", "notes.txt")
    assert commit(chasm.archive).returncode == 0, "what is not staged is nobody's business"
    assert commit(chasm.archive, "-a").returncode == 1
    assert commit(chasm.archive, "-a", "--no-verify").returncode == 0


def test_the_hook_without_its_program_lets_pass_and_says_so(chasm: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    chasm("git", "install", "--hooks")
    git(chasm.archive, "config", "chasm.python", "/nowhere/python3")
    programs = [folder for folder in os.environ["PATH"].split(":") if not (Path(folder) / "chasm").exists()]
    monkeypatch.setenv("PATH", ":".join(programs))
    bad = chasm.archive / "sessions/codex/undated/bad.yaml"
    bad.parent.mkdir(parents=True)
    bad.write_text("chasm: [\n")
    git(chasm.archive, "add", ".")
    done = commit(chasm.archive)
    assert done.returncode == 0 and "chasm was not found" in done.stderr
    assert sys.executable not in done.stderr
