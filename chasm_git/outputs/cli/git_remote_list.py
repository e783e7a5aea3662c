"""`chasm git remote list`: the remotes of the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Remote


@click.command("list")
@click.pass_obj
def command(context: Context) -> None:
    """List the remotes of the archive."""
    terminal = context.terminal
    with context.open_archive() as archive:
        found = [as_json(one) for one in archive.remotes()]
    if context.json:
        terminal.json(found)
    elif found:
        terminal.table(["remote", "place", "branch"], [(one["name"], one["url"], one["branch"]) for one in found])
    else:
        terminal.notice("there is no remote yet; `chasm git remote add origin URL` names one")


def as_json(remote: Remote) -> dict[str, Any]:
    """The stable form for programs; passwords in URLs are left out."""
    from chasm_git.api import shown_url

    return {
        "name": remote.name,
        "url": shown_url(remote.url),
        "push_url": shown_url(remote.push_url),
        "branch": remote.branch.removeprefix("refs/heads/"),
    }
