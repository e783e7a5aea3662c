"""`chasm register all`: the tools list what they have of a folder."""

from __future__ import annotations

from pathlib import Path

import click

from chasm_git.outputs.cli import writing_back
from chasm_git.outputs.cli.context import Context


@click.command("all")
@click.option("--path", default=".", metavar="DIR", help="The folder whose sessions are meant; else this one.")
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(context: Context, path: str, force: bool, dry_run: bool) -> None:
    """Have every tool list the sessions of a folder that it has in its store and does not show.

    VS Code lists its session files again whether they are in an archive or not; it must not run meanwhile.
    """
    from chasm_git import api

    try:
        archive = context.open_archive()
    except api.NotAnArchive:
        if context.archive is not None:
            raise
        report = api.list_anew(context.env(), path, backup=_backup(), dry_run=dry_run, force=force)
        context.terminal.notice("there is no archive yet: only VS Code's own session files were looked at")
    else:
        with archive, context.terminal.progress("writing") as advance:
            report = archive.register(context.env(), path=path, force=force, dry_run=dry_run, progress=advance)
    writing_back.finish(context, report)


def _backup() -> Path:
    """Where copies of what is changed are kept while there is no archive."""
    import time

    import platformdirs

    started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return Path(platformdirs.user_data_dir("chasm", appauthor=False)) / "replaced" / started
