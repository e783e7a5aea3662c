"""`chasm git pull`: take what a remote has, and merge it."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import syncing
from chasm_git.outputs.cli.context import Context


@click.command("pull")
@click.argument("remote", required=False, metavar="[REMOTE]")
@click.option("--strategy", metavar="NAME", help="Who decides what both sides changed: see `chasm sync`.")
@syncing.dry_run_option
@syncing.timeout_option
@click.pass_obj
def command(context: Context, remote: str | None, strategy: str | None, dry_run: bool, timeout: float | None) -> None:
    """Fetch from a remote and merge by messages; nothing is sent."""
    syncing.run(context, remote, push=False, strategy=strategy, dry_run=dry_run, timeout=timeout)
