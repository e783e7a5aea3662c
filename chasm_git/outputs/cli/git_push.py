"""`chasm git push`: give a remote what it lacks."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import syncing
from chasm_git.outputs.cli.context import Context


@click.command("push")
@click.argument("remote", required=False, metavar="[REMOTE]")
@syncing.dry_run_option
@syncing.secrets_option
@syncing.timeout_option
@click.pass_obj
def command(context: Context, remote: str | None, dry_run: bool, allow_secrets: bool, timeout: float | None) -> None:
    """Send commits, snapshots and what this machine's providers held to a remote.

    Never by force: where the remote has commits that are not here, `chasm sync` merges them first. Where there are
    credentials in what it would get, nothing is sent (chasm.yaml: secrets: push:).
    """
    syncing.run(context, remote, pull=False, dry_run=dry_run, allow_secrets=allow_secrets, timeout=timeout)
