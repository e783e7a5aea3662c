"""What the merge commands share: their options, and what they print."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.words import after

if TYPE_CHECKING:
    from chasm_git.api import Combined


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options every merge takes."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing."),
        click.option("--title", "-t", metavar="TEXT", help="Of the new session; else made of the others'."),
    ):
        command = option(command)
    return command


def show(context: Context, made: Combined, dry_run: bool) -> None:
    """Print what came of it."""
    terminal = context.terminal
    if context.json:
        sources = [{"id": one.id, "provider": one.provider} for one in made.sources]
        facts = {"id": made.id, "title": made.title, "path": made.path, "sources": sources, "records": made.messages}
        terminal.json(
            {**facts, "doubled": made.doubled, "new": made.is_new, "commit": made.edited.commit, "dry_run": dry_run}
        )
    elif made.edited.commit is None and not dry_run:
        terminal.line(f"nothing new: {made.id} holds them all already")
    else:
        said = "would merge" if dry_run else "merged"
        terminal.line(f"{said} {len(made.sources)} sessions into {made.id}: {made.title}")
        taken = f", {made.doubled} that stood twice taken once" if made.doubled else ""
        terminal.line(f"  {made.messages} records{taken}; the sessions themselves stay as they are")
    after(context, made.edited)
