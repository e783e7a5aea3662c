"""`chasm export path`: the sessions of a folder."""

from __future__ import annotations

from pathlib import Path

import click

from chasm_git.outputs.cli import exporting
from chasm_git.outputs.cli.context import Context


@click.command("path")
@click.argument("dest", metavar="DEST")
@click.argument("folder", metavar="[PATH]", required=False)
@click.option("--at", "revision", metavar="REV", help="As they were at a snapshot, a commit, @{yesterday}.")
@exporting.options
@click.pass_obj
def command(context: Context, dest: str, folder: str | None, revision: str | None, asked: exporting.Asked) -> None:
    """Write the sessions that were held in the folder PATH (this one by default), or below it, to DEST.

    DEST is a folder; a file where the form takes several sessions (json, jsonl, csv, text); or - for standard output.
    """
    place = folder or str(Path.cwd())
    with context.open_archive() as archive:
        unread: list[str] = []
        found = archive.held_in([place], revision, unread=unread)
        exporting.tell_unread(context, unread)
        exporting.export(context, archive, found, dest, asked, place)
