"""`chasm git restore`: one session as it was."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Restored

_MOST = 20
_SIGNS = {"added": "+", "updated": "~", "removed": "-"}


@click.command("restore")
@click.argument("session", metavar="ID@REV")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, session: str, dry_run: bool) -> None:
    """Put one session back as it was at a revision, with its attachments, as a new commit.

    Nothing is lost: the state before stays in the history, and how to go back to it is printed.
    """
    with context.open_archive() as archive:
        made = archive.restore(session, dry_run=dry_run)
    name = session.partition("@")[0]
    undo = f"chasm git restore {name}@{made.undo[:12]}"
    if any(change.kind == "added" for change in made.changes):  # there was none to put back again
        undo = f"chasm git rewind {made.undo[:12]}"
    show(context, made, undo, dry_run)


def show(context: Context, made: Restored, undo: str, dry_run: bool) -> None:
    """Print what was put back, and how to undo it.

    Args:
        undo: the command that does.
    """
    terminal = context.terminal
    if context.json:
        terminal.json({**asdict(made), "undo_command": undo, "dry_run": dry_run})
        return
    if not made.changes and not made.attachments and not made.other:
        terminal.line("nothing to do: it is so already")
        return
    terminal.line(f"{'would put' if dry_run else 'put'} back as of {made.source[:12]}:")
    for change in made.changes[:_MOST]:
        terminal.line(f"  {_SIGNS[change.kind]} {change.path}")
    if len(made.changes) > _MOST:
        terminal.line(f"  … and {len(made.changes) - _MOST} more sessions")
    for path in made.other:
        terminal.line(f"  ~ {path}")
    if made.attachments:
        terminal.line(f"  and {len(made.attachments)} attachments")
    if made.commit is not None:
        terminal.notice(f"commit {made.commit[:12]}; to undo it: {undo}")
    for kept in made.kept:
        terminal.notice(f"chasm: {kept.path}: left as you have it: {kept.reason}")
    if made.pending is not None:
        terminal.notice(f"chasm: the worktree will follow later: {made.pending}")
