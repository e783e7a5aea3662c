"""`chasm harvest watch`: keep harvesting while sessions are written."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import click

from chasm_git.errors import ChasmError
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.harvest_run import archive_of, names_checked, show, split


@click.command("watch")
@click.option(
    "--provider", "--providers", "-p", "providers", multiple=True, metavar="P", help="Only these (may be A,B)."
)
@click.option("--exclude", multiple=True, metavar="P", help="All but these.")
@click.option(
    "--quiet-time",
    type=click.FloatRange(min=0.1),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="Harvest when nothing has been written for so long.",
)
@click.option(
    "--longest",
    type=click.FloatRange(min=0.1),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="Harvest after so long, however much is still being written.",
)
@click.option("--sync", is_flag=True, help="Sync with the remote after each harvest that found something.")
@click.pass_obj
def command(
    context: Context,
    providers: tuple[str, ...],
    exclude: tuple[str, ...],
    quiet_time: float,
    longest: float,
    sync: bool,
) -> None:
    """Harvest now, and again whenever sessions were written; one commit a burst. Ctrl-C ends it.

    Being killed at any moment loses nothing: the next harvest takes what this one did not.
    `chasm service install` keeps it running. With --json each harvest prints one line of JSON.
    """
    terminal = context.terminal
    stop = threading.Event()
    chosen, left_out = split(providers), split(exclude)

    def harvest() -> None:
        with archive_of(context, False) as archive:
            report = archive.harvest(context.env(), providers=chosen, exclude=left_out)
        for problem in report.problems:
            terminal.notice(f"chasm: {problem}")
        if report.commit is None:
            return
        if context.json:
            terminal.json_line(report.as_json())
        else:
            show(context, report, False)
        if sync:
            _sync(context)

    def told(text: str) -> None:
        terminal.notice(f"chasm: {text}")

    with archive_of(context, False, names_checked(chosen, left_out)) as archive, _until_asked_to_stop(stop):
        if not context.json:
            terminal.notice(f"watching for {archive.path}; Ctrl-C ends it")
        archive.watch(
            context.env(),
            harvest,
            providers=chosen,
            exclude=left_out,
            quiet=quiet_time,
            longest=longest,
            stop=stop,
            told=told,
        )


def _sync(context: Context) -> None:
    """Sync; a remote that is away, or a decision that waits, does not end the watch."""
    try:
        with context.open_archive() as archive:
            report = archive.sync()
    except ChasmError as error:
        context.terminal.notice(f"chasm: not synced: {error}")
        return
    for note in report.notes:
        context.terminal.notice(f"chasm: {note}")
    if report.clashes:
        context.terminal.notice("chasm: synced; decisions wait: `chasm conflicts`")


class _until_asked_to_stop:
    """While it lasts, a signal to end sets an event: what is under way is finished first."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def __enter__(self) -> None:
        def asked(number: int, frame: FrameType | None) -> None:
            self._stop.set()

        self._before = {name: signal.signal(name, asked) for name in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *error: object) -> None:
        for name, before in self._before.items():
            signal.signal(name, before)
