"""`chasm git add`: harvest and commit just these sessions."""

from __future__ import annotations

import click

from chasm_git.errors import ChasmError, UsageError
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.harvest_run import harvest


@click.command("add")
@click.argument("sessions", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Everything that is new.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("-m", "--message", metavar="MSG", help="First line of the commit message.")
@click.pass_obj
def command(context: Context, sessions: tuple[str, ...], everything: bool, dry_run: bool, message: str | None) -> None:
    """Harvest just these sessions, or all of them, and commit them.

    What the archive has is named as ever; what is new to it, by its id in full.
    """
    if not sessions and not everything:
        raise UsageError("name the sessions to add, or say --all")
    if everything:
        harvest(context, dry_run=dry_run, message=message)
        return
    names = {name: _whole(context, name) for name in sessions}
    harvest(context, sessions=frozenset(names.values()), dry_run=dry_run, message=message)
    nowhere = [given for given, name in names.items() if not _is_kept(context, name)]
    if nowhere and not dry_run:
        raise ChasmError(
            f"no tool on this machine has a session {', '.join(map(repr, nowhere))} (new ones: ids in full); "
            "`chasm harvest scan` says what there is"
        )


def _whole(context: Context, name: str) -> str:
    """The whole id of a session of the archive; of one that is still to come, the name itself."""
    from chasm_git import api

    try:
        with context.open_archive() as archive:
            return archive.find(name).id
    except (api.NotAnArchive, api.NoSuchSession):
        return name


def _is_kept(context: Context, name: str) -> bool:
    from chasm_git import api

    with context.open_archive() as archive:
        try:
            return archive.find(name).id == name
        except api.NoSuchSession:
            return False
