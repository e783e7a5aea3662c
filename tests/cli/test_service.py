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

from chasm_git.errors import ChasmError
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


def test_other_hooks_keep_every_byte(fresh: Program, machine: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "claude.json"
    kept.parent.mkdir()
    before = (
        '\ufeff{\r\n\t"env": {"A":"1"},   "n": 1e5,\r\n\t"hooks": {\r\n\t\t"SessionEnd": [\r\n'
        '\t\t\t{ "matcher": "", "hooks": [ {"type":"command","command":"true"} ] }\r\n\t\t]\r\n\t}\r\n}\r\n'
    ).encode()
    kept.write_bytes(before)
    path = tmp_path / "home" / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    path.symlink_to(kept)
    fresh("service", "install", "--kind", "claude-code")
    once = kept.read_bytes()
    head, tail = before.split(b"\r\n\t\t]")
    assert path.is_symlink() and once.startswith(head + b",") and once.endswith(b"\r\n\t\t]" + tail)
    fresh("service", "install", "--kind", "claude-code")
    assert kept.read_bytes() == once
    fresh("service", "remove", "--kind", "claude-code")
    assert kept.read_bytes() == before


def test_a_hook_put_beside_ours_stays(fresh: Program, machine: Path, tmp_path: Path) -> None:
    path = tmp_path / "home" / ".claude" / "settings.json"
    fresh("service", "install", "--kind", "claude-code")
    assert path.stat().st_mode & 0o777 == 0o600
    held = json.loads(path.read_text())
    held["hooks"]["SessionEnd"][0]["hooks"].insert(0, {"type": "command", "command": "true"})
    path.write_text(json.dumps(held))
    fresh("service", "install", "--kind", "claude-code")
    fresh("service", "remove", "--kind", "claude-code")
    assert json.loads(path.read_text()) == {
        "hooks": {"SessionEnd": [{"hooks": [{"type": "command", "command": "true"}]}]}
    }


def test_a_crontab_that_cannot_be_read_is_not_written(fresh: Program, machine: Path, tmp_path: Path) -> None:
    table = tmp_path / "crontab"
    program = tmp_path / "programs" / "crontab"
    refusing = f'#!/bin/sh\nif [ "$1" = -l ]; then echo "disk: input error" >&2; exit 1; fi; cat > {table}\n'
    program.write_text(refusing)
    for line in ("install", "remove"):
        assert "input error" in fresh("service", line, "--kind", "cron", expect=1).err and not table.exists()
    (state,) = fresh("service", "status", "--json").json
    assert (state["kind"], state["installed"]) == ("cron", False) and "input error" in state["detail"]
    program.write_text(refusing.replace("disk: input error", "no crontab for ana"))
    fresh("service", "install", "--kind", "cron")
    assert table.read_text().count("\n") == 1


def test_any_bytes_of_a_crontab_are_kept(fresh: Program, machine: Path, tmp_path: Path) -> None:
    table = tmp_path / "crontab"
    before = b"# caf\xe9\x0b\x85\r\n@daily true\n"
    table.write_bytes(before)
    fresh("service", "install", "--kind", "cron")
    fresh("service", "remove")
    assert table.read_bytes() == before


def test_one_file_that_cannot_be_read_hides_no_other_service(fresh: Program, machine: Path, tmp_path: Path) -> None:
    path = tmp_path / "home" / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    fresh("service", "install", "--kind", "systemd")
    assert [(one["kind"], one["installed"]) for one in fresh("service", "status", "--json").json] == [
        ("systemd", True),
        ("claude-code", False),
    ]
    called = fresh("service", "remove")
    assert "chasm-harvest.service" in called.out and "is no JSON" in called.err and path.read_text() == "{"


@pytest.mark.parametrize("kind", ["systemd", "launchd", "cron", "claude-code"])
@pytest.mark.parametrize("word", ["a\nExecStartPost=/bin/false", "\udcff", "a\x1b"])
def test_no_kind_takes_a_path_that_it_cannot_hold(machine: Path, tmp_path: Path, kind: service.Kind, word: str) -> None:
    with pytest.raises(ChasmError, match="plain text"):
        service.install(kind, Place(tmp_path / "home", {}, "linux", 1), [*AWKWARD, word])
    assert not (tmp_path / "home").exists() and not (tmp_path / "crontab").exists()


def test_a_unit_behind_a_link_is_written_there(machine: Path, tmp_path: Path) -> None:
    place = Place(tmp_path / "home", {}, "linux", 1)
    place.unit().parent.mkdir(parents=True)
    kept = tmp_path / "kept.service"
    kept.write_text("before")
    place.unit().symlink_to(kept)
    service.install("systemd", place, AWKWARD)
    assert place.unit().is_symlink() and kept.read_bytes() == service.unit(AWKWARD)


@pytest.mark.parametrize(
    "content", ["{", "[]", "[" * 100_000, b"\xff".decode("latin-1"), '{"hooks": []}', '{"hooks": {"SessionEnd": {}}}']
)
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
