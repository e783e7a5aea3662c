"""`chasm conflicts`: what waits for a person's decision."""

from __future__ import annotations

from dataclasses import asdict

import click

from chasm_git.outputs.cli.context import Context


@click.command("conflicts")
@click.pass_obj
def command(context: Context) -> None:
    """List what two sides changed differently, and nobody has decided yet.

    Both texts stand in the archive; the first one is shown. `chasm resolve ID` ends a conflict.
    """
    terminal = context.terminal
    with context.open_archive() as archive:
        found = archive.conflicts()
    if context.json:
        terminal.json([asdict(one) for one in found])
        return
    if not found:
        terminal.notice("nothing waits for a decision")
        return
    for one in found:
        place = {"edit": "message", "metadata": "key", "unreadable": "unreadable version", "text": "other text"}
        terminal.line(f"{one.id}  {one.provider or ''}  {place[one.kind]} {one.where}".replace("    ", "  "))
        for number, text in enumerate(one.texts):
            terminal.line(f"  {'shown' if number == 0 else 'other'}: {text}")
