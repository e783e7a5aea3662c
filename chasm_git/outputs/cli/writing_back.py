"""What `fetch`, `register`, `sync --push` and `resume` share: their options, and saying what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chasm_git.errors import ChasmError
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import WriteReport, WrittenRow

_MOST = 50
_SIGNS = {
    "restored": "+",
    "copied": "+",
    "completed": "~",
    "registered": "~",
    "same": "=",
    "newer": ">",
    "absent": "-",
    "refused": "!",
    "failed": "!",
}

dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
force_option = click.option(
    "--force", is_flag=True, help="Also over what is newer in the tool (it is copied first), and while the tool runs."
)
to_option = click.option("--to", metavar="DIR", help="The folder they are to go on in, where it is another one now.")
provider_option = click.option("--provider", "providers", multiple=True, metavar="P", help="Only of these tools.")


def folder(to: str | None) -> str | None:
    """A folder as tools name it: absolute; a URI as it is."""
    return to if to is None or "://" in to else str(Path(to).expanduser().absolute())


def finish(context: Context, report: WriteReport, *, is_one: bool = False, is_printed: bool = False) -> None:
    """Print what came of it. Raises ChasmError where something was not done that could be asked for.

    Args:
        is_one: sessions were asked for by name: then one that is newer in the tool counts, too.
        is_printed: the JSON document is there already, as a part of another one.
    """
    if context.json and not is_printed:
        context.terminal.json(report.as_json())
    elif not context.json:
        show(context, report)
    bad = ("refused", "failed", "newer", "absent") if is_one else ("refused", "failed")
    left = report.count(*bad)
    if left:
        raise ChasmError(f"{left} of {len(report.rows)} sessions were not written; the reasons stand beside them")


def show(context: Context, report: WriteReport) -> None:
    """Print a report for a person."""
    terminal = context.terminal
    words = ("restored", "completed", "copied", "registered", "same", "newer", "absent", "refused", "failed")
    counts = [f"{count} {word}" for word in words if (count := report.count(word))]
    terminal.line(("would be: " if report.dry_run else "") + (", ".join(counts) or "no session to write"))
    shown = [row for row in report.rows if row.outcome != "same"]
    for row in shown[:_MOST]:
        terminal.line(
            f"  {_SIGNS[row.outcome]} {row.into}  {row.session_id or row.id}  {row.title[:50]}  ({row.outcome})"
        )
        if row.reason is not None:
            terminal.line(f"      {row.reason}")
        _details(context, row)
    if len(shown) > _MOST:
        terminal.line(f"  … and {len(shown) - _MOST} more (--json lists all)")
    if report.elsewhere:
        their = "its folder is" if report.elsewhere == 1 else "their folders are"
        terminal.notice(f"{_sessions(report.elsewhere)} passed over: {their} not on this machine (fetch … --to)")
    for name, count in report.unwritable.items():
        terminal.notice(f"{_sessions(count)} of {name} passed over: nothing can be written into it")
    if any(row.kept for row in report.rows):
        terminal.notice("what was replaced is kept for a month: --json says where")


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"


def _details(context: Context, row: WrittenRow) -> None:
    if row.left_out:
        context.terminal.line(f"      not carried: {_left_out(row)}")
    for note in row.notes:
        context.terminal.line(f"      {note}")


def _left_out(row: WrittenRow) -> str:
    return ", ".join(f"{kind} ({count})" for kind, count in row.left_out.items())


def show_resumed(context: Context, row: WrittenRow, dry_run: bool) -> None:
    """Print how to go on with a session: the command on stdout, everything else beside it."""
    terminal = context.terminal
    if context.json:
        terminal.json({"dry_run": dry_run, **row.as_json()})
        return
    said = {
        "same": f"{row.into} has it",
        "newer": f"{row.into} has it, and more",
        "registered": f"{row.into} has it, and lists it now",
        "copied": f"written for {row.into} as {row.session_id}",
    }.get(row.outcome, f"put back into {row.into}")
    terminal.notice(f"{'would be ' if dry_run and row.outcome not in ('same', 'newer') else ''}{said}")
    if row.left_out:
        terminal.notice(f"not carried: {_left_out(row)}")
    for note in row.notes:
        terminal.notice(note)
    if row.command is not None:
        terminal.line(row.command)
