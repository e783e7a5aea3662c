"""`chasm recover extract`: sessions out of any file, folder, disk or copy of a database."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chasm_git.errors import ChasmError, SourcesUnreadable
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Archive, Report


@click.command("extract")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", metavar="DIR", help="Write the sessions there, as new files; the archive stays as it is.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["native", "json", "jsonl", "md"]),
    default="native",
    help="Of the new files; else as their own client has them.",
)
@click.option("--provider", "-p", metavar="P", help="Whose files they are, where their content does not say.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("-m", "--message", metavar="MSG", help="First line of the commit message.")
@click.pass_obj
def command(
    context: Context,
    paths: tuple[Path, ...],
    to: str | None,
    form: str,
    provider: str | None,
    dry_run: bool,
    message: str | None,
) -> None:
    """Bring the sessions in each PATH into the archive: a rescued disk, a home, a folder, a file, a database, a zip.

    Damaged files, copies that were put aside (.bak, state.vscdb.backup) and zips that broke off are read as far as they
    go. Nothing is written beside them.
    """
    if to is None:
        from chasm_git.outputs.cli.harvest_run import archive_of

        with archive_of(context, dry_run) as archive:
            _finish(context, _extract(context, archive, paths, provider, dry_run, message), dry_run)
        return
    from chasm_git import api

    with tempfile.TemporaryDirectory(prefix="chasm-") as folder, api.make_archive(Path(folder) / "a") as archive:
        reports = _extract(context, archive, paths, provider, False, None)
        _write(context, archive, to, form, dry_run)
    _complain(context, reports)


def _extract(
    context: Context,
    archive: Archive,
    paths: tuple[Path, ...],
    provider: str | None,
    dry_run: bool,
    message: str | None,
) -> list[Report]:
    from chasm_git import api

    lost = api.Recovery(archive.repository, context.env())
    with context.terminal.progress("reading") as advance:
        return lost.extract(paths, provider=provider, dry_run=dry_run, message=message, progress=advance)


def _write(context: Context, archive: Archive, to: str, form: str, dry_run: bool) -> None:
    """Write the sessions of an archive into a folder. Raises ChasmError where there are none."""
    from chasm_git import api
    from chasm_git.outputs.cli import exporting

    listed = [one.summary for one in archive.sessions() if isinstance(one, api.Listed)]
    found = [archive.find(f"{one.provider}/{one.id}") for one in listed]
    if not found:
        raise ChasmError("no session was found")
    asked = exporting.Asked(form, False, "messages", False, False, dry_run)
    exporting.export(context, archive, found, to, asked, "recovered")


def _finish(context: Context, reports: list[Report], dry_run: bool) -> None:
    from chasm_git.outputs.cli.harvest_run import show

    if context.json:
        context.terminal.json([one.as_json() for one in reports])
    else:
        news = [report for report in reports if report.results]
        for report in news:
            show(context, report, dry_run)
        if not news:
            context.terminal.line("nothing that the archive does not have")
    _complain(context, reports)


def _complain(context: Context, reports: list[Report]) -> None:
    """Name what could not be read. Raises SourcesUnreadable."""
    problems = list(dict.fromkeys(problem for report in reports for problem in report.problems))
    for problem in problems:
        context.terminal.notice(f"chasm: {problem}")
    unread = sum(problem.fatal for problem in problems)
    if unread:
        raise SourcesUnreadable(f"{unread} files could not be read (named above); everything else was")
