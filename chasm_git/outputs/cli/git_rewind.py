"""`chasm git rewind`: the whole archive as it was."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.git_restore import show


@click.command("rewind")
@click.argument("snapshot", metavar="SNAPSHOT")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, snapshot: str, dry_run: bool) -> None:
    """Put the whole archive back as it was at a snapshot (or any revision), as a new commit.

    Nothing is lost: the state before stays in the history, and how to go back to it is printed.
    """
    with context.open_archive() as archive:
        made = archive.rewind(snapshot, dry_run=dry_run)
    show(context, made, f"chasm git rewind {made.undo[:12]}", dry_run)
