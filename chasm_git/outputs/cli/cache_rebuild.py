"""`chasm cache rebuild`: the search cache, made anew."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.cache_status import show
from chasm_git.outputs.cli.context import Context


@click.command("rebuild")
@click.pass_obj
def command(context: Context) -> None:
    """Make the search cache anew. Nothing needs it: a cache that does not fit is made again by the next search."""
    terminal = context.terminal
    with context.open_archive() as archive, terminal.progress("indexing sessions") as progress:
        status = archive.rebuild_cache(progress=progress)
    show(context, status)
