"""`chasm provider list`: which tools are read and written to, and what of them is on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import ProviderState

_READ = {"store": "yes", "export": "import", "none": "no"}


@click.command("list")
@click.option("--found", is_flag=True, help="Only those with something on this machine.")
@click.option("--markdown", is_flag=True, help="As a Markdown table, whatever is on this machine.")
@click.pass_obj
def command(context: Context, found: bool, markdown: bool) -> None:
    """List every provider: how many sources it has here, whether it is read and written to, and what to know of it.

    "import" are services whose exports `chasm harvest import` reads. No file of a provider is opened.
    """
    from chasm_git import api

    terminal = context.terminal
    listed = [one for one in api.providers(None if markdown else context.env()) if not found or one.sources]
    if context.json:
        terminal.json([one.as_json() for one in listed])
    elif markdown:
        click.echo(table(listed))
    else:
        names = ["provider", "name", "> found", "read", "written", "note"]
        rows = [
            (one.name, one.title, one.sources or None, _READ[one.kind], "yes" if one.writable else None, one.note)
            for one in listed
        ]
        if rows:
            terminal.table(names, rows)
        else:
            terminal.notice("no provider has sessions here; without --found all are listed")
    for one in listed:
        for problem in one.problems:
            terminal.notice(f"chasm: {one.name}: {problem}")


def table(listed: Iterable[ProviderState]) -> str:
    """The providers as a Markdown table: what the README shows."""
    lines = ["| provider | name | read | written | |", "|---|---|---|---|---|"]
    for one in listed:
        cells = (f"`{one.name}`", one.title, _READ[one.kind], "yes" if one.writable else "", one.note)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
