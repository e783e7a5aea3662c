"""`chasm doctor`: is everything there that chasm needs, and does it work?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import click

from chasm_git import __version__
from chasm_git.errors import ChasmError
from chasm_git.outputs.cli.context import Context

_OLDEST_GIT = (2, 30)
_FEW_BYTES = 100 * 2**20
_SCARCE_BYTES = 2**30

State = Literal["ok", "note", "broken"]
_COLOURS: dict[State, str] = {"ok": "green", "note": "yellow", "broken": "red"}


class Check(NamedTuple):
    """What was looked at, and what came of it."""

    name: str
    state: State
    detail: str
    """What was found, and how to mend it."""


@click.command("doctor")
@click.pass_obj
def command(context: Context) -> int:
    """Check that everything chasm needs is there and works.

    Ends with 1 if something is broken; a note is only worth knowing.
    """
    checks: list[Check] = []
    for name, look in (("git", _git), ("archive", _archive), ("disk", _disk), ("providers", _providers)):
        try:
            checks += look(context)
        except (ChasmError, OSError) as error:
            checks.append(Check(name, "broken", str(error)))
    checks.insert(0, Check("chasm", "ok", f"{__version__}, Python {sys.version.split()[0]} ({sys.executable})"))
    broken = any(check.state == "broken" for check in checks)
    terminal = context.terminal
    if context.json:
        terminal.json({"ok": not broken, "checks": [check._asdict() for check in checks]})
    else:
        for check in checks:
            mark = terminal.styled(f"{check.state:<6}", fg=_COLOURS[check.state])
            click.echo(f"{mark}  {check.name:<10}  {terminal.styled(check.detail)}")
    return 1 if broken else 0


def _git(context: Context) -> Iterator[Check]:
    place = shutil.which("git")
    if place is None:
        yield Check("git", "broken", "not installed, or not on PATH: https://git-scm.com/downloads")
        return
    said = subprocess.run([place, "version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"\d+(?:\.\d+)+", said)
    version = tuple(map(int, number[0].split("."))) if number else ()
    oldest = ".".join(map(str, _OLDEST_GIT))
    if version < _OLDEST_GIT:
        yield Check("git", "broken", f"{said.strip() or 'no version'} ({place}); version {oldest} or later is needed")
    else:
        yield Check("git", "ok", f"{'.'.join(map(str, version))} ({place})")


def _archive(context: Context) -> Iterator[Check]:
    from chasm_git.api import Unreadable

    path = context.archive_path()
    if not path.exists():
        yield Check("archive", "note", f"none at {path} yet; the first harvest makes it")
        return
    with context.open_archive() as archive:
        readable = 0
        files = archive.session_files()
        with context.terminal.progress("reading sessions") as progress:
            for number, one in enumerate(archive.sessions(files), 1):
                progress(number, len(files))
                if isinstance(one, Unreadable):
                    yield Check("archive", "broken", str(one))
                else:
                    readable += 1
        yield Check("archive", "ok", f"{archive.path}: {readable} sessions")
        yield _writable(archive.repository.git_dir)
        missing = archive.drivers_missing()
        if missing:
            yield Check("drivers", "note", f"`chasm git install` would {', '.join(missing)}")
        else:
            yield Check("drivers", "ok", "sessions merge and compare by message")


def _writable(folder: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Check("writable", "ok", str(folder))
    except OSError as error:
        return Check("writable", "broken", f"{folder}: {error.strerror}; nothing can be harvested into it")


def _disk(context: Context) -> Iterator[Check]:
    path = context.archive_path()
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    if there != path and not os.access(there, os.W_OK):
        yield Check("writable", "broken", f"{there} cannot be written to, so no archive can be made at {path}")
    free = shutil.disk_usage(there).free
    detail = f"{free / 2**30:,.1f} GiB free at {there}"
    yield Check("disk", "broken" if free < _FEW_BYTES else "note" if free < _SCARCE_BYTES else "ok", detail)


def _providers(context: Context) -> Iterator[Check]:
    from chasm_git.api import providers

    env = context.env()
    found = list(providers(env))
    here = [f"{one.name} ({one.sources})" for one in found if one.sources]
    if here:
        yield Check("providers", "ok", f"sources below {env.home}: {', '.join(here)}")
    else:
        yield Check("providers", "note", f"nothing below {env.home}; `chasm provider list` says what is looked for")
    for one in found:
        for problem in one.problems:
            yield Check("providers", "note", f"{one.name}: {problem}")
