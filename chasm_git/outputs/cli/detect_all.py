"""`chasm detect all`: everything there is to know of a folder's sessions."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import recovering, writing_back
from chasm_git.outputs.cli.context import Context


@click.command("all")
@click.argument("path", default=".")
@click.option("--recover", "-r", is_flag=True, help="Harvest them and put them into their tools, for this folder.")
@click.option("--verbose", "-v", is_flag=True, help="All sessions, all reasons, and candidates that are less sure.")
@writing_back.dry_run_option
@click.pass_obj
def command(context: Context, path: str, recover: bool, verbose: bool, dry_run: bool) -> None:
    """Show the sessions of the folder PATH, the tools that have them, and those that no tool shows any more."""
    least = recovering.WORTH_A_LOOK if verbose and not recover else None
    with (
        recovering.recovery(context, make=recover, dry_run=dry_run) as lost,
        context.terminal.progress("reading") as advance,
    ):
        found = lost.detect(recovering.folder(path), least=least, progress=advance)
        if recover:
            recovering.show_recovered(context, lost.recover(found, dry_run=dry_run))
            return
        orphans, _ = lost.orphans(recovering.folder(path))
    if context.json:
        listed = [one.as_json() for one in orphans]
        context.terminal.json({**found.as_json(), "providers": found.providers(), "orphans": listed})
        return
    recovering.show_candidates(context, found, verbose=verbose)
    if found.candidates:
        context.terminal.line("")
        recovering.show_providers(context, found.providers())
    if orphans:
        context.terminal.line("")
        recovering.show_orphans(context, orphans)
