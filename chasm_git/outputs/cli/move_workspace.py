"""`chasm move workspace`: the sessions of a folder that is somewhere else now."""

from __future__ import annotations

from pathlib import Path

import click

from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.words import show


@click.command("workspace")
@click.argument("old")
@click.argument("new")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, old: str, new: str, dry_run: bool) -> None:
    """Have the sessions of the folder OLD, and of those below it, belong to the folder NEW, as one commit.

    The folders themselves are left alone. No harvest moves the sessions back.
    """
    target = absolute(new)
    with context.open_archive() as archive:
        made = archive.move_workspace(absolute(old), target, dry_run=dry_run)
    show(context, made, f"belongs to {target}", dry_run, old=absolute(old), new=target)


def absolute(path: str) -> str:
    """A folder as sessions name it: absolute; a URI, and a path of another system, as it is."""
    if "://" in path or path[1:3] in (":\\", ":/") or path.startswith("\\\\"):
        return path
    return str(Path(path).expanduser().absolute())
