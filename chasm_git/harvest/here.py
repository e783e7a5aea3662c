"""This machine's side of a harvest: the archive that is made when there is none, what is to be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive.machine import machine_name
from chasm_git.errors import UsageError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive
    from chasm_git.harvest.report import Report, Scanned
    from chasm_git.harvest.run import Progress
    from chasm_git.providers.base import Env


def chosen(providers: Sequence[str], exclude: Sequence[str]) -> list[str] | None:
    """Names of the providers to harvest; None = all. Raises UsageError for one that has no store, or is not known."""
    if not providers and not exclude:
        return None
    from chasm_git.providers import registry

    every = registry.names()
    for name in (*providers, *exclude):
        if name not in every:
            title = registry.load(name).title  # says what there is
            if name in providers:
                raise UsageError(
                    f"{title} keeps nothing on this machine to harvest: `chasm harvest import FILE` reads its exports"
                )
    return [name for name in (providers or every) if name not in exclude]


def run(
    archive: Archive,
    env: Env,
    *,
    providers: Sequence[str] = (),
    exclude: Sequence[str] = (),
    workspace: str | None = None,
    sessions: frozenset[str] | None = None,
    dry_run: bool = False,
    message: str | None = None,
    redact: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Harvest everything new below `env`; see `run.harvest`."""
    from chasm_git.harvest.read import Options
    from chasm_git.harvest.run import harvest

    if workspace is not None and "://" not in workspace:
        place = Path(workspace).expanduser()
        if place.is_absolute() or workspace.startswith(".") or place.is_dir():
            workspace = str(place.absolute())
    return harvest(
        archive,
        env,
        machine_name(archive, keep=not dry_run),
        names=chosen(providers, exclude),
        options=Options(workspace=workspace, sessions=sessions, dry=dry_run, redact=redact),
        message=message,
        progress=progress,
    )


def scan(archive: Archive | None, env: Env, names: Iterable[str] | None) -> list[Scanned]:
    """What every provider has, against the last harvest of `archive` (None: there is no archive yet)."""
    from chasm_git.harvest.plan import make_plan, plan_from_nothing
    from chasm_git.harvest.report import scanned

    if archive is None:
        from chasm_git.providers import registry
        from chasm_git.providers.traces import Traces

        traces = Traces(env)
        named = names if names is not None else (name for name in registry.names() if traces.has(name))
        plans = [plan_from_nothing(registry.load(name), env) for name in named]
    else:
        plans = make_plan(archive, env, machine_name(archive, keep=False), names).providers
    return [scanned(one) for one in plans]
