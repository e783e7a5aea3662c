"""`chasm merge path`: one new session from all of a folder."""

from __future__ import annotations

from pathlib import Path

import click

from chasm_git.outputs.cli import merging
from chasm_git.outputs.cli.context import Context


@click.command("path")
@click.argument("folder", metavar="[PATH]", required=False)
@merging.options
@click.pass_obj
def command(context: Context, folder: str | None, title: str | None, dry_run: bool) -> None:
    """Make one new session of all that were held in the folder PATH (this one by default), or below it.

    Every message stands in it once, in the order of time, with the session it is from. Nothing else changes; merging
    the same sessions again brings the new one up to date.
    """
    with context.open_archive() as archive:
        made = archive.merge_path(folder or str(Path.cwd()), title=title, dry_run=dry_run)
    merging.show(context, made, dry_run)
