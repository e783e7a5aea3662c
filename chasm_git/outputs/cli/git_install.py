"""`chasm git install`: what makes plain git better on this clone of the archive."""

from __future__ import annotations

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context


@click.command("install")
@click.option("--hooks", is_flag=True, help="Also hooks: what is committed and pushed is checked.")
@click.option("--uninstall", is_flag=True, help="Take all of it away again, hooks too.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, hooks: bool, uninstall: bool, dry_run: bool) -> None:
    """Set up this clone: git then merges and compares sessions by message.

    Hooks that are there already keep running. A second time changes nothing.
    """
    if hooks and uninstall:
        raise UsageError("choose one of --hooks and --uninstall")
    with context.open_archive() as archive:
        done = archive.uninstall(dry_run=dry_run) if uninstall else archive.install(hooks=hooks, dry_run=dry_run)
    if context.json:
        context.terminal.json({"changes": done, "dry_run": dry_run})
        return
    for line in done:
        context.terminal.line(("would " if dry_run else "") + line)
    if not done:
        context.terminal.notice("nothing to do: it is so already")
