"""`chasm merge all`: one new session from all there are."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import merging
from chasm_git.outputs.cli.context import Context


@click.command("all")
@merging.options
@click.pass_obj
def command(context: Context, title: str | None, dry_run: bool) -> None:
    """Make one new session of all there are.

    Every message stands in it once, in the order of time, with the session it is from. Nothing else changes; merging
    the same sessions again brings the new one up to date.
    """
    with context.open_archive() as archive:
        made = archive.merge_all(title=title, dry_run=dry_run)
    merging.show(context, made, dry_run)
