"""`chasm sync status`: how every session stands to the remote."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import SyncStatus

_MOST = 30


@click.command("status")
@click.argument("remote", required=False, metavar="[REMOTE]")
@click.option("--all", "everything", is_flag=True, help="Sessions that are in sync, too.")
@click.pass_obj
def command(context: Context, remote: str | None, everything: bool) -> None:
    """Show how the archive stands to a remote, as it was when it was last reached; the network is not asked.

    A session is synced, local-ahead, remote-ahead, unsynced (not there yet), local-only (there is no remote), or in
    conflict: both sides changed it since, or a decision waits in it.
    """
    from chasm_git.outputs.cli.terminal import local_time

    terminal = context.terminal
    with context.open_archive() as archive:
        found = archive.sync_status(remote)
    if context.json:
        terminal.json({**asdict(found), "fully_synced": found.is_fully_synced})
        return
    if found.remote is None:
        terminal.line(f"no remote: {len(found.sessions)} sessions are on this machine only")
        terminal.notice("`chasm git remote add origin URL` names one")
        return
    last = f"last sync {local_time(found.last_sync)}" if found.last_sync else "never synced"
    terminal.line(f"{found.remote} ({found.url}): {found.mode}, {last}")
    if found.error is not None:
        terminal.line(f"the last try failed: {found.error}")
    terminal.line(
        f"{found.pending_uploads} sessions to send, {found.pending_downloads} to fetch, {found.conflicts} in conflict; "
        f"{found.ahead} commits ahead, {found.behind} behind"
    )
    _sessions(context, found, everything)


def _sessions(context: Context, found: SyncStatus, everything: bool) -> None:
    chosen = [one for one in found.sessions if everything or one.state != "synced"]
    shown = chosen if everything else chosen[:_MOST]
    if shown:
        context.terminal.line("")
        context.terminal.table(["session", "provider", "state"], [(one.id, one.provider, one.state) for one in shown])
    if len(shown) < len(chosen):
        context.terminal.notice(f"… and {len(chosen) - len(shown)} more; --all lists them")
