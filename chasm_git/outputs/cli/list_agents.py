"""`chasm list agents`: sessions of sub-agents."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import filters
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.list_sessions import shortened


@click.command("agents")
@filters.options
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.pass_obj
def command(context: Context, chosen: filters.Filter, limit: int | None) -> None:
    """List the sessions that an agent held for another session, the latest first.

    "of" is the session that started it.
    """
    from chasm_git.outputs.cli.terminal import local_time

    terminal = context.terminal
    with context.open_archive() as archive:
        found, finish = filters.choose(archive, chosen, terminal)
    ids = [one.summary.id for one in found]
    found = [one for one in found if one.summary.parent is not None][:limit]
    if context.json:
        terminal.json([one.as_json() for one in found])
    elif found:
        short = dict(zip(ids, shortened(ids, ()), strict=True)) if terminal.interactive else {}
        rows = [
            (
                short.get(one.summary.id, one.summary.id),
                short.get(one.summary.parent or "", one.summary.parent),
                one.summary.provider,
                local_time(one.summary.updated_at),
                one.summary.messages,
                one.summary.title,
            )
            for one in found
        ]
        terminal.table(["id", "of", "provider", "last message", "> messages", "title"], rows)
    else:
        terminal.notice("no session of a sub-agent matches")
    finish()
