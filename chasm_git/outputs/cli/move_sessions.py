"""`chasm move sessions`: sessions that belong to another folder."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.move_workspace import absolute
from chasm_git.outputs.cli.words import show


@click.command("sessions")
@click.argument("sessions", nargs=-1, required=True, metavar="ID...")
@click.argument("folder", metavar="NEW")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, sessions: tuple[str, ...], folder: str, dry_run: bool) -> None:
    """Have sessions belong to the folder NEW, as one commit. No harvest moves them back."""
    target = absolute(folder)
    with context.open_archive() as archive:
        made = archive.move_sessions(sessions, target, dry_run=dry_run)
    show(context, made, f"belongs to {target}", dry_run, new=target)
