"""`chasm stats`: sessions, messages, tokens, tool calls and files, counted."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from chasm_git.outputs.bars import bar, short, sparkline
from chasm_git.outputs.cli import filters
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import By, Stats, StatsLine

_BY = ("provider", "model", "workspace", "day", "tool", "file")
_BAR = 20
_DAYS = 60


@click.command("stats")
@click.option("--by", type=click.Choice(_BY), help="Count by provider, model, workspace, day, tool or file.")
@filters.options
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most so many lines.")
@click.pass_obj
def command(context: Context, by: By | None, chosen: filters.Filter, limit: int | None) -> None:
    """Count what is in the archive; without --by all together, with the days and the providers.

    With --since only messages and tokens from then on count; tool calls and files are those of the whole sessions.
    Messages are counted as lists do: one for each prompt and each answer. Days are those of your clock.
    """
    terminal = context.terminal
    with context.open_archive() as archive, terminal.progress("counting") as progress:
        asked: dict[str, Any] = {"since": chosen.since, "chosen": chosen.accepts_row, "notice": terminal.notice}
        found = archive.stats(by or "provider", progress=progress, **asked)
    if chosen.provider is not None and not found.total.sessions:
        filters.expect_provider(chosen.provider)
    shown = found.lines[:limit] if by != "day" or limit is None else found.lines[-limit or len(found.lines) :]
    if context.json:
        total = {name: value for name, value in found.total.as_json().items() if name != "name"}
        terminal.json(
            {
                "total": {**total, "files": found.files},
                "by": by,
                "lines": [line.as_json() for line in shown] if by else [],
                "days": found.days,
            }
        )
        return
    if not found.total.sessions:
        terminal.notice("no session matches" if chosen != filters.Filter() else "the archive holds no session yet")
        return
    if by is None:
        for name, value in _totals(found):
            terminal.line(f"{name:<14}{value}")
        click.echo()
    _table(context, by or "provider", shown)


def _totals(found: Stats) -> list[tuple[str, str]]:
    """What stands above the table."""
    total = found.total
    lines = [
        ("sessions", f"{total.sessions:,}"),
        ("messages", f"{total.messages:,}"),
        ("tokens", f"{short(total.input_tokens)} in, {short(total.output_tokens)} out"),
        ("tool calls", f"{total.calls:,}" + (f", {total.errors:,} with an error" if total.errors else "")),
        ("files named", f"{found.files:,}"),
    ]
    if total.first and total.last:
        lines.append(("first", total.first[:10]))
        lines.append(("last", total.last[:10]))
    if found.days:
        last = dt.date.fromisoformat(max(found.days))
        days = [(last - dt.timedelta(days=back)).isoformat() for back in reversed(range(_DAYS))]
        lines.append((f"{_DAYS} days", sparkline([found.days.get(day, 0) for day in days]).strip() + f" {last}"))
    return lines


def _table(context: Context, by: str, lines: list[StatsLine]) -> None:
    """The groups, with a bar for what counts in them."""
    measure = {"tool": "calls", "file": "sessions"}.get(by, "messages")
    largest = max((getattr(line, measure) for line in lines), default=0)
    columns, names = {
        "tool": (("sessions", "calls", "errors"), ["> sessions", "> calls", "> errors"]),
        "file": (("sessions",), ["> sessions"]),
        "model": (("sessions", "messages", "input_tokens", "output_tokens"), _NAMES[:4]),
        "day": (("sessions", "messages", "input_tokens", "output_tokens"), _NAMES[:4]),
    }.get(by, (("sessions", "messages", "input_tokens", "output_tokens", "calls"), _NAMES))
    rows = [
        (
            line.name or "(none)",
            *(short(getattr(line, column)) if "tokens" in column else getattr(line, column) for column in columns),
            bar(getattr(line, measure), largest, _BAR),
        )
        for line in lines
    ]
    context.terminal.table([by, *names, ""], rows)


_NAMES = ["> sessions", "> messages", "> tokens in", "> tokens out", "> tool calls"]
