"""`chasm detect session`: where a session lives."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import recovering
from chasm_git.outputs.cli.context import Context


@click.command("session")
@click.argument("session")
@click.pass_obj
def command(context: Context, session: str) -> None:
    """Show where SESSION is: its tool's files here, its file in the archive, its versions, other machines."""
    with recovering.recovery(context) as lost:
        found = lost.whereabouts(session)
    terminal = context.terminal
    if context.json:
        terminal.json(found.as_json())
        return
    terminal.line(f"{found.provider}  {found.id}  {' '.join(found.title.split())[:60]}", bold=True)
    if found.workspace is not None:
        terminal.line(f"folder    {found.workspace}{'' if found.workspace_is_here else '  (not on this machine)'}")
    for path in found.files or ["nothing of it is in its tool on this machine: `chasm fetch session` puts it there"]:
        terminal.line(f"tool      {path}")
    versions = f"  ({found.versions} version{'s' * (found.versions != 1)})"
    terminal.line(f"archive   {found.path}{versions}" if found.path else "archive   not there yet: `chasm harvest run`")
    for one in found.machines:
        terminal.line(f"machine   {one.machine}: {'all of it' if one.same else 'another state of it'}")
