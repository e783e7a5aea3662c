"""`chasm register all`: the tools list what they have of a folder."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import writing_back
from chasm_git.outputs.cli.context import Context


@click.command("all")
@click.option("--path", default=".", metavar="DIR", help="The folder whose sessions are meant; else this one.")
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(context: Context, path: str, force: bool, dry_run: bool) -> None:
    """Have every tool list the sessions of a folder that it has in its store and does not show."""
    with context.open_archive() as archive, context.terminal.progress("writing") as advance:
        report = archive.register(context.env(), path=path, force=force, dry_run=dry_run, progress=advance)
    writing_back.finish(context, report)
