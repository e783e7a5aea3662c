"""`chasm list workspaces`: the folders that sessions were held in."""

from __future__ import annotations

from dataclasses import dataclass, field

import click

from chasm_git.outputs.cli import filters
from chasm_git.outputs.cli.context import Context


@dataclass(slots=True)
class _Workspace:
    sessions: int = 0
    messages: int = 0
    providers: set[str] = field(default_factory=set)
    created_at: str | None = None
    updated_at: str | None = None


@click.command("workspaces")
@filters.options
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most so many.")
@click.pass_obj
def command(context: Context, chosen: filters.Filter, limit: int | None) -> None:
    """List the folders that sessions were held in, the one with the latest message first."""
    from chasm_git.outputs.cli.terminal import local_time

    terminal = context.terminal
    with context.open_archive() as archive:
        found, finish = filters.choose(archive, chosen, terminal)
    workspaces: dict[str | None, _Workspace] = {}
    for one in found:  # the latest first, and so they stay
        summary = one.summary
        into = workspaces.setdefault(summary.workspace, _Workspace(updated_at=summary.updated_at))
        into.sessions += 1
        into.messages += summary.messages
        into.providers.add(summary.provider)
        if summary.created_at is not None:
            into.created_at = min(into.created_at or summary.created_at, summary.created_at)
    shown = list(workspaces.items())[:limit]
    if context.json:
        terminal.json(
            [
                {
                    "workspace": path,
                    "sessions": made.sessions,
                    "messages": made.messages,
                    "providers": sorted(made.providers),
                    "created_at": made.created_at,
                    "updated_at": made.updated_at,
                }
                for path, made in shown
            ]
        )
    elif shown:
        rows = [
            (
                path or "(none)",
                made.sessions,
                made.messages,
                local_time(made.updated_at),
                ", ".join(sorted(made.providers)),
            )
            for path, made in shown
        ]
        terminal.table(["workspace", "> sessions", "> messages", "last message", "providers"], rows)
    else:
        terminal.notice("no workspace matches" if chosen != filters.Filter() else "the archive holds no session yet")
    finish()
