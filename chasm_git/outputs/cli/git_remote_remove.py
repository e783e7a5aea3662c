"""`chasm git remote remove`: forget a remote."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.context import Context


@click.command("remove")
@click.argument("name", metavar="NAME")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, name: str, dry_run: bool) -> None:
    """Forget a remote. What it holds, and what is in the archive, stays as it is."""
    from chasm_git.outputs.cli.git_remote_list import as_json

    with context.open_archive() as archive:
        gone = archive.remove_remote(name, dry_run=dry_run)
    if context.json:
        context.terminal.json(as_json(gone) | {"dry_run": dry_run})
    else:
        context.terminal.line(f"{'would forget' if dry_run else 'forgot'} {gone.shown}")
