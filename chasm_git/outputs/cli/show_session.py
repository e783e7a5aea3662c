"""`chasm show session`: one session, to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.session.summary import Summary

_FOLD = 12
"""Lines of a tool's result that are shown without ``--full``."""
_MOST = 20
"""Sessions that came of it which are named."""

_STYLES: dict[str, dict[str, Any]] = {
    "# ": {"bold": True},
    "## user": {"fg": "green", "bold": True},
    "## ": {"fg": "cyan", "bold": True},
    ">> ": {"fg": "yellow"},
    "<< ": {"fg": "yellow", "dim": True},
    ".. ": {"dim": True},
    "-- ": {"fg": "blue"},
    "!! ": {"fg": "red", "bold": True},
}


@click.command("session")
@click.argument("session", metavar="ID[@REV]")
@click.option("--full", is_flag=True, help="Nothing folded: whole tool results, reasoning and injected context.")
@click.option("--raw", is_flag=True, help="The session file itself, as it stands in the archive.")
@click.pass_obj
def command(context: Context, session: str, full: bool, raw: bool) -> None:
    """Show a session as a conversation.

    ID is the session's id or any beginning of it that is its alone. With @REV it is shown as it was at that revision:
    a snapshot, a commit, HEAD~3, @{yesterday}.
    """
    terminal = context.terminal
    with context.open_archive() as archive:
        found = archive.find(session)
        if raw and context.json:
            text = archive.data(found).decode("utf-8", "replace")
            terminal.json({"id": found.id, "provider": found.provider, "path": found.path, "file": text})
            return
        if raw:
            terminal.data(archive.data(found))
            return
        if context.json:
            terminal.json(archive.universal(found))
            return
        from chasm_git.outputs.cli.terminal import local_time
        from chasm_git.session.conversation import as_text

        text = as_text(
            archive.session(found),
            archive.attachments(found) if full else None,
            clock=lambda stored: local_time(stored, seconds=True),
            fold=None if full else _FOLD,
            more=_below(archive.below(found.id)),
        )
    terminal.long(text, _style_of)


def _below(listed: list[Summary]) -> Iterator[tuple[str, str]]:
    for one in listed[:_MOST]:
        yield ("fork" if one.parent is None else "sub-agent"), f"{one.id}  {one.title or 'untitled'}"
    if len(listed) > _MOST:
        yield "and", f"{len(listed) - _MOST} more forks and sub-agents"


def _style_of(line: str) -> dict[str, Any]:
    return next((style for mark, style in _STYLES.items() if line.startswith(mark)), {})
