"""`chasm export batch`: the sessions of several folders."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import exporting
from chasm_git.outputs.cli.context import Context


@click.command("batch")
@click.argument("dest", metavar="DEST")
@click.argument("folders", metavar="PATH...", nargs=-1, required=True)
@click.option("--at", "revision", metavar="REV", help="As they were at a snapshot, a commit, @{yesterday}.")
@exporting.options
@click.pass_obj
def command(
    context: Context, dest: str, folders: tuple[str, ...], revision: str | None, asked: exporting.Asked
) -> None:
    """Write the sessions that were held in any of these folders, or below them, to DEST.

    DEST is a folder; a file where the form takes several sessions (json, jsonl, csv, text); or - for standard output.
    """
    with context.open_archive() as archive:
        unread: list[str] = []
        found = archive.held_in(folders, revision, unread=unread)
        exporting.tell_unread(context, unread)
        exporting.export(context, archive, found, dest, asked, ", ".join(folders))
