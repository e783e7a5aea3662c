"""`chasm fetch path`: the sessions of a folder, back in the tools they came from."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import writing_back
from chasm_git.outputs.cli.context import Context


@click.command("path")
@click.argument("path")
@writing_back.to_option
@writing_back.provider_option
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(
    context: Context, path: str, to: str | None, providers: tuple[str, ...], force: bool, dry_run: bool
) -> None:
    """Put back the sessions held in the folder PATH, below it, or in another clone of its repository.

    Each goes into the tool it came from, exactly as it was; what is there already, or newer there, is left alone.
    """
    with context.open_archive() as archive, context.terminal.progress("writing") as advance:
        report = archive.fetch(
            context.env(),
            path=path,
            to=writing_back.folder(to),
            providers=providers,
            force=force,
            dry_run=dry_run,
            progress=advance,
        )
    writing_back.finish(context, report)
