"""`chasm git log`: what each commit did to which session."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Archive, Entry

_MOST_SESSIONS = 10
_TITLE = 60
_SIGNS = {"added": "+", "updated": "~", "removed": "-"}
_STYLES: dict[str, dict[str, Any]] = {
    "commit ": {"fg": "yellow"},
    "    + ": {"fg": "green"},
    "    - ": {"fg": "red"},
    "    ~ ": {"fg": "cyan"},
}


@click.command("log")
@click.argument("session", metavar="[ID[@REV]]", required=False)
@click.option("-n", "--limit", type=click.IntRange(min=0), default=20, metavar="N", help="Commits; 0 = all (20).")
@click.pass_obj
def command(context: Context, session: str | None, limit: int) -> None:
    """Show the history of all sessions, or of one, the latest commit first."""
    terminal = context.terminal
    with context.open_archive() as archive:
        entries = list(islice(archive.log(session), limit or None))
        if context.json:
            terminal.json([_json(archive, entry) for entry in entries])
            return
        lines = [line for entry in entries for line in _lines(archive, entry)]
    if lines:
        terminal.long("\n".join(lines), _style_of)
    else:
        terminal.notice("nothing was committed yet")


def _json(archive: Archive, entry: Entry) -> dict[str, Any]:
    commit = entry.commit
    return {
        "commit": commit.id,
        "parents": list(commit.parents),
        "author": commit.author,
        "date": commit.at,
        "subject": commit.subject,
        "message": commit.message,
        "sessions": [
            {
                "id": one.id,
                "provider": one.provider,
                "title": one.title,
                "change": one.kind,
                "messages": one.messages,
                "added": one.added,
            }
            for one in archive.logged(entry)
        ],
    }


def _lines(archive: Archive, entry: Entry) -> Iterator[str]:
    from chasm_git.outputs.cli.terminal import local_time

    commit = entry.commit
    merge = " (merge)" if len(commit.parents) > 1 else ""
    yield f"commit {commit.id[:12]}  {local_time(commit.at, seconds=True)}  {_one_line(commit.author)}{merge}"
    yield f"  {_one_line(commit.subject)}"
    for one in archive.logged(entry, _MOST_SESSIONS):
        count = f"{one.added:+d} messages" if one.kind == "updated" else f"{abs(one.added)} messages"
        title = _one_line(one.title or "")[:_TITLE]
        yield f"    {_SIGNS[one.kind]} {one.provider}  {_one_line(one.id)}  {title}  ({count})"
    left = len(entry.sessions) - _MOST_SESSIONS
    if left > 0:
        yield f"    … and {left} more"
    yield ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _style_of(line: str) -> dict[str, Any]:
    return next((style for mark, style in _STYLES.items() if line.startswith(mark)), {})
