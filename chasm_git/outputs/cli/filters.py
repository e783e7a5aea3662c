"""Choosing sessions: the options that `list` and its relatives share, and what they mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chasm_git.errors import SourcesUnreadable, UsageError
from chasm_git.session.times import moment

if TYPE_CHECKING:
    from chasm_git.api import Archive, Listed, StatsRow
    from chasm_git.outputs.cli.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Filter:
    """What a session must be like to be chosen; None = anything will do."""

    project_path: str | None = None
    provider: str | None = None
    since: str | None = None
    """A moment as sessions write it: chosen are those with a message since then."""
    tags: tuple[str, ...] = ()

    def accepts(self, listed: Listed) -> bool:
        """Whether a session is one of those."""
        summary = listed.summary
        if self.provider is not None and summary.provider != self.provider:
            return False
        if self.since is not None and (summary.updated_at or "") < self.since:
            return False
        if not set(self.tags) <= set(summary.tags):
            return False
        return self.project_path is None or is_below(summary.workspace, self.project_path)

    def accepts_row(self, row: StatsRow) -> bool:
        """The same for a session that is counted (`Archive.stats`); what `since` leaves of it is counted there."""
        if self.provider is not None and row.provider != self.provider:
            return False
        if not set(self.tags) <= set(row.tags):
            return False
        return self.project_path is None or is_below(row.workspace, self.project_path)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that make a `Filter`, passed on to the command as ``chosen``."""

    @wraps(command)
    def with_filter(
        *args: Any, project_path: str | None, provider: str | None, since: str | None, tag: tuple[str, ...], **rest: Any
    ) -> Any:
        moment = None if since is None else since_when(since, dt.datetime.now(dt.UTC))
        return command(*args, chosen=Filter(project_path, provider, moment, tag), **rest)

    for option in (
        click.option("--tag", metavar="TAG", multiple=True, help="Only with this tag; several: with all of them."),
        click.option(
            "--since", metavar="WHEN", help="Only with a message since then: 2026-01-31, 12h, 7d, 2w, yesterday."
        ),
        click.option("--provider", metavar="NAME", help="Only of this provider."),
        click.option("--project-path", metavar="PATH", help="Only held in this folder, or below it."),
    ):
        with_filter = option(with_filter)
    return with_filter


def choose(archive: Archive, chosen: Filter, terminal: Terminal) -> tuple[list[Listed], Callable[[], None]]:
    """The chosen sessions, the latest first.

    Files that cannot be read are named on stderr; the function that comes along ends the command with SourcesUnreadable
    if there were any, to be called when the rest is printed.
    """
    from chasm_git.api import Unreadable

    files = archive.session_files()
    if chosen.provider is not None:  # the path says it: the others need not be opened
        files = {path: blob for path, blob in files.items() if path.split("/")[1] == chosen.provider}
        if not files:
            expect_provider(chosen.provider)
    found: list[Listed] = []
    unreadable = 0
    with terminal.progress("reading sessions") as progress:
        for number, one in enumerate(archive.sessions(files), 1):
            progress(number, len(files))
            if isinstance(one, Unreadable):
                unreadable += 1
                terminal.notice(f"chasm: {one}")
            elif chosen.accepts(one):
                found.append(one)
    found.sort(key=lambda one: (one.summary.updated_at or "", one.summary.id), reverse=True)

    def finish() -> None:
        if unreadable:
            files = "1 session file" if unreadable == 1 else f"{unreadable} session files"
            raise SourcesUnreadable(f"{files} could not be read")

    return found, finish


def expect_provider(name: str) -> None:
    """Raise UsageError where no session is of a provider, and none is called so: a slip looks like an empty archive."""
    from chasm_git.api import check_provider

    check_provider(name)


def since_when(text: str, now: dt.datetime) -> str:
    """The moment a person means, as sessions write it: a date or time (local), ``7d`` ago, ``today``, ``yesterday``."""
    found = moment(text, now)
    if found is None:
        raise UsageError(
            f"{text!r} is no time: write a date (2026-01-31), a date and time, an age (12h, 7d, 2w) or yesterday"
        )
    return found


def is_below(workspace: str | None, path: str) -> bool:
    """Whether a workspace is the folder `path` or lies below it."""
    if not workspace:
        return False
    place = _comparable(workspace)
    given = Path(path).expanduser().absolute()
    return any(place == folder or place.startswith(folder + "/") for folder in _both(path, given))


def _both(path: str, given: Path) -> Iterator[str]:
    """The folder as written (a workspace may be one of another machine), made absolute, and without links."""
    for folder in (path, str(given), str(given.resolve())):
        yield _comparable(folder)


def _comparable(path: str) -> str:
    from urllib.parse import unquote

    if path.startswith("file://"):
        path = unquote(path.removeprefix("file://"))
    return path.replace("\\", "/").rstrip("/") or "/"
