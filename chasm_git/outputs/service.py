"""Keeping `harvest watch` running: a systemd user unit, a launchd agent, or a line for cron where there is neither.

What is installed names this Python and this archive, so it works without a shell, whatever PATH is then. Every kind is
written by `install`, found again by `status`, and taken away by `remove`; nothing else of the person's is touched.
"""

from __future__ import annotations

import plistlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chasm_git.errors import ChasmError
from chasm_git.outputs import agent_hook
from chasm_git.outputs.files import rewrite

NAME = "chasm-harvest"
LABEL = "org.chasm-git.harvest"
_MARK = f"# {NAME}: kept by `chasm service`"
_EVERY = 10
"""Minutes between two harvests by cron."""
_UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""What no unit, property list, crontab and JSON text can hold as it is: a line break would begin a line of its own."""
_NO_CRONTAB = re.compile(r"no \S*crontab|no such file", re.IGNORECASE)
"""How the programs called crontab say that a user has none yet."""

Kind = Literal["systemd", "launchd", "cron", "claude-code"]
"""The last is no service: Claude Code starts a harvest when one of its sessions ends."""


@dataclass(frozen=True, slots=True)
class Place:
    """The machine a service is for.

    Args:
        home: of its user.
        variables: the environment.
        platform: as ``sys.platform``.
        user: number of the user, as launchd wants it.
    """

    home: Path
    variables: Mapping[str, str]
    platform: str
    user: int

    def unit(self) -> Path:
        """Where systemd looks for a user's units."""
        named = self.variables.get("XDG_CONFIG_HOME")
        return (Path(named) if named else self.home / ".config") / "systemd" / "user" / f"{NAME}.service"

    def claude(self) -> Path:
        """Claude Code's settings."""
        named = self.variables.get("CLAUDE_CONFIG_DIR")
        return (Path(named) if named else self.home / ".claude") / "settings.json"

    def agent(self) -> Path:
        """Where launchd looks for a user's agents."""
        return self.home / "Library" / "LaunchAgents" / f"{LABEL}.plist"


@dataclass(frozen=True, slots=True)
class State:
    """How a service stands."""

    kind: Kind
    installed: bool
    running: bool | None
    """None where nobody can be asked, and for cron, which starts each harvest anew."""
    place: str
    detail: str = ""


def best(place: Place) -> Kind:
    """What this machine has. Raises ChasmError where it has nothing of the kind."""
    if place.platform == "darwin":
        return "launchd"
    if _asked("systemctl", "--user", "show-environment").returncode == 0:
        return "systemd"
    if shutil.which("crontab"):
        return "cron"
    raise ChasmError(
        "there is no systemd for users, no launchd and no cron here; "
        "let whatever starts programs on this machine run `chasm harvest watch`"
    )


def install(kind: Kind, place: Place, command: Sequence[str], *, dry_run: bool = False) -> list[str]:
    """Have `command` (a watch; for cron and hooks a single harvest) run from now on; returns what was done, in words.

    Raises ChasmError where the system refuses, OSError.
    """
    odd = next(filter(_UNWRITABLE.search, command), None)
    if odd is not None:
        raise ChasmError(
            f"a service cannot name {odd!r}: keep the archive in a folder whose path is plain text (-C DIR)"
        )
    if kind == "cron":
        return _install_cron(command, dry_run)
    if kind == "claude-code":
        return agent_hook.install(place.claude(), command, dry_run=dry_run)
    path, text = (place.unit(), unit(command)) if kind == "systemd" else (place.agent(), agent(command))
    steps = _starts(kind, place)
    if not dry_run:
        rewrite(path, text)
        if kind == "launchd":
            _asked("launchctl", "bootout", f"gui/{place.user}/{LABEL}")  # what an earlier install started, if any
        for step in steps:
            _done(*step)
    return [f"wrote {path}", *(f"ran {shlex.join(step)}" for step in steps)]


def remove(kind: Kind, place: Place, *, dry_run: bool = False) -> list[str]:
    """Take away what `install` put; returns what was done, in words (nothing where there was nothing)."""
    if kind == "cron":
        before = _crontab()
        kept = _without(before)
        if kept == before:
            return []
        if not dry_run:
            _set_crontab(kept)
        return ["took our line out of the crontab"]
    if kind == "claude-code":
        return agent_hook.remove(place.claude(), dry_run=dry_run)
    path = place.unit() if kind == "systemd" else place.agent()
    if not path.is_file():
        return []
    if not dry_run:
        if kind == "systemd":
            _asked("systemctl", "--user", "disable", "--now", f"{NAME}.service")
        else:
            _asked("launchctl", "bootout", f"gui/{place.user}/{LABEL}")
        path.unlink()
        if kind == "systemd":
            _asked("systemctl", "--user", "daemon-reload")
    return [f"removed {path}"]


def status(place: Place) -> list[State]:
    """Every kind of service that is installed here."""
    found: list[State] = []
    if place.unit().is_file():
        told = _asked("systemctl", "--user", "is-active", f"{NAME}.service")
        running = None if told.returncode > 4 else told.stdout.strip() == "active"
        found.append(State("systemd", True, running, str(place.unit()), told.stdout.strip()))
    if place.agent().is_file():
        told = _asked("launchctl", "print", f"gui/{place.user}/{LABEL}")
        running = None if told.returncode == 127 else told.returncode == 0
        found.append(State("launchd", True, running, str(place.agent())))
    found += _looked("cron", "crontab", _line_in_crontab)
    found += _looked("claude-code", str(place.claude()), lambda: agent_hook.command_in(place.claude()))
    return found


def _looked(kind: Kind, place: str, look: Callable[[], str | None]) -> list[State]:
    """What a file of the person's says of us; one that cannot be read hides none of the other kinds."""
    try:
        detail = look()
    except (ChasmError, OSError) as error:
        return [State(kind, False, None, place, f"cannot be read: {error}")]
    return [State(kind, True, None, place, detail)] if detail is not None else []


def unit(command: Sequence[str]) -> bytes:
    """The systemd unit of a command."""
    lines = (
        "[Unit]",
        "Description=Harvest AI chat and agent sessions into a git archive",
        "",
        "[Service]",
        f"ExecStart={' '.join(map(_systemd_quoted, command))}",
        "Restart=on-failure",
        "RestartSec=60",
        "Nice=10",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    )
    return "\n".join(lines).encode()


def agent(command: Sequence[str]) -> bytes:
    """The launchd agent of a command."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 60,
            "ProcessType": "Background",
        }
    )


def cron_line(command: Sequence[str]) -> str:
    """The crontab's line of a command; a percent sign would end it for cron."""
    return f"*/{_EVERY} * * * * {shlex.join(command).replace('%', chr(92) + '%')} >/dev/null 2>&1 {_MARK}"


def _starts(kind: Kind, place: Place) -> list[list[str]]:
    if kind == "systemd":
        # enabled and restarted, so that what an earlier install started is replaced
        return [
            ["systemctl", "--user", "daemon-reload"],
            ["systemctl", "--user", "enable", f"{NAME}.service"],
            ["systemctl", "--user", "restart", f"{NAME}.service"],
        ]
    return [["launchctl", "bootstrap", f"gui/{place.user}", str(place.agent())]]


def _systemd_quoted(word: str) -> str:
    """A word as a unit file has it: ``%`` and ``$`` stand for themselves."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{word}"' if not word or re.search(r"[\s'\";\\]", word) else word


def _install_cron(command: Sequence[str], dry_run: bool) -> list[str]:
    line = cron_line(command)
    if not dry_run:
        kept = _without(_crontab())
        _set_crontab(f"{kept}{line}\n")
    return [f"put a line into the crontab: {line}"]


def _without(crontab: str) -> str:
    return "".join(f"{line}\n" for line in crontab.split("\n")[:-1] if not line.endswith(_MARK))


def _line_in_crontab() -> str | None:
    return next((line for line in _crontab().split("\n") if line.endswith(_MARK)), None)


def _crontab() -> str:
    """The user's crontab; "" where there is none. Raises ChasmError where it cannot be read: it is not written then."""
    told = _asked("crontab", "-l")
    if told.returncode not in (0, 127) and not _NO_CRONTAB.search(told.stderr):
        raise ChasmError(f"crontab -l: {' '.join(told.stderr.split()) or f'ended with {told.returncode}'}")
    found = told.stdout if told.returncode == 0 else ""
    return found if not found or found.endswith("\n") else found + "\n"


def _set_crontab(text: str) -> None:
    _done("crontab", "-", stdin=text)


def _done(*command: str, stdin: str = "") -> None:
    told = _asked(*command, stdin=stdin)
    if told.returncode != 0:
        reason = " ".join(told.stderr.split()) or f"ended with {told.returncode}"
        raise ChasmError(f"{shlex.join(command)}: {reason}")


def _asked(*command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """How a command ended; 127 where there is no such program. Any bytes come through as they are."""
    program = shutil.which(command[0])
    if program is None:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not on PATH")
    given = stdin.encode("utf-8", "surrogateescape")
    done = subprocess.run([program, *command[1:]], input=given, capture_output=True, check=False)
    out, err = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(command, done.returncode, out, err)
