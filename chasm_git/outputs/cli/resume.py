"""`chasm resume`: go on with a session, in any tool."""

from __future__ import annotations

from pathlib import Path

import click

from chasm_git.outputs.cli import writing_back
from chasm_git.outputs.cli.context import Context


@click.command("resume")
@click.argument("name", metavar="ID")
@click.option("--in", "into", metavar="PROVIDER", help="The tool to go on in; else the one it came from.")
@click.option("--at", "revision", metavar="REV", help="As it was at a revision or snapshot (also ID@REV).")
@click.option("--path", type=click.Path(path_type=Path), metavar="DIR", help="The folder to go on in.")
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(
    context: Context,
    name: str,
    into: str | None,
    revision: str | None,
    path: Path | None,
    force: bool,
    dry_run: bool,
) -> None:
    """Have a tool ready to go on with a session, and print the command that does.

    In the tool it came from it is put back exactly, where it is missing. In another one it is written in that tool's
    format, as a session of its own, and what has no place there is counted. A session as it was (--at) becomes a copy:
    what came after it stays. Its folder is the one it was held in, or a clone of the same repository here.
    """
    with context.open_archive() as archive:
        row = archive.resume(
            name if revision is None else f"{name}@{revision}",
            context.env(),
            into=into,
            path=path,
            here=Path.cwd(),
            force=force,
            dry_run=dry_run,
        )
    writing_back.show_resumed(context, row, dry_run)
