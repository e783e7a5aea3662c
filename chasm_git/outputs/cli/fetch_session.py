"""`chasm fetch session`: single sessions, back in the tools they came from."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import writing_back
from chasm_git.outputs.cli.context import Context


@click.command("session")
@click.argument("names", nargs=-1, required=True, metavar="ID…")
@writing_back.to_option
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(context: Context, names: tuple[str, ...], to: str | None, force: bool, dry_run: bool) -> None:
    """Put sessions back into the tools they came from, with their sub-agents, exactly as they were.

    ID@REV is a session as it was then. What is newer in the tool is left alone, and the exit code is 1.
    """
    with context.open_archive() as archive, context.terminal.progress("writing") as advance:
        report = archive.fetch(
            context.env(),
            names=names,
            to=writing_back.folder(to),
            force=force,
            dry_run=dry_run,
            progress=advance,
        )
    writing_back.finish(context, report, is_one=True)
