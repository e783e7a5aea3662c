"""`chasm recover repair`: what is left of a damaged file, in a new one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Repaired

_MOST = 20


@click.command("repair")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--to", metavar="NEW", type=click.Path(path_type=Path), help="The new file; else FILE's .recovered.")
@click.option("--in-place", is_flag=True, help="Replace FILE; a copy of it stays beside it (.damaged).")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, file: Path, to: Path | None, in_place: bool, dry_run: bool) -> None:
    """Write what is left of a damaged JSON or JSON-lines file into a new file, and say what was lost, by offset.

    Torn lines, NUL bytes, lines begun twice, documents one behind the other, text that is no UTF-8; a JSON document
    that breaks off is closed behind its last whole value. A file that parses is not touched, however it is formatted.
    """
    from chasm_git import api

    if to is not None and in_place:
        raise UsageError("--to or --in-place, not both")
    if file.suffix.lower() in (".vscdb", ".db", ".sqlite", ".sqlite3", ".zip"):
        raise UsageError(f"{file} is no JSON: `chasm recover extract {file}` takes the sessions out of it")
    made = api.repair(file, to=to, in_place=in_place, dry_run=dry_run)
    if context.json:
        context.terminal.json(made.as_json())
    else:
        _show(context, made, dry_run)


def _show(context: Context, made: Repaired, dry_run: bool) -> None:
    terminal = context.terminal
    if not made.is_damaged:
        terminal.line(f"{made.path} is not damaged")
        return
    what = "lines" if made.form == "jsonl" else "documents"
    terminal.line(f"{made.records} {what} whole, {made.damage.lost_bytes} bytes lost")
    for sign, noted in (("-", made.damage.lost), ("~", made.damage.mended)):
        for one in noted[:_MOST]:
            terminal.line(f"  {sign} at {one.start}: {one.end - one.start} bytes: {one.reason}")
        if len(noted) > _MOST:
            terminal.line(f"  … and {len(noted) - _MOST} more places (--json lists them)")
    for path in made.written:
        terminal.line(f"written: {path}")
    if made.kept is not None:
        terminal.line(f"as it was: {made.kept}")
    if dry_run:
        terminal.notice("nothing was written")
