"""`chasm git add`: harvest and commit just these sessions."""

from __future__ import annotations

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.harvest_run import harvest


@click.command("add")
@click.argument("sessions", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Everything that is new.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("-m", "--message", metavar="MSG", help="First line of the commit message.")
@click.pass_obj
def command(context: Context, sessions: tuple[str, ...], everything: bool, dry_run: bool, message: str | None) -> None:
    """Harvest just these sessions (ids in full), or all of them, and commit them."""
    if not sessions and not everything:
        raise UsageError("name the sessions to add, or say --all")
    chosen = None if everything else frozenset(sessions)
    harvest(context, sessions=chosen, dry_run=dry_run, message=message)
