"""`chasm harvest run`: everything new on this machine becomes one commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from chasm_git.errors import ChasmError, SourcesUnreadable
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Archive, Report

_MOST_LINES = 20


@click.command("run")
@click.option(
    "--provider", "--providers", "-p", "providers", multiple=True, metavar="P", help="Only these (may be A,B)."
)
@click.option("--exclude", multiple=True, metavar="P", help="All but these.")
@click.option("--workspace", metavar="PATH", help="Only sessions held in this folder or below it.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option("-m", "--message", metavar="MSG", help="First line of the commit message.")
@click.option(
    "--redact",
    type=click.Choice(["off", "warn", "mask"]),
    help="What becomes of credentials: not looked for, told of, masked; else as chasm.yaml says (redact:).",
)
@click.option("--or-demo", is_flag=True, help="Where no provider has sessions, show the demo instead.")
@click.pass_obj
def command(
    context: Context,
    providers: tuple[str, ...],
    exclude: tuple[str, ...],
    workspace: str | None,
    dry_run: bool,
    message: str | None,
    redact: str | None,
    or_demo: bool,
) -> None:
    """Bring everything new into the archive, as one commit.

    What did not change since the last harvest is not read again; what is gone at its source stays in the archive.
    """
    if or_demo and not _finds_anything(context):
        from chasm_git.outputs.cli import demo

        context.terminal.notice("no provider has sessions here; this is the demo instead")
        demo.show(context)
        return
    harvest(
        context,
        providers=split(providers),
        exclude=split(exclude),
        workspace=workspace,
        dry_run=dry_run,
        message=message,
        redact=redact,
    )


def _finds_anything(context: Context) -> bool:
    from chasm_git import api

    return any(found.sources for found in api.scan(context.archive_path(), context.env()))


def split(names: tuple[str, ...]) -> list[str]:
    """Names given one by one or with commas."""
    return [name.strip() for given in names for name in given.split(",") if name.strip()]


def harvest(context: Context, *, dry_run: bool = False, **asked: Any) -> None:
    """Run a harvest and print what came of it. Raises SourcesUnreadable where sources could not be read."""
    terminal = context.terminal
    check = names_checked(asked.get("providers", ()), asked.get("exclude", ()))
    with archive_of(context, dry_run, check) as archive, terminal.progress("reading") as advance:
        report = archive.harvest(context.env(), dry_run=dry_run, progress=advance, **asked)
    finish(context, report, dry_run)


def finish(context: Context, report: Report, dry_run: bool, *, is_printed: bool = False) -> None:
    """Print what came of it. Raises SourcesUnreadable where sources could not be read.

    Args:
        is_printed: the JSON document is there already, as a part of another one.
    """
    terminal = context.terminal
    if context.json and not is_printed:
        terminal.json(report.as_json())
    elif not context.json:
        show(context, report, dry_run)
        _show_secrets(context, report, dry_run)
    _show_problems(context, report)
    for kept in report.kept:
        terminal.notice(f"chasm: {kept.path}: left as you have it: {kept.reason}")
    if report.pending is not None:
        terminal.notice(f"chasm: the worktree will follow at the next harvest: {report.pending}")
    unreadable = len({problem.path for problem in report.problems if problem.fatal})
    if unreadable:
        sources = "1 source" if unreadable == 1 else f"{unreadable} sources"
        raise SourcesUnreadable(f"{sources} could not be read (named above); everything else was harvested")


def _show_problems(context: Context, report: Report) -> None:
    """Say what could not be read: by file, the first reasons of each, and how many more there are."""
    by_file: dict[str, list[str]] = {}
    for problem in report.problems:
        by_file.setdefault(problem.path, []).append(str(problem))
    for path, found in by_file.items():
        for said in found[:_MOST_LINES]:
            context.terminal.notice(f"chasm: {said}")
        if len(found) > _MOST_LINES:
            context.terminal.notice(f"chasm: {path}: … and {len(found) - _MOST_LINES} more (--json lists all)")


def _show_secrets(context: Context, report: Report, dry_run: bool) -> None:
    """Say which credentials came in, and what can be done about them."""
    terminal = context.terminal
    if report.masked:
        terminal.notice(
            f"chasm: {'would mask' if dry_run else 'masked'} credentials in {report.masked} places; "
            "what was harvested before masks were on, `chasm secrets mask --all` masks"
        )
    lines = [
        f"  {seen.rule} {seen.shown} [{seen.fingerprint}] in {result.provider} {result.id}"
        + (f" message {seen.message}" if seen.message else "")
        for result, seen in report.secrets
    ]
    if not lines:
        return
    count = len({seen.fingerprint for _, seen in report.secrets})
    terminal.notice(f"chasm: {count} credential{'s' if count != 1 else ''} came in and stay as they are:")
    for line in lines[:_MOST_LINES]:
        terminal.notice(line)
    if len(lines) > _MOST_LINES:
        terminal.notice(f"  … and {len(lines) - _MOST_LINES} more (chasm secrets scan)")
    terminal.notice(
        "`chasm secrets mask ID` masks a session's, `chasm secrets allow FINGERPRINT` lets one be; "
        "`redact: mask` in chasm.yaml masks new ones as they come"
    )


def names_checked(providers: Sequence[str], exclude: Sequence[str] = ()) -> Callable[[], None]:
    """Looks at names of providers, for `archive_of`: one that is mistyped makes no archive."""
    from chasm_git import api

    return lambda: api.check_harvest(providers, exclude)


@contextmanager
def archive_of(context: Context, dry_run: bool, check: Callable[[], None] = lambda: None) -> Iterator[Archive]:
    """The archive to harvest into; the first harvest makes it, and says so.

    Args:
        check: called before one is made; raises where what is asked for makes no sense.
    """
    from chasm_git import api

    if dry_run:
        with api.open_or_pretend(context.archive_path()) as archive:
            yield archive
        return
    archive, is_new = api.open_or_make(context.archive_path(), check)
    with archive:
        if is_new:
            context.terminal.notice(f"made an archive at {archive.path}")
            _install(context, archive)
        yield archive


def _install(context: Context, archive: Archive) -> None:
    """Let plain git show conversations in the new archive."""
    try:
        archive.install()
    except ChasmError as error:  # no git, say: the harvest works without
        context.terminal.notice(f"chasm: git will show plain text: {error}")


def show(context: Context, report: Report, dry_run: bool) -> None:
    """Print a report for a person."""
    terminal = context.terminal
    if not report.results:
        gone = f", {report.vanished} gone and kept here" if report.vanished else ""
        terminal.line(f"nothing new ({report.unchanged + report.read} sources looked at{gone})")
        return
    terminal.line(("would " if dry_run else "") + report.summary())
    for result in report.results[:_MOST_LINES]:
        grown = f"+{result.added}" if result.before is not None else f"{result.messages} messages"
        sign = "+" if result.before is None else "~"
        line = f"  {sign} {result.provider}  {result.id}  {result.title[:60]}  ({grown})"
        if result.shrunk:
            line += f", {result.shrunk} gone at the source, kept"
        terminal.line(line)
    if len(report.results) > _MOST_LINES:
        terminal.line(f"  … and {len(report.results) - _MOST_LINES} more (chasm git log -n 1)")
