"""`chasm fetch workspace`: the sessions of a workspace, back in the tools they came from."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import writing_back
from chasm_git.outputs.cli.context import Context


@click.command("workspace")
@click.argument("pattern")
@writing_back.to_option
@writing_back.provider_option
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(
    context: Context, pattern: str, to: str | None, providers: tuple[str, ...], force: bool, dry_run: bool
) -> None:
    """Put back the sessions of a workspace: of the one with this path, else of all whose path holds PATTERN."""
    with context.open_archive() as archive, context.terminal.progress("writing") as advance:
        report = archive.fetch(
            context.env(),
            workspace=pattern,
            to=writing_back.folder(to),
            providers=providers,
            force=force,
            dry_run=dry_run,
            progress=advance,
        )
    writing_back.finish(context, report)
