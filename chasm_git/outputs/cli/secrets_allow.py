"""`chasm secrets allow`: credentials that may stay, and leave this machine."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.secrets_mask import as_json, finish


@click.command("allow")
@click.argument("names", metavar="FINGERPRINT|ID...", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, names: tuple[str, ...], dry_run: bool) -> None:
    """Let credentials be: those with these fingerprints, or all that stand in a session now.

    Only fingerprints are written, into chasm.yaml (secrets: allow:), where every machine finds them; take a line out
    there to forbid it again.
    """
    terminal = context.terminal
    with context.open_archive() as archive, terminal.progress("looking") as progress:
        done = archive.secrets_allow(names, dry_run=dry_run, progress=progress)
    if context.json:
        terminal.json(as_json(done, dry_run))
    else:
        for fingerprint, rule in done.credentials.items():
            terminal.line(f"{'would allow' if dry_run else 'allowed'} {rule} [{fingerprint}]")
        if not done.credentials:
            terminal.line("nothing to allow")
    finish(context, done)
