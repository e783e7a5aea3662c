"""`chasm sync`: this archive and a remote come to the same state."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import syncing
from chasm_git.outputs.cli.context import Context


@click.command("sync")
@click.argument("remote", required=False, metavar="[REMOTE]")
@click.option(
    "--strategy",
    metavar="NAME",
    help="Who decides what both sides changed: auto, keep-both, local-wins, remote-wins, most-recent, manual. "
    "Else as chasm.yaml says (conflicts:), else auto.",
)
@syncing.dry_run_option
@syncing.secrets_option
@syncing.timeout_option
@click.pass_obj
def command(
    context: Context,
    remote: str | None,
    strategy: str | None,
    dry_run: bool,
    allow_secrets: bool,
    timeout: float | None,
) -> None:
    """Fetch from a remote, merge by messages, push: afterwards both hold the same.

    Safe to run from a timer: nothing asks, a machine that was faster is merged with first, a remote that does not
    answer is left for the next time. What two machines changed differently is kept twice, and the exit code is 3.
    """
    syncing.run(context, remote, strategy=strategy, dry_run=dry_run, allow_secrets=allow_secrets, timeout=timeout)
