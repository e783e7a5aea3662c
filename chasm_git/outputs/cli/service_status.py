"""`chasm service status`: do harvests run by themselves?"""

from __future__ import annotations

from dataclasses import asdict

import click

from chasm_git.outputs.cli import services
from chasm_git.outputs.cli.context import Context

_WORDS = {True: "running", False: "not running", None: ""}


@click.command("status")
@click.pass_obj
def command(context: Context) -> None:
    """Show what `chasm service install` put here, and whether it runs."""
    from chasm_git.outputs import service

    found = service.status(services.place(context))
    if context.json:
        context.terminal.json([asdict(one) for one in found])
    elif found:
        context.terminal.table(
            ["service", "state", "place", "detail"],
            [(one.kind, _WORDS[one.running], one.place, one.detail) for one in found],
        )
    else:
        context.terminal.notice("no service is installed; `chasm service install` puts one")
