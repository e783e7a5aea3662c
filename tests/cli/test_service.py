"""`chasm service install|remove|status`, with the systems' own programs replaced by ones that keep notes."""

from __future__ import annotations

import json
import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chasm_git.outputs import service
from chasm_git.outputs.service import Place
from tests.cli.calling import Program

AWKWARD = ["/opt/my python/bin/python", "-m", "chasm_git", "-C", '/home/ana/100% "mine"/$a;b', "harvest", "watch"]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with systemd and cron that note what they are asked; its log."""
    programs = tmp_path / "programs"
    programs.mkdir()
    log = tmp_path / "log"
    table = tmp_path / "crontab"
    scripts = {
        "systemctl": f'echo "systemctl $*" >> {shlex.quote(str(log))}; case "$*" in *is-active*) echo active;; esac',
        "crontab": f'if [ "$1" = -l ]; then cat {shlex.quote(str(table))}; else cat > {shlex.quote(str(table))}; fi',
        "launchctl": f'echo "launchctl $*" >> {shlex.quote(str(log))}',
    }
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    log.touch()
    return log


def test_systemd(fresh: Program, machine: Path, tmp_path: Path) -> None:
    unit = tmp_path / "home" / ".config" / "systemd" / "user" / "chasm-harvest.service"
    called = fresh("service", "install", "--dry-run")
    assert str(unit) in called.out and not unit.exists()
    fresh("service", "install", "--sync")
    assert f"ExecStart={sys.executable} -m chasm_git -C {fresh.archive} harvest watch --sync\n" in unit.read_text()
    assert "systemctl --user restart chasm-harvest.service" in machine.read_text()
    (state,) = fresh("service", "status", "--json").json
    assert (state["kind"], state["running"]) == ("systemd", True)
    fresh("service", "remove")
    assert not unit.exists() and "disable --now" in machine.read_text()
    assert fresh("service", "status", "--json").json == []
    assert "nothing was installed" in fresh("service", "remove").out


def test_cron_keeps_what_else_is_there(fresh: Program, machine: Path, tmp_path: Path) -> None:
    table = tmp_path / "crontab"
    table.write_text("@daily true")
    for _ in range(2):
        fresh("service", "install", "--kind", "cron")
    first, ours = table.read_text().splitlines()
    assert first == "@daily true" and "--quiet harvest run" in ours
    assert fresh("service", "status", "--json").json[0]["kind"] == "cron"
    assert fresh("service", "install", "--kind", "cron", "--sync", expect=2)
    fresh("service", "remove", "--kind", "cron")
    assert table.read_text() == "@daily true\n"


def test_launchd(machine: Path, tmp_path: Path) -> None:
    place = Place(tmp_path / "home", {}, "darwin", 501)
    assert service.best(place) == "launchd"
    service.install("launchd", place, AWKWARD)
    held = plistlib.loads(place.agent().read_bytes())
    assert held["ProgramArguments"] == AWKWARD
    assert f"bootstrap gui/501 {place.agent()}" in machine.read_text()
    assert service.status(place)[0].running
    service.remove("launchd", place)
    assert not place.agent().exists()


def test_a_system_that_refuses_is_quoted(fresh: Program, machine: Path, tmp_path: Path) -> None:
    (tmp_path / "programs" / "crontab").write_text('#!/bin/sh\necho no cron for you >&2; [ "$1" = -l ]\n')
    assert "no cron for you" in fresh("service", "install", "--kind", "cron", expect=1).err


def test_awkward_words_reach_the_program_from_cron() -> None:
    line = service.cron_line(AWKWARD).partition("* * * * ")[2].replace("\\%", "%")
    assert shlex.split(line.partition(" >/dev/null")[0]) == AWKWARD


def test_claude_code_calls_when_a_session_ends(fresh: Program, machine: Path, tmp_path: Path) -> None:
    path = tmp_path / "home" / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    theirs = {
        "model": "ünï",
        "hooks": {"SessionEnd": [{"hooks": [{"type": "command", "command": "true"}]}], "Stop": []},
    }
    path.write_text(json.dumps(theirs))
    for _ in range(2):
        fresh("service", "install", "--kind", "claude-code")
    held = json.loads(path.read_text())
    first, ours = held["hooks"]["SessionEnd"]
    assert first == theirs["hooks"]["SessionEnd"][0] and held["model"] == "ünï"
    command = shlex.split(ours["hooks"][0]["command"])
    assert command[-4:] == ["harvest", "run", "--provider", "claude-code"]
    done = subprocess.run(command, input='{"session_id":"x"}', capture_output=True, text=True, check=True)
    assert done.stdout == "" or "nothing new" in done.stdout
    assert fresh("service", "status", "--json").json[0]["kind"] == "claude-code"
    fresh("service", "remove")
    assert json.loads(path.read_text()) == theirs


@pytest.mark.parametrize("content", ["{", "[]", '{"hooks": []}', '{"hooks": {"SessionEnd": {}}}'])
def test_odd_settings_are_not_touched(fresh: Program, machine: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "home" / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert "not touched" in fresh("service", "install", "--kind", "claude-code", expect=1).err
    assert path.read_text() == content


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "chasm-harvest.service"
    path.write_bytes(service.unit([sys.executable, *AWKWARD[1:]]))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(path)], capture_output=True, text=True, check=False
    )
    assert "chasm-harvest" not in done.stderr, done.stderr
