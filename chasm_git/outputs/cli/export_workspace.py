"""`chasm export workspace`: the sessions of a folder, by a part of its path."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import exporting
from chasm_git.outputs.cli.context import Context


@click.command("workspace")
@click.argument("dest", metavar="DEST")
@click.argument("workspace", metavar="W")
@click.option("--at", "revision", metavar="REV", help="As they were at a snapshot, a commit, @{yesterday}.")
@exporting.options
@click.pass_obj
def command(context: Context, dest: str, workspace: str, revision: str | None, asked: exporting.Asked) -> None:
    """Write the sessions of the workspace W to DEST: its whole path, or any part of one (as `find workspace` takes it).

    DEST is a folder; a file where the form takes several sessions (json, jsonl, csv, text); or - for standard output.
    """
    with context.open_archive() as archive:
        unread: list[str] = []
        found = archive.of_workspace(workspace, revision, unread=unread)
        exporting.tell_unread(context, unread)
        exporting.export(context, archive, found, dest, asked, workspace)
