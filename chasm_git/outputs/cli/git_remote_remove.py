"""`chasm git remote remove`: forget a remote."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.context import Context


@click.command("remove")
@click.argument("name", metavar="NAME")
@click.pass_obj
def command(context: Context, name: str) -> None:
    """Forget a remote. What it holds, and what is in the archive, stays as it is."""
    from chasm_git.outputs.cli.git_remote_list import as_json

    with context.open_archive() as archive:
        gone = archive.remove_remote(name)
    if context.json:
        context.terminal.json(as_json(gone))
    else:
        context.terminal.line(f"forgot {gone.shown}")
