"""`chasm show timeline`: what was going on, day by day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

import click

from chasm_git.outputs.bars import bar, counted
from chasm_git.outputs.cli import filters
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Listed
    from chasm_git.outputs.cli.terminal import Terminal

_BAR = 12
_DAYS = 14


@click.command("timeline")
@click.argument("path", required=False, metavar="[PATH]")
@click.option("--workspace", metavar="W", help="Only of folders whose path holds W (or matches it, with `*`).")
@filters.options
@click.option(
    "-n", "--days", type=click.IntRange(min=1), metavar="N", help=f"At most so many days with sessions ({_DAYS})."
)
@click.pass_obj
def command(
    context: Context, path: str | None, workspace: str | None, chosen: filters.Filter, days: int | None
) -> None:
    """Show which sessions were held when, the latest day last; a session stands on the day it ended.

    PATH takes only sessions held in that folder or below it. Times are those of your clock.
    """
    terminal = context.terminal
    with context.open_archive() as archive:
        if path is not None:
            chosen = replace(chosen, project_path=path)
        found, finish = filters.choose(archive, chosen, terminal)
        if workspace is not None:
            places = {place.workspace for place in archive.workspaces(workspace, notice=terminal.notice)}
            found = [one for one in found if one.summary.workspace in places]
    dated = [one for one in reversed(found) if one.summary.updated_at is not None]
    by_day = [(day, list(listed)) for day, listed in groupby(dated, _day)]
    shown = by_day if context.json and days is None else by_day[-(days or _DAYS) :]
    if context.json:
        terminal.json([{"day": day, "sessions": [one.as_json() for one in listed]} for day, listed in shown])
    elif shown:
        _show(terminal, shown)
        left = len(by_day) - len(shown)
        if left:
            terminal.notice(f"{left} earlier days with sessions; -n shows more")
    else:
        terminal.notice("no session matches" if found or chosen != filters.Filter() else "no session has a time")
    finish()


def _day(one: Listed) -> str:
    """The local day a session ended on."""
    from chasm_git.outputs.cli.terminal import local_time

    return (local_time(one.summary.updated_at) or "")[:10]


def _show(terminal: Terminal, days: Sequence[tuple[str, list[Listed]]]) -> None:
    from chasm_git.outputs.cli.terminal import local_time

    largest = max(one.summary.messages for _, listed in days for one in listed)
    before: dt.date | None = None
    for day, listed in days:
        date = _date(day)
        if before is not None and date is not None and (date - before).days > 1:
            terminal.line(f"    {counted((date - before).days - 1, 'day')} without", dim=True)
        before = date
        count = sum(one.summary.messages for one in listed)
        name = f"{date:%a} " if date is not None else ""
        terminal.line(f"{name}{day}  {counted(len(listed), 'session')}, {counted(count, 'message')}", bold=True)
        for one in listed:
            said = one.summary
            start, end = (local_time(said.created_at) or "")[:16], (local_time(said.updated_at) or "")[:16]
            began = start[11:] if start[:10] == day else start[5:]
            span = f"{began}–{end[11:]}" if began and start != end else end[11:]
            drawn = bar(said.messages, largest, _BAR)
            title = " ".join((said.title or "(no title)").split())[:60]
            terminal.line(f"  {span:<17} {drawn:<{_BAR}} {said.messages:>5}  {said.provider:<12}  {title}")


def _date(day: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(day)
    except ValueError:
        return None  # a provider wrote something else than a time
