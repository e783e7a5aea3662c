"""`chasm harvest scan`: what is on this machine, against what the archive has seen."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.harvest_run import split


@click.command("scan")
@click.option(
    "--provider", "--providers", "-p", "providers", multiple=True, metavar="P", help="Only these (may be A,B)."
)
@click.option("--exclude", multiple=True, metavar="P", help="All but these.")
@click.pass_obj
def command(context: Context, providers: tuple[str, ...], exclude: tuple[str, ...]) -> None:
    """Show which providers have sessions here and what a harvest would read. Opens no session."""
    from chasm_git import api

    terminal = context.terminal
    found = api.scan(context.archive_path(), context.env(), providers=split(providers), exclude=split(exclude))
    if context.json:
        terminal.json([one.as_json() for one in found])
    else:
        names = ["provider", "> sources", "> new", "> changed", "> shrunk", "> unchanged", "> vanished", "place"]
        shown = [one for one in found if one.sources or one.vanished or one.problems]
        rows = [
            (one.provider, one.sources, one.new, one.changed, one.shrunk, one.unchanged, one.vanished, one.place)
            for one in shown
        ]
        if rows:
            terminal.table(names, rows)
        else:
            terminal.notice("no provider has sessions here; `chasm provider list` says where it looks")
    for one in found:
        for problem in one.problems:
            terminal.notice(f"chasm: {problem}")
