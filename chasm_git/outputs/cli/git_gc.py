"""`chasm git gc`: pack the repository."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.context import Context


@click.command("gc")
@click.option("--dry-run", is_flag=True, help="Say how large the repository is; change nothing.")
@click.pass_obj
def command(context: Context, dry_run: bool) -> None:
    """Make the repository as small as git can, and its history quick to ask.

    It is done by itself after harvests that made it heavy; there is no need to call this.
    """
    terminal = context.terminal
    with context.open_archive() as archive:
        if dry_run:
            weight = archive.weight()
            if context.json:
                terminal.json({"before": weight._asdict(), "dry_run": True})
            else:
                terminal.line(
                    f"{size(weight.bytes)}: {weight.loose_objects} loose objects ({size(weight.loose_bytes)}), "
                    f"{weight.packs} packs"
                )
            return
        outcome = archive.pack()
    if context.json:
        terminal.json(outcome.as_json() | {"dry_run": False})
        return
    before, after = outcome.before, outcome.after
    terminal.line(
        f"{size(before.bytes)} -> {size(after.bytes)} in {outcome.seconds:.1f} s "
        f"({before.loose_objects} loose objects and {before.packs} packs -> "
        f"{after.loose_objects} and {after.packs})"
    )


def size(count: int) -> str:
    """Bytes for people."""
    number = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            break
        number /= 1024
    return f"{count} bytes" if unit == "bytes" else f"{number:.1f} {unit}"
