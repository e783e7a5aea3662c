"""`chasm recover status`: what could be recovered, at a glance."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import recovering
from chasm_git.outputs.cli.context import Context


@click.command("status")
@click.pass_obj
def command(context: Context) -> None:
    """Say how safe the sessions on this machine are, and what could be recovered; opens none of them."""
    with recovering.recovery(context) as lost:
        found = lost.status()
    terminal = context.terminal
    if context.json:
        terminal.json(found.as_json())
        return
    if found.has_archive:
        terminal.line(f"{found.sessions} sessions in the archive")
    for count, text in (
        (found.waiting, "files hold what no harvest has read: `chasm harvest run`"),
        (found.gone, "files are gone since the last harvest; what they held is kept: `chasm sync --push`"),
        (found.shrunk, "sessions are shorter in their tool than they were: `chasm recover shrunk`"),
        (found.orphans, "sessions are in VS Code's storage and not shown: `chasm recover orphans`"),
        (len(found.replaced), "times something was replaced in a tool; the copies are kept for a month (--json)"),
    ):
        if count:
            terminal.line(f"{count} {text}")
    terminal.notice("`chasm recover scan` also looks into the files")
    recovering.say_problems(context, found.problems)
