"""`chasm list sessions`: what is in the archive, the latest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import click

from chasm_git.outputs.cli import filters
from chasm_git.outputs.cli.context import Context

_SHORTEST_ID = 8


@click.command("sessions")
@filters.options
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.pass_obj
def command(context: Context, chosen: filters.Filter, limit: int | None) -> None:
    """List the sessions of the archive, the latest first.

    The id may be cut to any beginning that no other session's id has.
    """
    from chasm_git.outputs.cli.terminal import local_time

    terminal = context.terminal
    with context.open_archive() as archive:
        found, finish = filters.choose(archive, chosen, terminal)
        found = found[:limit]
        if context.json:
            terminal.json([one.as_json() for one in found])
            finish()
            return
        ids = [one.summary.id for one in found]
        if terminal.interactive:
            names = {path.rpartition("/")[2].removesuffix(".yaml") for path in archive.session_files()}
            ids = shortened(ids, names)
    rows = [
        (
            shown,
            one.summary.provider,
            local_time(one.summary.updated_at),
            one.summary.messages,
            one.summary.title,
            one.summary.workspace,
        )
        for shown, one in zip(ids, found, strict=True)
    ]
    if rows:
        terminal.table(["id", "provider", "last message", "> messages", "title", "workspace"], rows)
    else:
        terminal.notice("no session matches" if chosen != filters.Filter() else "the archive holds no session yet")
    finish()


def shortened(ids: Sequence[str], others: Iterable[str]) -> list[str]:
    """Each id cut to the shortest beginning (of at least eight characters) that names it alone among all."""
    every = sorted({*ids, *others})
    needed: dict[str, int] = dict.fromkeys(every, _SHORTEST_ID)
    for one, following in pairwise(every):
        same = next((n for n, (a, b) in enumerate(zip(one, following, strict=False)) if a != b), len(one))
        needed[one] = max(needed[one], same + 1)
        needed[following] = max(needed[following], same + 1)
    return [one[: needed[one]] for one in ids]
