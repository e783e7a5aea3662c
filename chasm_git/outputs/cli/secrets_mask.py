"""`chasm secrets mask`: credentials are taken out of the latest version of sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Decided

_MOST = 20


@click.command("mask")
@click.argument("names", metavar="ID...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="In every session.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, names: tuple[str, ...], everything: bool, dry_run: bool) -> None:
    """Mask the credentials in sessions and their attachments, as a new commit: [secret:github-token:1a2b3c4d].

    What was allowed stays. No later harvest brings back what was masked. Earlier versions of a session keep what they
    hold: they are the history.
    """
    if everything == bool(names):
        raise UsageError("say which: IDs of sessions, or --all")
    terminal = context.terminal
    with context.open_archive() as archive, terminal.progress("masking") as progress:
        done = archive.secrets_mask(None if everything else names, dry_run=dry_run, progress=progress)
    if context.json:
        terminal.json(as_json(done, dry_run))
    else:
        show(context, done, dry_run)
    finish(context, done)
    if done.commit is not None:
        terminal.notice(
            "the history still has them: make each void where it is used; once that is done it does no harm there, "
            "and `chasm secrets allow FINGERPRINT` lets it leave"
        )


def show(context: Context, done: Decided, dry_run: bool) -> None:
    """Print what was masked for a person."""
    terminal = context.terminal
    if not done.sessions:
        terminal.line("nothing to mask")
        return
    would = "would mask" if dry_run else "masked"
    count = len(done.credentials)
    where = f"{len(done.sessions)} session{'s' if len(done.sessions) != 1 else ''}"
    terminal.line(f"{would} {count} credential{'s' if count != 1 else ''} in {where}")
    for fingerprint, rule in list(done.credentials.items())[:_MOST]:
        terminal.line(f"  {rule} [{fingerprint}]")
    for path in done.sessions[:_MOST]:
        terminal.line(f"  ~ {path}")


def finish(context: Context, done: Decided) -> None:
    """Say what else is worth knowing."""
    for problem in done.problems:
        context.terminal.notice(f"chasm: {problem}")
    for kept in done.kept:
        context.terminal.notice(f"chasm: {kept.path}: left as you have it: {kept.reason}")
    if done.pending is not None:
        context.terminal.notice(f"chasm: the worktree will follow later: {done.pending}")


def as_json(done: Decided, dry_run: bool) -> dict[str, object]:
    """The stable form for programs."""
    return {
        "commit": done.commit,
        "dry_run": dry_run,
        "credentials": [{"fingerprint": name, "rule": rule} for name, rule in done.credentials.items()],
        "sessions": done.sessions,
        "attachments": done.attachments,
        "problems": done.problems,
        "kept": [kept._asdict() for kept in done.kept],
        "pending": done.pending,
    }
