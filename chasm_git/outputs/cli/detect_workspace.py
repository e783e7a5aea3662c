"""`chasm detect workspace`: the sessions of a folder, wherever it was before."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import recovering, writing_back
from chasm_git.outputs.cli.context import Context


@click.command("workspace")
@click.argument("path", default=".")
@click.option("--recover", "-r", is_flag=True, help="Harvest them and put them into their tools, for this folder.")
@click.option("--verbose", "-v", is_flag=True, help="All sessions, all reasons, and candidates that are less sure.")
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(context: Context, path: str, recover: bool, verbose: bool, force: bool, dry_run: bool) -> None:
    """Show which sessions belong to the folder PATH, also after it was moved, renamed or cloned anew.

    Each candidate has a score from 0 to 1 and what speaks for it: the remote of its repository, a commit, files that
    are here, names, identity on disk. From 0.5 on sessions are taken to belong; --verbose shows what is below.
    """
    if recover:
        with (
            recovering.recovery(context, make=True, dry_run=dry_run) as lost,
            context.terminal.progress("reading") as advance,
        ):
            found = lost.detect(recovering.folder(path), progress=advance)
            made = lost.recover(found, dry_run=dry_run, force=force)
        recovering.show_recovered(context, made)
        return
    found = recovering.detected(context, path, verbose=verbose)
    if context.json:
        context.terminal.json(found.as_json())
    else:
        recovering.show_candidates(context, found, verbose=verbose)
