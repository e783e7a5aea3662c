"""`chasm git blame`: the last commit that touched each message of a session."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.context import Context

_TEXT = 60


@click.command("blame")
@click.argument("session", metavar="ID[@REV]")
@click.pass_obj
def command(context: Context, session: str) -> None:
    """Show, for each message of a session, the last commit that changed it."""
    from chasm_git.outputs.cli.terminal import local_time

    terminal = context.terminal
    with context.open_archive() as archive:
        found = archive.blame(session)
    if context.json:
        terminal.json(
            [
                {
                    "id": one.id,
                    "role": one.role,
                    "timestamp": one.timestamp,
                    "text": one.text,
                    "commit": one.commit.id,
                    "author": one.commit.author,
                    "date": one.commit.at,
                    "subject": one.commit.subject,
                }
                for one in found
            ]
        )
        return
    rows = [
        (one.commit.id[:12], local_time(one.commit.at), one.commit.subject[:_TEXT], one.role, one.text[:_TEXT])
        for one in found
    ]
    if rows:
        terminal.table(["commit", "date", "subject", "role", "message"], rows)
    else:
        terminal.notice("the session has no messages")
