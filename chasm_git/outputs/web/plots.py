"""Plots as SVG in the page: they stretch to any width, their words stand outside as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from chasm_git.outputs.bars import short
from chasm_git.outputs.export.markup import plain
from chasm_git.outputs.export.page import line

_MOST_COLUMNS, _FEWEST_COLUMNS = 190, 30
_HEIGHT = 100


def columns(days: Mapping[str, Sequence[int]], names: Sequence[str], what: str) -> str:
    """Values over time, a column for each day (week, month: where there are many), stacked.

    Args:
        days: day (``2026-01-31``) -> its values, one for each of `names`.
        what: what the values count, in a word.
    """
    days = {day: values for day, values in days.items() if _is_day(day)}
    if not days:
        return "<p class=none>Nothing in this time.</p>"
    buckets, unit = _buckets(days, len(names))
    highest = max(sum(values) for values in buckets.values()) or 1
    made = []
    for at, (label, values) in enumerate(buckets.items()):
        base = float(_HEIGHT)
        said = ", ".join(f"{value:,} {name}" for name, value in zip(names, values, strict=True))
        rects = ""
        for number, value in enumerate(values):
            height = value / highest * _HEIGHT
            base -= height
            if value:
                rects += f'<rect class=c{number} x="{at + 0.08:.2f}" y="{base:.2f}" width=".84" height="{height:.2f}"/>'
        made.append(
            f'<g><title>{label}: {said}</title><rect class=hover x="{at}" y="0" width="1" height="100"/>{rects}</g>'
        )
    lines = "".join(f'<line x1="0" x2="{len(buckets)}" y1="{y}" y2="{y}"/>' for y in (0.5, 50, 99.5))
    labels = list(buckets)
    shown = dict.fromkeys([labels[0], labels[len(labels) // 2], labels[-1]])
    legend = "".join(f"<i class=c{number}></i>{plain(name)} " for number, name in enumerate(names))
    heading = f"{what} per {unit}" + (f": {legend}" if len(names) > 1 else "")
    return (
        f"<figure class=plot><figcaption><span>{heading}</span>"
        f"<span>highest {short(highest)}</span></figcaption>"
        f'<svg viewBox="0 0 {len(buckets)} {_HEIGHT}" preserveAspectRatio=none role=img aria-label="{plain(what)}">'
        f"{lines}{''.join(made)}</svg><p class=axis>{''.join(f'<span>{label}</span>' for label in shown)}</p></figure>"
    )


def _buckets(days: Mapping[str, Sequence[int]], count: int) -> tuple[dict[str, list[int]], str]:
    """Values by the beginning of each day, week or month, those without any included."""
    known = sorted((dt.date.fromisoformat(day), values) for day, values in days.items())
    first, last = min(known[0][0], known[-1][0] - dt.timedelta(days=_FEWEST_COLUMNS - 1)), known[-1][0]
    span = (last - first).days + 1
    unit = "day" if span <= _MOST_COLUMNS else "week" if span <= _MOST_COLUMNS * 7 else "month"

    def start(day: dt.date) -> dt.date:
        if unit == "week":
            return day - dt.timedelta(days=day.weekday())
        return day.replace(day=1) if unit == "month" else day

    found: dict[str, list[int]] = {}
    if span <= _MOST_COLUMNS * 60:  # one message of 1970 makes no plot of nothing
        for back in range(span):
            found.setdefault(start(first + dt.timedelta(days=back)).isoformat(), [0] * count)
    for day, values in known:
        held = found.setdefault(start(day).isoformat(), [0] * count)
        for number, value in enumerate(values):
            held[number] += value
    return found, unit


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).year > 1  # the first has no weeks and months before it
    except ValueError:
        return False


def bars(heading: str, names: Sequence[str], rows: Sequence[tuple[str, str, Sequence[int]]], *, beside: int = 0) -> str:
    """A table with a bar in each row, as long as its values together, each value a part of it.

    Args:
        names: of the values.
        rows: what each is, where its link leads (an escaped address; empty for none), its values.
        beside: how many of the first values stand there as numbers alone.
    """
    if not rows:
        return ""
    highest = max(sum(values[beside:]) for _, _, values in rows) or 1
    made = []
    for name, where, values in rows:
        said = line(name or "(none)")
        at, parts = 0.0, ""
        for number, value in enumerate(values[beside:]):
            width = value / highest * 100
            parts += f'<rect class=c{number} x="{at:.2f}" y="0" width="{width:.2f}" height="1"/>'
            at += width
        cells = "".join(f"<td class=right>{short(value)}</td>" for value in values)
        label = f'<a href="{where}" dir=auto>{said}</a>' if where else f"<span dir=auto>{said}</span>"
        made.append(
            f"<tr><th scope=row>{label}</th>{cells}<td class=bar>"
            f'<svg viewBox="0 0 100 1" preserveAspectRatio=none aria-hidden=true>{parts}</svg></td></tr>'
        )
    marks = [""] * beside + [
        f"<i class=c{number}></i>" if len(names) - beside > 1 else "" for number in range(len(names))
    ]
    head = "".join(f"<th class=right>{mark}{plain(name)}</th>" for mark, name in zip(marks, names, strict=False))
    return (
        f"<section class=bars><h2>{plain(heading)}</h2><table><thead><tr><th></th>{head}<th></th></tr></thead>"
        f"<tbody>{''.join(made)}</tbody></table></section>"
    )
