"""`chasm cache status`: where the search cache is and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import CacheStatus

_STATES = {
    "current": "holds the latest commit",
    "behind": "older than the latest commit; the next search follows",
    "missing": "not made yet; the first search makes it",
    "unusable": "cannot be used; the next search makes it again if it can",
}


@click.command("status")
@click.pass_obj
def command(context: Context) -> None:
    """Say where the search cache is and how it stands; it may be deleted at any time."""
    with context.open_archive() as archive:
        status = archive.cache_status()
    show(context, status)


def show(context: Context, status: CacheStatus) -> None:
    """Print how the cache stands."""
    terminal = context.terminal
    if context.json:
        terminal.json(status.as_json())
        return
    terminal.line(status.path)
    terminal.line(_STATES[status.state] + (f" ({status.reason})" if status.reason else ""))
    if status.commit is not None:
        size = f"{status.size / 1e6:.1f} MB for {status.text / 1e6:.1f} MB of text"
        terminal.line(f"{status.sessions} sessions at {status.commit[:10]}, {size}")
    if status.unread:
        terminal.line(f"{status.unread} session files could not be read; `chasm git verify` names them")
