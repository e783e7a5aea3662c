"""`chasm show path`: the sessions of a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from chasm_git.outputs.cli import filters
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.list_sessions import shortened

if TYPE_CHECKING:
    from chasm_git.api import Listed
    from chasm_git.outputs.cli.terminal import Terminal


@click.command("path")
@click.argument("path", default=".", metavar="[PATH]")
@filters.options
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.pass_obj
def command(context: Context, path: str, chosen: filters.Filter, limit: int | None) -> None:
    """Show the sessions that were held in PATH (this folder by default) or below it, the latest first."""
    terminal = context.terminal
    with context.open_archive() as archive:
        found, finish = filters.choose(archive, replace(chosen, project_path=path), terminal)
    found = found[:limit]
    if context.json:
        terminal.json([one.as_json() for one in found])
    elif found:
        show_sessions(terminal, found)
    else:
        terminal.notice("no session was held there; `chasm list workspaces` shows where some were")
    finish()


def show_sessions(terminal: Terminal, found: Sequence[Listed]) -> None:
    """A table of sessions whose folder is known."""
    from chasm_git.outputs.cli.terminal import local_time

    ids = [one.summary.id for one in found]
    if terminal.interactive:
        ids = shortened(ids, ())
    rows = [
        (shown, one.summary.provider, local_time(one.summary.updated_at), one.summary.messages, one.summary.title)
        for shown, one in zip(ids, found, strict=True)
    ]
    terminal.table(["id", "provider", "last message", "> messages", "title"], rows)
