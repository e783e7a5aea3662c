"""`chasm git snapshot`: give the archive as it is a name."""

from __future__ import annotations

from dataclasses import asdict

import click

from chasm_git.outputs.cli.context import Context


@click.command("snapshot")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("-m", "--message", metavar="MSG", help="What it is for.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, name: str | None, message: str | None, dry_run: bool) -> None:
    """Take a snapshot: a tag on the latest commit, with the date as its name if you give none.

    A snapshot never moves. `chasm git rewind NAME` puts the archive back to it.
    """
    with context.open_archive() as archive:
        made = archive.snapshot(name, message, dry_run=dry_run)
    if context.json:
        context.terminal.json(asdict(made) | {"dry_run": dry_run})
        return
    said = "would take snapshot" if dry_run else "snapshot"
    context.terminal.line(f"{said} {made.name}: {made.sessions} sessions at {made.commit[:12]}")
