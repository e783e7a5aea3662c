"""`chasm doctor`."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from chasm_git.outputs.cli.doctor import _writable
from tests.cli.calling import Program
from tests.conftest import Keep


def states(program: Program, *, expect: int = 0) -> dict[str, str]:
    called = program("doctor", "--json", expect=expect).json
    assert called["ok"] is (expect == 0)
    return {check["name"]: check["state"] for check in called["checks"]}


def test_a_sound_archive(chasm: Program, tmp_path: Path) -> None:
    claude = tmp_path / "home" / ".claude" / "projects" / "-p"
    claude.mkdir(parents=True)
    (claude / "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11.jsonl").write_text("{}\n")
    found = states(Program(chasm.archive, chasm._capture))
    assert {name: found[name] for name in ("chasm", "git", "archive", "writable", "disk")} == dict.fromkeys(
        ("chasm", "git", "archive", "writable", "disk"), "ok"
    )
    called = chasm("doctor", "--home", str(tmp_path / "home"))
    assert "claude-code (1)" in called.out and f"{chasm.archive}: 1 sessions" in called.out


def test_nothing_yet_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert states(Program(tmp_path / "none", capsys))["archive"] == "note"
    assert not (tmp_path / "none").exists()


def test_drivers_are_missed_until_installed(chasm: Program) -> None:
    from chasm_git.archive.install import install, uninstall
    from chasm_git.archive.repo import open_archive

    with open_archive(chasm.archive) as archive:
        uninstall(archive)
        assert states(chasm)["drivers"] == "note"
        install(archive)
        assert states(chasm)["drivers"] == "ok"


def test_a_broken_session_file(chasm: Program, keep: Keep) -> None:
    keep(files={"sessions/codex/2026/01/torn.yaml": b"{"})
    called = chasm("doctor", expect=1)
    assert any(
        line.startswith("broken  archive     sessions/codex/2026/01/torn.yaml:") for line in called.out.splitlines()
    )


def test_no_git_and_an_old_one(chasm: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert states(chasm, expect=1)["git"] == "broken"
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho git version 1.9.5\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    called = chasm("doctor", expect=1)
    assert "1.9.5" in called.out and "2.30 or later is needed" in called.out


def test_something_else_in_the_archives_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "code")], check=True)
    assert states(Program(tmp_path / "code", capsys), expect=1)["archive"] == "broken"


def test_a_folder_that_takes_no_file(tmp_path: Path) -> None:
    assert _writable(tmp_path).state == "ok"
    found = _writable(tmp_path / "gone")
    assert found.state == "broken" and str(tmp_path / "gone") in found.detail


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_an_archive_that_cannot_be_written(chasm: Program) -> None:
    folder = chasm.archive / ".git"
    folder.chmod(0o500)
    try:
        assert states(chasm, expect=1)["writable"] == "broken"
    finally:
        folder.chmod(0o700)
