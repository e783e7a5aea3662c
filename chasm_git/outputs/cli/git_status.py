"""`chasm git status`: providers, worktree and remotes against the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Archive, Status

_MOST = 30


@click.command("status")
@click.option("--all", "everything", is_flag=True, help="Sessions that are in order, too.")
@click.pass_obj
def command(context: Context, everything: bool) -> None:
    """Show what differs: providers from the archive, its worktree from its commit, its branch from remotes.

    Looks only; nothing is harvested and no remote is asked.
    """
    from chasm_git.outputs.cli.terminal import local_time

    terminal = context.terminal
    with context.open_archive() as archive:
        found = archive.status(context.env(), every=everything or context.json)
        if context.json:
            terminal.json({"archive": str(archive.path), **found.as_json()})
            return
        terminal.line(f"{archive.path}: {found.total} sessions")
        for remote in found.remotes:
            last = f"last sync {local_time(remote.last_sync)}" if remote.last_sync else "never synced"
            commits = f"{remote.ahead} commits to push, {remote.behind} to pull"
            terminal.line(f"{remote.name}: {commits}; {remote.mode}, {last}")
        if found.pending_uploads or found.pending_downloads:
            terminal.line(f"{found.pending_uploads} sessions to send, {found.pending_downloads} to fetch (chasm sync)")
        if found.conflicts:
            terminal.line(f"decisions wait in {found.conflicts} sessions (chasm conflicts)")
        if found.elsewhere:
            terminal.line("the worktree shows another branch and is not compared")
        _providers(context, found)
        _sessions(context, archive, found, everything)
        for file in found.other:
            terminal.line(f"{file.state}{' (staged)' if file.staged else ''}: {file.path}")


def _providers(context: Context, found: Status) -> None:
    fresh = [one for one in found.providers if one.new or one.changed or one.shrunk]
    if fresh:
        context.terminal.line("")
        rows = [(one.provider, one.new, one.changed, one.shrunk) for one in fresh]
        context.terminal.table(["to harvest", "> new", "> changed", "> shrunk"], rows)
    for one in found.providers:
        for problem in one.problems:
            context.terminal.notice(f"chasm: {problem}")


def _sessions(context: Context, archive: Archive, found: Status, everything: bool) -> None:
    terminal = context.terminal
    shown = found.sessions if everything else found.sessions[:_MOST]
    if not shown:
        terminal.line("every session is in order")
        return
    files = archive.session_files()
    titles = archive.titles({one.path: files[one.path] for one in shown if one.path in files})
    rows = [(one.id, one.provider, one.source, one.worktree, one.sync_state, titles.get(one.path)) for one in shown]
    terminal.line("")
    terminal.table(["session", "provider", "at its provider", "worktree", "remote", "title"], rows)
    if len(shown) < len(found.sessions):
        terminal.notice(f"… and {len(found.sessions) - len(shown)} more; --all lists them")
