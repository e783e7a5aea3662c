"""`chasm register session`: a tool lists a session that it has."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import writing_back
from chasm_git.outputs.cli.context import Context


@click.command("session")
@click.argument("names", nargs=-1, required=True, metavar="ID…")
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(context: Context, names: tuple[str, ...], force: bool, dry_run: bool) -> None:
    """Have tools list sessions that they have in their store and do not show. The sessions stay as they are."""
    with context.open_archive() as archive, context.terminal.progress("writing") as advance:
        report = archive.register(context.env(), names=names, force=force, dry_run=dry_run, progress=advance)
    writing_back.finish(context, report, is_one=True)
