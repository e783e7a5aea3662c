"""`chasm git diff`: two states of the archive, as conversations or in counts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Comparison

_STYLES: dict[str, dict[str, Any]] = {
    "diff ": {"bold": True},
    "--- ": {"bold": True},
    "+++ ": {"bold": True},
    "@@": {"fg": "cyan"},
    "+": {"fg": "green"},
    "-": {"fg": "red"},
}


@click.command("diff")
@click.argument("what", nargs=-1, metavar="[REV [REV]] [ID]")
@click.option("--stat", is_flag=True, help="Counts of records, no text.")
@click.option("-U", "--unified", type=click.IntRange(0, 1000), default=3, metavar="N", help="Lines around (3).")
@click.pass_obj
def command(context: Context, what: tuple[str, ...], stat: bool, unified: int) -> None:
    """Show how sessions differ between two revisions, or between one (else the latest commit) and the worktree.

    The text is the conversation, as plain git shows it where `chasm git install` was run. ID@REV compares one session
    with what it was; --json lists messages and header fields that were added, changed or removed.
    """
    terminal = context.terminal
    with context.open_archive() as archive:
        compared = archive.compare(what)
        if context.json:
            terminal.json(_json(compared))
        elif stat:
            _stat(context, compared)
        elif compared.pairs:
            terminal.long(compared.text(unified), _style_of)
    if not compared.pairs:
        terminal.notice(f"no session differs between {compared.old} and {compared.new}")


def _json(compared: Comparison) -> dict[str, Any]:
    return {
        "old": compared.old,
        "new": compared.new,
        "sessions": [asdict(one) for one in compared.differences()],
    }


def _stat(context: Context, compared: Comparison) -> None:
    rows = [
        (
            one.id,
            one.provider,
            one.kind,
            f"+{len(one.added)}",
            f"~{len(one.changed)}",
            f"-{len(one.removed)}",
            one.unreadable or ", ".join(change.field for change in one.fields),
        )
        for one in compared.differences()
    ]
    if rows:
        names = ["session", "provider", "change", "> added", "> changed", "> removed", "header"]
        context.terminal.table(names, rows)


def _style_of(line: str) -> dict[str, Any]:
    return next((style for mark, style in _STYLES.items() if line.startswith(mark)), {})
