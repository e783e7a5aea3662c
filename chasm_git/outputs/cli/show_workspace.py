"""`chasm show workspace`: a folder's sessions, and what was done in them."""

from __future__ import annotations

import click

from chasm_git.errors import ChasmError
from chasm_git.outputs.bars import counted, short
from chasm_git.outputs.cli import filters
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.show_path import show_sessions


@click.command("workspace")
@click.argument("workspace", metavar="W")
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most so many sessions of each.")
@click.pass_obj
def command(context: Context, workspace: str, limit: int | None) -> None:
    """Show the folders whose path holds W (or matches it, with `*`), with their sessions, the latest first."""
    terminal = context.terminal
    with context.open_archive() as archive:
        places = archive.workspaces(workspace, notice=terminal.notice)
        counts = {
            line.name: line
            for line in archive.stats("workspace", notice=terminal.notice).lines
            if line.name in {place.workspace for place in places}
        }
        found, finish = filters.choose(archive, filters.Filter(), terminal)
    if not places:
        raise ChasmError(f"no session was held in a folder with {workspace!r} in its path; `chasm list workspaces`")
    sessions = {
        place.workspace: [one for one in found if one.summary.workspace == place.workspace][:limit] for place in places
    }
    if context.json:
        terminal.json(
            [
                {**place.as_json(), "session_list": [one.as_json() for one in sessions[place.workspace]]}
                for place in places
            ]
        )
        finish()
        return
    for number, place in enumerate(places):
        line = counts[place.workspace]
        if number:
            click.echo()
        terminal.line(place.workspace, bold=True)
        terminal.line(
            f"{counted(place.sessions, 'session')}, {counted(place.messages, 'message')}, "
            f"{counted(line.calls, 'tool call')}, "
            f"{short(line.input_tokens)} tokens in, {short(line.output_tokens)} out ({', '.join(place.providers)})"
        )
        show_sessions(terminal, sessions[place.workspace])
    finish()
