"""`chasm detect orphaned`: sessions on this machine that their tools do not show."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import recovering, writing_back
from chasm_git.outputs.cli.context import Context


@click.command("orphaned")
@click.argument("path", required=False)
@click.option("--recover", "-r", is_flag=True, help="Harvest them; put back and list those whose folder is known.")
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(context: Context, path: str | None, recover: bool, force: bool, dry_run: bool) -> None:
    """Show sessions that lie here and that no tool shows: their folder has gone or was made anew, a list lost them.

    With PATH, those that belong to that folder, which they go on in when they are recovered.
    """
    with recovering.recovery(context, make=recover, dry_run=dry_run) as lost:
        found, problems = lost.orphans(recovering.folder(path) if path is not None else None)
        made = lost.recover_orphans(found, dry_run=dry_run, force=force) if recover else None
    recovering.say_problems(context, problems)
    if made is not None:
        if not context.json:
            recovering.show_orphans(context, found)
        left = sum(one.moved_to is None for one in found)
        if left:
            context.terminal.notice(
                f"{left} folders are not found again: their sessions are in the archive; "
                "`chasm detect orphaned NEW --recover` puts them into the folder NEW"
            )
        recovering.show_recovered(context, made)
    elif context.json:
        context.terminal.json([one.as_json() for one in found])
    else:
        recovering.show_orphans(context, found)
