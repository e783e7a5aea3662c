"""`chasm git snapshots`: the states of the archive that have a name."""

from __future__ import annotations

from dataclasses import asdict

import click

from chasm_git.outputs.cli.context import Context


@click.command("snapshots")
@click.pass_obj
def command(context: Context) -> None:
    """List the snapshots, the latest first."""
    from chasm_git.outputs.cli.terminal import local_time

    terminal = context.terminal
    with context.open_archive() as archive:
        found = archive.snapshots()
    if context.json:
        terminal.json([asdict(one) for one in found])
        return
    rows = [
        (one.name, local_time(one.at), one.sessions, one.commit[:12], one.message.partition("\n")[0]) for one in found
    ]
    if rows:
        terminal.table(["snapshot", "taken", "> sessions", "commit", "message"], rows)
    else:
        terminal.notice("there is no snapshot yet; `chasm git snapshot` takes one")
