"""`chasm fetch path`: the sessions of a folder, back in the tools they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chasm_git.outputs.cli import writing_back
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from collections.abc import Collection

    from chasm_git.api import Archive, WriteReport


@click.command("path")
@click.argument("path")
@writing_back.to_option
@click.option("--detected", is_flag=True, help="Also those that `detect workspace` finds to belong to it.")
@writing_back.provider_option
@writing_back.force_option
@writing_back.dry_run_option
@click.pass_obj
def command(
    context: Context, path: str, to: str | None, detected: bool, providers: tuple[str, ...], force: bool, dry_run: bool
) -> None:
    """Put back the sessions held in the folder PATH, below it, or in another clone of its repository.

    Each goes into the tool it came from, exactly as it was; what is there already, or newer there, is left alone.
    """
    from chasm_git import api

    asked: dict[str, Any] = {"providers": providers, "dry_run": dry_run, "force": force}
    reports: list[WriteReport] = []
    unknown: api.NoSuchSession | None = None
    with context.open_archive() as archive, context.terminal.progress("writing") as advance:
        env = context.env()
        try:
            reports.append(archive.fetch(env, path=path, to=writing_back.folder(to), progress=advance, **asked))
        except api.NoSuchSession as error:  # it may be another folder's, which this one was
            unknown = error
        there = {(row.provider, row.id) for report in reports for row in report.rows}
        if to is None and "://" not in path and (detected or not there):
            found = _elsewhere(context, archive, path, providers, there)
            if not detected:
                _hint(context, path, found)
                found = []
            reports += [archive.fetch(env, names=names, to=folder, **asked) for folder, names in found]
    if unknown is not None and not reports:
        raise unknown
    report, *others = reports
    for other in others:
        report.rows += other.rows
    writing_back.finish(context, report)


def _elsewhere(
    context: Context,
    archive: Archive,
    path: str,
    providers: tuple[str, ...],
    there: Collection[tuple[str, str]],
) -> list[tuple[str, list[str]]]:
    """What was held in other folders and belongs to this one: see `Detected.elsewhere`."""
    from chasm_git import api
    from chasm_git.outputs.cli import recovering

    lost = api.Recovery(archive.repository, context.env())
    return lost.detect(recovering.folder(path), only_archived=True).elsewhere(there, providers)


def _hint(context: Context, path: str, found: list[tuple[str, list[str]]]) -> None:
    """Say that there are sessions after all, which were held elsewhere."""
    count = sum(len(names) for _, names in found)
    if count:
        context.terminal.notice(
            f"{count} sessions that were held elsewhere seem to belong to {path}: `chasm detect workspace {path}` says "
            "why, --detected fetches them"
        )
