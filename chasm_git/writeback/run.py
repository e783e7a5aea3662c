"""Putting sessions back, one after the other: planned, written, read back, told.

A plan is made right before it is carried out, for a session changes the lists that the next one stands in; so one
process at a time is at it. What is replaced is copied first, into a folder of the run in the archive's own state.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.errors import ChasmError, UsageError
from chasm_git.providers.base import Env
from chasm_git.providers.writing import contract
from chasm_git.providers.writing.contract import INDEX, ChangedMeanwhile, Standing, Target, WritePlan, Writer
from chasm_git.session import attachments, codec
from chasm_git.session.model import Session
from chasm_git.session.readable import display_title
from chasm_git.writeback.report import WriteReport, WrittenRow, outcome_of

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Progress = Callable[[int, int], None]
"""Told how many sessions are done, and of how many."""

_TRIES = 3
_KEPT_DAYS = 30
"""How long copies of what was replaced stay."""


@dataclass(frozen=True, slots=True)
class Item:
    """A session that is to be put back."""

    id: str
    provider: str
    blob: str
    commit: str
    folder: str | None
    """Where it is to go on; None = its own folder."""
    into: str | None = None
    """The provider it is put into; None = its own."""
    agents: tuple[str, ...] = ()
    """Blobs of the sessions of its sub-agents."""
    copy: bool = False
    """Under a new id, also into its own tool."""


@dataclass(frozen=True, slots=True)
class Options:
    """How it is done."""

    dry_run: bool = False
    force: bool = False
    """Also over what is newer (it is copied first), and while the tool runs."""
    only_index: bool = False
    """Only make known what is there."""


def put_back(
    archive: Archive, env: Env, items: Iterable[Item], options: Options, progress: Progress | None = None
) -> WriteReport:
    """Put sessions of the archive into the tools below `env`.

    What goes wrong with one is told in its row, and the next one is tried. Raises ArchiveLocked.
    """
    listed = list(items)
    report = WriteReport(options.dry_run)
    backup = backup_folder(archive)
    with nullcontext() if options.dry_run else archive.lock(name="writeback"):
        if not options.dry_run:
            _forget_old(backup.parent)
        for number, item in enumerate(listed, 1):
            report.rows.append(_one(archive, env, item, options, backup))
            if progress is not None:
                progress(number, len(listed))
    return report


def backup_folder(archive: Archive) -> Path:
    """Where a run that begins now keeps what it replaces."""
    return archive.state_dir / "replaced" / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def _forget_old(folder: Path) -> None:
    """Remove copies that nobody missed for a month."""
    start = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - _KEPT_DAYS * 86400))
    for run in folder.iterdir() if folder.is_dir() else ():
        if run.name < start:
            shutil.rmtree(run, ignore_errors=True)


def _one(archive: Archive, env: Env, item: Item, options: Options, backup: Path) -> WrittenRow:
    into = item.into or item.provider
    row = WrittenRow(item.id, item.provider, into, "", "failed")
    try:
        session = codec.loads(archive.read(item.blob))
        row.title = display_title(session) or ""
        target = Target(
            _loader(archive, item.commit),
            item.folder,
            item.blob,
            tuple(codec.loads(archive.read(blob)) for blob in item.agents),
            item.copy,
        )
        writer = contract.load(into)
        for left in range(_TRIES, 0, -1):
            try:
                _carry_out(row, writer, session, target, env, options, backup)
                break
            except ChangedMeanwhile:
                if left == 1:
                    raise
    except UsageError as error:
        row.fail(str(error), "refused")
    except ChasmError as error:
        row.fail(str(error))
    except codec.CodecError as error:
        row.fail(f"its file in the archive cannot be read: {error}")
    except KeyError as error:
        row.fail(f"{error.args[0]} is missing from the archive")
    except OSError as error:
        row.fail(f"{error.filename or into}: {error.strerror or error}")
    return row


def _loader(archive: Archive, commit: str) -> attachments.Load:
    def load(name: str) -> bytes:
        return archive.read_path(commit, attachments.path_of(name))

    return load


def _carry_out(
    row: WrittenRow, writer: Writer, session: Session, target: Target, env: Env, options: Options, backup: Path
) -> None:
    """Plan and write one session, and say so in its row. Raises ChasmError, KeyError, OSError."""
    plan = writer.plan(session, env, target)
    if options.only_index:
        _keep_index(plan)
    row.take_plan(plan)
    row.outcome = outcome_of(plan)
    row.reason = plan.refused
    if options.only_index and plan.standing is Standing.ABSENT and plan.refused is None:
        row.outcome, row.reason = "absent", "it is not in the tool: `chasm fetch` puts it there"
        return
    if options.only_index and row.outcome == "newer":
        row.outcome = "registered" if plan.changes else "same"
    if plan.refused is None:
        row.command = writer.continue_command(session, target)
    if row.outcome == "newer" and options.force:
        row.outcome = "copied" if plan.is_converted else "completed"
    if row.outcome == "newer":
        row.reason = "the tool holds what the archive does not: `chasm harvest run` first, or --force"
    elif plan.refused is None and plan.changes and not options.dry_run:
        row.take_written(writer.write(plan, backup=backup, force=options.force))


def _keep_index(plan: WritePlan) -> None:
    """Leave of a plan what makes a session known."""
    plan.changes = [change for change in plan.changes if change.what == INDEX]
    if not plan.changes:
        plan.running = ()


def as_copy(item: Item) -> Item:
    """The same session, to be put beside what the tool has of it."""
    return replace(item, copy=True)
