"""`chasm service remove`: harvests do not run by themselves any more."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import services
from chasm_git.outputs.cli.context import Context


@click.command("remove")
@services.kind_option
@click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
@click.pass_obj
def command(context: Context, kind: services.Kind | None, dry_run: bool) -> None:
    """Take away what `chasm service install` put, of every kind or of one. The archive stays as it is."""
    from chasm_git.outputs import service

    place = services.place(context)
    found = service.status(place) if kind is None else []
    for one in found:
        if not one.installed:
            context.terminal.notice(f"chasm: {one.place}: {one.detail}")
    kinds = [kind] if kind else [one.kind for one in found if one.installed]
    done = [line for one in kinds for line in service.remove(one, place, dry_run=dry_run)]
    services.say(context, done or ["nothing was installed"], kind, dry_run and bool(done))
