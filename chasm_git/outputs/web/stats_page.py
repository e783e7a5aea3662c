"""Statistics: what there is, over time and by tool, model, workspace."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from chasm_git.outputs.bars import short
from chasm_git.outputs.export.markup import plain
from chasm_git.outputs.web.answers import Answer, Asked
from chasm_git.outputs.web.frame import address, page
from chasm_git.outputs.web.plots import bars, columns
from chasm_git.session.times import moment

if TYPE_CHECKING:
    from chasm_git.api import By, Stats
    from chasm_git.outputs.web.reading import Reading

_SINCE = (("", "all time"), ("7d", "a week"), ("30d", "a month"), ("90d", "three months"), ("1y", "a year"))
_WAYS: tuple[By, ...] = ("day", "tool", "model", "provider", "workspace")
_LINES = 12


def stats(reading: Reading, asked: Asked) -> Answer:
    """The page; of the sessions of one ``provider``, and of messages ``since`` some time, where asked for."""
    since, provider = asked.text("since", 40), asked.text("provider", 200)
    now = dt.datetime.now(dt.UTC)
    start = moment(since, now) if since else None
    start = start[:13] if start else None  # counts are kept by the hour
    today = now.date().isoformat()
    by_day, by_tool, by_model, by_provider, by_workspace = reading.stats(_WAYS, start, provider, today)
    days = {line.name: line for line in by_day.lines if line.name}
    body = (
        f"<main class='wide stats'><h1>Statistics</h1>{_form(reading, since, provider)}{_totals(by_day)}"
        f"<h2>Messages</h2>{columns({day: [one.messages] for day, one in days.items()}, ['messages'], 'messages')}"
        f"<h2>Tokens</h2>"
        + columns(
            {day: [one.input_tokens, one.output_tokens] for day, one in days.items()}, ["read", "written"], "tokens"
        )
        + "<div class=groups>"
        + bars(
            "Clients",
            ["sessions", "messages"],
            [
                (one.name, address("/", provider=one.name), (one.sessions, one.messages))
                for one in by_provider.lines[:_LINES]
            ],
            beside=1,
        )
        + bars("Models", ["messages"], [(one.name, "", (one.messages,)) for one in by_model.lines[:_LINES]])
        + bars(
            "Tokens by model",
            ["read", "written"],
            [(one.name, "", (one.input_tokens, one.output_tokens)) for one in by_model.lines[:_LINES]],
        )
        + bars(
            "Workspaces",
            ["messages"],
            [
                (one.name, address("/", workspace=one.name) if one.name else "", (one.messages,))
                for one in by_workspace.lines[:_LINES]
            ],
        )
        + bars(
            "Tools",
            ["done", "failed"],
            [
                (one.name, address("/", q=f'tool:"{one.name}"'), (one.calls - one.errors, one.errors))
                for one in by_tool.lines[:_LINES]
            ],
        )
        + "</div></main>"
    )
    return page("Statistics", body, asked, kind="statistics")


def waiting(progress: tuple[int, int] | None, asked: Asked) -> Answer:
    """Instead of the page: what it counts in is still being made."""
    done, total = progress or (0, 0)
    much = f" ({done:,} of {total:,} sessions)" if total else ""
    body = (
        "<main class=wide><h1>Statistics</h1><p class=making data-again>They are counted in the search cache, which is "
        f"being made{much}. This page looks again by itself.</p></main>"
    )
    return page("Statistics", body, asked, kind="statistics")


def _form(reading: Reading, since: str, provider: str) -> str:
    names = sorted({one.provider for one in reading.listing().sessions} | ({provider} if provider else set()))
    tools = [("", "every client"), *((name, name) for name in names)]
    times = [*_SINCE, *([(since, since)] if since and since not in dict(_SINCE) else [])]
    selects = ""
    for name, choices, chosen in (("since", times, since), ("provider", tools, provider)):
        options = "".join(
            f'<option value="{plain(value)}"{" selected" if value == chosen else ""}>{plain(said)}</option>'
            for value, said in choices
        )
        selects += f'<select name={name} aria-label="{name.capitalize()}">{options}</select>'
    return f"<form class=filters action=/stats method=get data-submit>{selects}<button class=go>Show</button></form>"


def _totals(found: Stats) -> str:
    total = found.total
    values = (
        ("sessions", f"{total.sessions:,}"),
        ("messages", f"{total.messages:,}"),
        ("tokens read", short(total.input_tokens)),
        ("tokens written", short(total.output_tokens)),
        ("tool calls", f"{total.calls:,}"),
        ("failed", f"{total.errors:,}"),
        ("files named", f"{found.files:,}"),
    )
    return f"<dl class=totals>{''.join(f'<div><dt>{name}</dt><dd>{value}</dd></div>' for name, value in values)}</dl>"
