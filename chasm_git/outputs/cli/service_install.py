"""`chasm service install`: have harvests run by themselves."""

from __future__ import annotations

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli import services
from chasm_git.outputs.cli.context import Context


@click.command("install")
@services.kind_option
@click.option("--sync", is_flag=True, help="Also sync with the remote after each harvest that found something.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
@click.pass_obj
def command(context: Context, kind: services.Kind | None, sync: bool, dry_run: bool) -> None:
    """Keep `chasm harvest watch` running for you: by systemd, launchd, or every ten minutes by cron.

    Only for your user; nothing needs an administrator. Installing again replaces what is there. `--kind claude-code`
    has Claude Code start a harvest whenever one of its sessions ends (a SessionEnd hook in its settings).
    """
    from chasm_git.outputs import service

    place = services.place(context)
    chosen = kind or service.best(place)
    is_single = chosen in ("cron", "claude-code")
    if sync and is_single:
        raise UsageError(f"{chosen} runs one harvest at a time; let cron call `chasm sync` in a line of its own")
    words = ["run"] if is_single else ["watch", *(["--sync"] if sync else [])]
    words += ["--provider", "claude-code"] if chosen == "claude-code" else []
    command = [*services.program(context), *(["--quiet"] if is_single else []), "harvest", *words]
    services.say(context, service.install(chosen, place, command, dry_run=dry_run), chosen, dry_run)
