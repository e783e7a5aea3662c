"""`chasm conflicts`: what waits for a person's decision."""

from __future__ import annotations

from dataclasses import asdict

import click

from chasm_git.errors import ConflictsWaiting
from chasm_git.outputs.cli.context import Context

_KINDS = {
    "edit": "message edited on both sides",
    "add": "message added on both sides",
    "metadata": "key",
    "unreadable": "version that could not be read",
    "text": "other text",
}


@click.command("conflicts")
@click.pass_obj
def command(context: Context) -> None:
    """List what two sides changed differently, and nobody has decided yet; the exit code is 3 then.

    All versions stand in the archive, the first one is shown. `chasm resolve ID` ends the conflicts of a session. Of a
    file that stands twice, put what you want into the first one, delete the other, commit. A message that one side
    forgot and the other one edited waits for nobody: it stays forgotten, and `chasm sync` says so.
    """
    terminal = context.terminal
    with context.open_archive() as archive:
        found = archive.conflicts()
    if context.json:
        terminal.json([asdict(one) for one in found])
    elif not found:
        terminal.notice("nothing waits for a decision")
    for one in () if context.json else found:
        name = f"{one.id}  {one.provider}" if one.provider else one.id
        terminal.line(f"{name}  {_KINDS[one.kind]}: {one.where}")
        for number, text in enumerate(one.texts, 1):
            terminal.line(f"  {number} {'shown' if number == 1 else 'other'}: {text}")
    if found:
        inside = sorted({one.id for one in found if one.kind in ("edit", "add", "metadata")})
        what, ends = ("decision waits", "ends it") if len(found) == 1 else ("decisions wait", "ends them")
        hint = f"`chasm resolve {inside[0] if len(inside) == 1 else 'ID'}` {ends}" if inside else "see --help"
        raise ConflictsWaiting(f"{len(found)} {what}; {hint}")
