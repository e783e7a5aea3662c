"""`chasm export session`: sessions out of the archive, in a form for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli import exporting
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Archive, Found

_ALL = 1_000_000


@click.command("session")
@click.argument("sessions", nargs=-1, metavar="[ID[@REV]]...")
@click.option("--search", metavar="QUERY", help="The sessions that `find session QUERY` finds.")
@click.option("-o", "--output", metavar="FILE|DIR", help="Where to. Else standard output.")
@exporting.options
@click.pass_obj
def command(
    context: Context, sessions: tuple[str, ...], search: str | None, output: str | None, asked: exporting.Asked
) -> None:
    """Write sessions as Markdown, web pages, universal JSON, JSON lines, CSV, text, or the provider's own files.

    Markdown and JSON carry the session itself along, out of sight: `chasm import path` gives the very same one back.
    Web pages (html) need nothing else: no network, no script. Native files are what the provider itself would have.
    """
    if bool(sessions) == bool(search):
        raise UsageError("name the sessions, or --search for them")
    with context.open_archive() as archive:
        found = [archive.find(name) for name in sessions] if search is None else _searched(context, archive, search)
        name = search or ", ".join(sessions)
        exporting.export(context, archive, found, output, asked, name, to_folder=False)


def _searched(context: Context, archive: Archive, query: str) -> list[Found]:
    terminal = context.terminal
    with terminal.progress("indexing sessions") as progress:
        results = archive.search(query, _ALL, progress=progress, notice=terminal.notice)
    return [archive.find(f"{one.provider}/{one.id}") for one in results.matches]
