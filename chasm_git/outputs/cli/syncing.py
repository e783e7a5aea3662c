"""What `chasm sync`, `git push` and `git pull` share: asking for it, and saying what came of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from chasm_git.errors import ChasmError, ConflictsWaiting, Undecided
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Clash, SyncReport

_MOST = 20
_KINDS = {"edit": "message edit", "add": "concurrent add", "metadata": "metadata", "text": "other text"}
_SIGNS = {"added": "+", "updated": "~", "removed": "-"}

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="Give up on a remote that says nothing for so long (120).",
)
secrets_option = click.option("--allow-secrets", is_flag=True, help="Send credentials, too, this once.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Fetch, and say what would happen; change nothing.")


def run(context: Context, remote: str | None, **asked: Any) -> None:
    """Exchange with a remote and print what came of it.

    Raises ConflictsWaiting where a decision waits, in what came or since before; a push alone only sends.
    """
    terminal = context.terminal
    attended = sys.stdin.isatty() and sys.stderr.isatty()
    with context.open_archive() as archive, terminal.progress("syncing") as advance:
        try:
            report = archive.sync(remote, attended=attended, progress=advance, **asked)
        except Undecided as error:
            show_stopped(context, error.clashes)
            raise
    dry_run = bool(asked.get("dry_run"))
    if context.json:
        terminal.json(as_json(report, dry_run))
    else:
        show(context, report, dry_run)
    for note in report.notes:
        terminal.notice(f"chasm: {note}")
    for kept in report.kept:
        terminal.notice(f"chasm: {kept.path}: left as you have it: {kept.reason}")
    if report.pending is not None:
        terminal.notice(f"chasm: the worktree will follow later: {report.pending}")
    if report.refused is not None:
        raise ChasmError(f"so it would end: {report.refused}")
    if report.waiting and asked.get("pull", True):
        paths = len(report.waiting)
        raise ConflictsWaiting(
            f"done, but decisions wait in {paths} {'file' if paths == 1 else 'files'}; nothing is lost: "
            "`chasm conflicts` lists them, `chasm resolve ID` ends them"
        )


def show_stopped(context: Context, clashes: Sequence[Clash]) -> None:
    """Print what keeps a sync from doing anything."""
    if context.json:
        context.terminal.json({"stopped": True, "conflicts": clashes_as_json(clashes)})
        return
    for clash in clashes:
        context.terminal.line(f"{clash.path}: {_KINDS.get(clash.kind, clash.kind)} {clash.where}".rstrip())


def show(context: Context, report: SyncReport, dry_run: bool) -> None:
    """Print a report for a person."""
    terminal = context.terminal
    both = set(report.merged)
    received = [change for change in report.received if change.path not in both]
    sent = [change for change in report.sent if change.path not in both]
    counts = [
        f"{len(found)} {what}" for found, what in ((received, "received"), (sent, "sent"), (both, "merged")) if found
    ]
    names = [f"snapshot {name}" for name in (*report.snapshots_received, *report.snapshots_sent)]
    if not counts and not names:
        terminal.line(f"in sync with {report.remote}")
        return
    terminal.line(f"{report.remote}: {'would be ' if dry_run else ''}{', '.join(counts) or 'no sessions'}")
    lines = [f"  < {_SIGNS[one.kind]} {one.path}" for one in received]
    lines += [f"  = ~ {path}" for path in sorted(both)]
    lines += [f"  > {_SIGNS[one.kind]} {one.path}" for one in sent]
    for line in (*lines[:_MOST], *names):
        terminal.line(line)
    if len(lines) > _MOST:
        terminal.line(f"  … and {len(lines) - _MOST} more (chasm git log -n 1)")


def clashes_as_json(clashes: Sequence[Clash]) -> list[dict[str, str]]:
    """What waits, for programs."""
    return [{"path": one.path, "kind": one.kind, "where": one.where} for one in clashes]


def as_json(report: SyncReport, dry_run: bool) -> dict[str, Any]:
    """The stable form for programs."""
    return {
        "remote": report.remote,
        "url": report.url,
        "dry_run": dry_run,
        "before": report.before,
        "after": report.after,
        "tries": report.tries,
        "received": [one._asdict() for one in report.received],
        "sent": [one._asdict() for one in report.sent],
        "merged": report.merged,
        "stopped": False,
        "conflicts": clashes_as_json(report.clashes),
        "waiting": report.waiting,
        "refused": str(report.refused) if report.refused is not None else None,
        "snapshots_received": report.snapshots_received,
        "snapshots_sent": report.snapshots_sent,
        "notes": report.notes,
        "kept": [one._asdict() for one in report.kept],
        "pending": report.pending,
    }
