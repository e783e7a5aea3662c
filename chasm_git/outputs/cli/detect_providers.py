"""`chasm detect providers`: the tools with sessions of a folder."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import recovering
from chasm_git.outputs.cli.context import Context


@click.command("providers")
@click.argument("path", default=".")
@click.option("--verbose", "-v", is_flag=True, help="Count candidates that are less sure, too.")
@click.pass_obj
def command(context: Context, path: str, verbose: bool) -> None:
    """Show which tools have sessions of the folder PATH, also of when it was somewhere else."""
    found = recovering.detected(context, path, verbose=verbose)
    rows = found.providers()
    if context.json:
        context.terminal.json({"path": str(found.path), "providers": rows})
        return
    if not rows:
        context.terminal.line(f"no tool is known to have sessions of {found.path}")
    recovering.show_providers(context, rows)
    recovering.say_problems(context, found.problems)
