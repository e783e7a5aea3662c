"""`chasm harvest import`: the exports that services mail to people."""

from __future__ import annotations

from pathlib import Path

import click

from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.harvest_run import archive_of, finish


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--provider", "-p", metavar="P", help="Whose export it is, where its content does not say.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("-m", "--message", metavar="MSG", help="First line of the commit message.")
@click.option("--redact", type=click.Choice(["off", "warn", "mask"]), help="What becomes of credentials.")
@click.pass_obj
def command(
    context: Context,
    files: tuple[Path, ...],
    provider: str | None,
    dry_run: bool,
    message: str | None,
    redact: str | None,
) -> None:
    """Bring the conversations of export files into the archive, as one commit.

    A FILE is a zip as it was mailed, a folder, or a JSON file; whose it is shows in its content. A client's own file is
    never taken for an export: it is read as that client's, or it is said how to (`chasm import path`). What the archive
    has already is not added again, and what an export lacks stays in the archive.
    """
    from chasm_git import api

    with (
        archive_of(context, dry_run, lambda: api.check_import(files, provider)) as archive,
        context.terminal.progress("reading") as advance,
    ):
        report = archive.import_files(
            files, provider=provider, dry_run=dry_run, message=message, redact=redact, progress=advance
        )
    finish(context, report, dry_run)
