"""`chasm git show`: `chasm show session` by the name git has for it."""

from __future__ import annotations

import click

from chasm_git.outputs.cli import show_session

command = click.Command(
    "show",
    callback=show_session.command.callback,
    params=list(show_session.command.params),
    help=show_session.command.help,
)
