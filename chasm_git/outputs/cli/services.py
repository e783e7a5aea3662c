"""What the `service` commands share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.outputs.service import Place

Kind = Literal["systemd", "launchd", "cron", "claude-code"]

kind_option = click.option(
    "--kind",
    type=click.Choice(["systemd", "launchd", "cron", "claude-code"]),
    help="Which kind; else what this machine has.",
)


def place(context: Context) -> Place:
    """This machine, for this user."""
    from chasm_git.outputs.service import Place

    user = os.getuid() if hasattr(os, "getuid") else 0
    return Place(Path.home(), context.variables, sys.platform, user)


def program(context: Context) -> list[str]:
    """How a service starts this program on this archive and home."""
    home = ["--home", str(Path(context.home).expanduser().absolute())] if context.home is not None else []
    return [sys.executable, "-m", "chasm_git", "-C", str(context.archive_path()), *home]


def say(context: Context, done: list[str], kind: Kind | None, dry_run: bool) -> None:
    """Print what was done."""
    if context.json:
        context.terminal.json({"kind": kind, "dry_run": dry_run, "done": done})
        return
    for line in done:
        context.terminal.line(f"would have {line}" if dry_run else line)
