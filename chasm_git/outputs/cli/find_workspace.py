"""`chasm find workspace`: the folders whose name holds a text, with their sessions counted."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.context import Context


@click.command("workspace")
@click.argument("pattern")
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@click.pass_obj
def command(context: Context, pattern: str, limit: int | None) -> None:
    """Find the folders sessions were held in by a part of their path; * stands for anything."""
    from chasm_git.outputs.cli.terminal import local_time

    terminal = context.terminal
    with context.open_archive() as archive, terminal.progress("indexing sessions") as progress:
        found = archive.workspaces(pattern, progress=progress, notice=terminal.notice)[:limit]
    if context.json:
        terminal.json([one.as_json() for one in found])
    elif found:
        terminal.table(
            ["workspace", "> sessions", "> messages", "last message", "providers"],
            [(o.workspace, o.sessions, o.messages, local_time(o.updated_at), ", ".join(o.providers)) for o in found],
        )
    else:
        terminal.notice("no workspace matches")
