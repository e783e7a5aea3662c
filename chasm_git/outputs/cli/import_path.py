"""`chasm import path`: what was exported comes in again."""

from __future__ import annotations

from pathlib import Path

import click

from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.harvest_run import archive_of, finish
from chasm_git.outputs.cli.move_workspace import absolute


@click.command("path")
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path))
@click.argument("project", metavar="[PROJECT]", required=False)
@click.option("--provider", "-p", metavar="P", help="Whose files they are, where their content does not say.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("-m", "--message", metavar="MSG", help="First line of the commit message.")
@click.pass_obj
def command(
    context: Context, source: Path, project: str | None, provider: str | None, dry_run: bool, message: str | None
) -> None:
    """Bring sessions into the archive from the file or folder SRC, as one commit.

    What `chasm export` wrote (md, json, jsonl, native) gives the very same sessions; session files of another archive,
    exports that services mail and files as clients keep them are read, too. With PROJECT the sessions belong to that
    folder. What the archive has already is not added again.
    """
    workspace = absolute(project) if project is not None else None
    from chasm_git import api

    with (
        archive_of(context, dry_run, lambda: api.check_import([source], provider, natives=True)) as archive,
        context.terminal.progress("reading") as advance,
    ):
        report = archive.import_files(
            [source],
            provider=provider,
            dry_run=dry_run,
            message=message,
            progress=advance,
            workspace=workspace,
            natives=True,
        )
    finish(context, report, dry_run)
