"""What the commands that change what is said about sessions print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Edited, Resolved

_MOST = 20


def show(context: Context, made: Edited, said: str, dry_run: bool, **facts: Any) -> None:
    """Print what changed.

    Args:
        said: what was done, to be read behind a session's id.
        facts: what the JSON document says besides.
    """
    terminal = context.terminal
    changed = [{"id": one.id, "provider": one.provider, "path": one.path} for one in made.changed]
    if context.json:
        terminal.json({**facts, "changed": changed, "commit": made.commit, "dry_run": dry_run})
    elif not changed:
        terminal.line("nothing to do: it is so already")
    else:
        for one in made.changed[:_MOST]:
            terminal.line(f"{'would change' if dry_run else 'changed'} {one.id}: {said}")
        if len(changed) > _MOST:
            terminal.line(f"… and {len(changed) - _MOST} more sessions")
    after(context, made)


def after(context: Context, made: Edited | Resolved) -> None:
    """Say what a commit could not do yet."""
    for kept in made.kept:
        context.terminal.notice(f"chasm: {kept.path}: left as you have it: {kept.reason}")
    if made.pending is not None:
        context.terminal.notice(f"chasm: the worktree will follow later: {made.pending}")
