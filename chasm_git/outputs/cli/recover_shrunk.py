"""`chasm recover shrunk`: what tools lost of their sessions, put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli import recovering, writing_back
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Recovery


@click.command("shrunk")
@click.argument("sessions", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are listed.")
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(context: Context, sessions: tuple[str, ...], everything: bool, force: bool, dry_run: bool) -> None:
    """List the sessions that their tool has less of than it once had; put back those named, or --all.

    As the last harvest found them. A tool that holds something the archive does not is left alone.
    """
    if sessions and everything:
        raise UsageError("name sessions, or --all")
    with recovering.recovery(context) as lost:
        if not sessions and not everything:
            _list(context, lost)
            return
        names = list(sessions) or [f"{one.provider}/{one.id}" for one in lost.shrunk()]
        report = lost.put_back(names, dry_run=dry_run, force=force)
    writing_back.finish(context, report, is_one=bool(sessions))


def _list(context: Context, lost: Recovery) -> None:
    found = lost.shrunk()
    if context.json:
        context.terminal.json([one.as_json() for one in found])
    elif found:
        rows = [(one.id, one.provider, one.held, one.lost, one.title[:50]) for one in found]
        context.terminal.table(["session", "provider", "> held", "> lost", "title"], rows)
        context.terminal.notice("`chasm recover shrunk ID` (or --all) puts back what is lost")
    else:
        context.terminal.line("no tool has less of a session than it once had")
