"""What `detect` and `recover` share: an archive where there is one, and saying what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Candidate, Detected, Orphan, Recovered, Recovery

_MOST = 5
_MOST_ORPHANS = 30
WORTH_A_LOOK = 0.2
"""The score from which on `--verbose` shows a candidate."""


@contextmanager
def recovery(context: Context, *, make: bool = False, dry_run: bool = False) -> Iterator[Recovery]:
    """What is lost, against the archive if there is one. Raises NotAnArchive where something else is in its place.

    Args:
        make: something is to be harvested: an archive that is not there is made.
        dry_run: it is not made to last.
    """
    from chasm_git import api

    if make:
        from chasm_git.outputs.cli.harvest_run import archive_of

        with archive_of(context, dry_run) as made:
            yield api.Recovery(made.repository, context.env())
        return

    try:
        archive = context.open_archive()
    except api.NotAnArchive:
        if context.archive is not None and Path(context.archive).exists():
            raise
        context.terminal.notice("there is no archive yet: only the tools on this machine are looked at")
        yield api.Recovery(None, context.env())
        return
    with archive:
        yield api.Recovery(archive.repository, context.env())


def folder(path: str) -> Path:
    """A folder as it was given, absolute."""
    return Path(path).expanduser().absolute()


def detected(context: Context, path: str, *, verbose: bool) -> Detected:
    """What belongs to a folder; with `verbose` also what is less sure."""
    with recovery(context) as lost, context.terminal.progress("reading") as advance:
        return lost.detect(folder(path), least=WORTH_A_LOOK if verbose else None, progress=advance)


def show_candidates(context: Context, found: Detected, *, verbose: bool) -> None:
    """Print what belongs to a folder, and why."""
    terminal = context.terminal
    if not found.candidates:
        terminal.line(f"no session is known to belong to {found.path}")
    for one in found.candidates:
        _candidate(context, one, verbose)
    say_problems(context, found.problems)
    elsewhere = [one for one in found.candidates if not one.is_here and one.score >= 0.5]
    if elsewhere:
        terminal.notice(
            f"`chasm detect workspace {found.path} --recover` puts these into their tools here; "
            "`chasm move workspace OLD NEW` has them belong here in the archive"
        )


def _candidate(context: Context, one: Candidate, verbose: bool) -> None:
    terminal = context.terminal
    providers: dict[str, int] = {}
    for session in one.sessions:
        providers[session.provider] = providers.get(session.provider, 0) + 1
    counts = ", ".join(f"{name} {count}" for name, count in sorted(providers.items()))
    to = "" if one.is_here else f" -> {one.target}"
    terminal.line(f"{one.score:.2f}  {one.workspace or '(no folder)'}{to}  ({counts})", bold=True)
    for reason in one.reasons if not one.is_here or verbose else ():
        terminal.line(f"      {reason}")
    shown = one.sessions if verbose else one.sessions[:_MOST]
    for session in shown:
        place = "" if session.archived else "  (not harvested yet)"
        terminal.line(f"      {session.provider}  {session.id}  {' '.join(session.title.split())[:50]}{place}")
    if len(shown) < len(one.sessions):
        terminal.line(f"      … and {len(one.sessions) - len(shown)} more (--verbose lists all)")


def show_providers(context: Context, rows: Sequence[dict[str, Any]]) -> None:
    """Print which tools have sessions of a folder."""
    from chasm_git.outputs.cli.terminal import local_time

    if rows:
        context.terminal.table(
            ["provider", "> sessions", "> archived", "> held elsewhere", "latest"],
            [
                (row["provider"], row["sessions"], row["archived"], row["elsewhere"], local_time(row["updated_at"]))
                for row in rows
            ],
        )


def show_orphans(context: Context, found: Sequence[Orphan]) -> None:
    """Print sessions that their tools do not show."""
    terminal = context.terminal
    if not found:
        terminal.line("no orphaned session")
    for one in found[:_MOST_ORPHANS]:
        why = {
            "folder gone": "its folder is gone",
            "superseded": "its tool looks somewhere else for this folder's sessions now",
            "unlisted": "missing from its tool's list",
        }[one.why]
        count = f"{len(one.sessions)} session{'s' * (len(one.sessions) != 1)}"
        terminal.line(f"{one.provider}  {one.workspace or '(no folder named)'}  {count}: {why}")
        terminal.line(f"      {one.place}")
        if one.moved_to is not None and one.why != "unlisted":
            terminal.line(f"      goes on in {one.moved_to}")
    if len(found) > _MOST_ORPHANS:
        terminal.line(f"… and {len(found) - _MOST_ORPHANS} more (--json lists all)")


def show_recovered(context: Context, made: Recovered) -> None:
    """Print what was harvested and put back. Raises ChasmError where sessions could not be written."""
    from chasm_git.outputs.cli import writing_back

    if context.json:
        context.terminal.json(made.as_json())
    else:
        new = made.harvested.summary() if made.harvested.results else "nothing new"
        context.terminal.line(f"archive: {new}")
    if made.waiting and made.written.dry_run:
        context.terminal.notice(f"{made.waiting} sessions would be harvested first, and put back then")
    elif made.waiting:
        context.terminal.notice(f"{made.waiting} files gave no session to put back: empty, or not readable")
    say_problems(context, made.harvested.problems)
    writing_back.finish(context, made.written, is_printed=True)


def say_problems(context: Context, problems: Iterable[object]) -> None:
    """Name what could not be read."""
    for problem in problems:
        context.terminal.notice(f"chasm: {problem}")
