"""What a person does with an archive that several machines share, a method each; `api.Archive` has them all.

The work is done in the modules that are imported when a method is called: start-up is a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive
    from chasm_git.archive.store import AsyncSessionStore, SessionStore
    from chasm_git.archive.syncing.bundle import Bundle
    from chasm_git.archive.syncing.conflicts import Unfinished, Waiting
    from chasm_git.archive.syncing.mending import Mended
    from chasm_git.archive.syncing.remote import Remote
    from chasm_git.archive.syncing.report import SyncReport
    from chasm_git.archive.syncing.resolving import Answer, Question, Resolved
    from chasm_git.archive.syncing.tracking import SyncStatus

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


class Shared:
    """Exchange with other machines."""

    repository: Archive

    def sync(
        self,
        remote: str | None = None,
        *,
        pull: bool = True,
        push: bool = True,
        strategy: str | None = None,
        dry_run: bool = False,
        allow_secrets: bool = False,
        attended: bool = False,
        timeout: float | None = None,
        progress: Progress = lambda done, total: None,
    ) -> SyncReport:
        """Bring the archive and a remote to the same state: see `archive.sync.sync`. Raises as it does.

        Args:
            remote: its name; by default the one the branch belongs to, ``origin``, or the only one.
            allow_secrets: send credentials, too.
            attended: a person is there to be asked for a password.
            timeout: seconds without a word from the remote after which it counts as dead.
        """
        from chasm_git.archive.machine import machine_name
        from chasm_git.archive.syncing.exchange import Line
        from chasm_git.archive.syncing.report import Options
        from chasm_git.archive.syncing.sync import sync

        line = Line(attended, timeout, progress)
        options = Options(
            pull=pull, push=push, strategy=strategy, dry_run=dry_run, allow_secrets=allow_secrets, line=line
        )
        report = sync(self.repository, machine_name(self.repository, keep=not dry_run), remote, options)
        if report.after != report.before and not dry_run:
            from chasm_git.archive.plumbing import maintain

            if maintain.due(self.repository.git_dir):
                maintain.start(self.repository.git_dir)
        return report

    def sync_status(self, remote: str | None = None) -> SyncStatus:
        """How everything stands to a remote, as last fetched. Raises NoRemote for a name there is none of."""
        from chasm_git.archive.syncing.remote import NoRemote, choose, redacted
        from chasm_git.archive.syncing.tracking import sync_status

        try:
            there = choose(self.repository, remote)
        except NoRemote:
            if remote is not None:
                raise
            return sync_status(self.repository)
        return sync_status(self.repository, there.name, redacted(there.url))

    def conflicts(self) -> list[Waiting]:
        """What waits for a decision."""
        from chasm_git.archive.syncing.conflicts import waiting

        return list(waiting(self.repository, self.repository.head()))

    def unfinished(self) -> Unfinished | None:
        """A merge (or the like) that git has not finished in the worktree: see `conflicts.unfinished`."""
        from chasm_git.archive.syncing.conflicts import unfinished

        return unfinished(self.repository)

    def questions(
        self, name: str | None = None, *, message: str | None = None, key: str | None = None
    ) -> list[Question]:
        """What waits inside session files, version by version: see `archive.resolving.questions`. Raises as it does."""
        from chasm_git.archive.syncing.resolving import questions

        return questions(self.repository, name, message=message, key=key)

    def mend(self, session: str | None = None, *, dry_run: bool = False) -> Mended:
        """Merge the sides of session files that git merged as text, in the worktree. See `mending.mend`."""
        from chasm_git.archive.syncing.mending import mend

        return mend(self.repository, session, dry_run=dry_run)

    def resolve(self, answers: Mapping[Question, Answer], *, dry_run: bool = False) -> Resolved:
        """End conflicts, in one commit: see `archive.resolving.resolve_conflicts`. Raises as it does."""
        from chasm_git.archive.syncing.resolving import resolve_conflicts

        return resolve_conflicts(self.repository, answers, dry_run=dry_run)

    def remotes(self) -> list[Remote]:
        """Every remote."""
        from chasm_git.archive.syncing.remote import listed

        return listed(self.repository)

    def add_remote(self, name: str, url: str, *, dry_run: bool = False) -> Remote:
        """Make a remote known. Raises UsageError for a URL that is none, ChasmError where the name is taken."""
        from chasm_git.archive.syncing.remote import add

        return add(self.repository, name, url, dry_run=dry_run)

    def remove_remote(self, name: str, *, dry_run: bool = False) -> Remote:
        """Forget a remote; what it holds stays as it is. Raises NoRemote."""
        from chasm_git.archive.syncing.remote import remove
        from chasm_git.archive.syncing.syncstate import forget

        gone = remove(self.repository, name, dry_run=dry_run)
        if not dry_run:
            forget(self.repository, name)
        return gone

    def bundle(self, path: Path, *, force: bool = False, dry_run: bool = False) -> Bundle:
        """Write the whole archive into one file that git can clone. Raises ChasmError where there is one."""
        from chasm_git.archive.syncing.bundle import write_bundle

        return write_bundle(self.repository, path, force=force, dry_run=dry_run)

    def store(self) -> SessionStore:
        """The archive as a place to keep sessions in, for programs."""
        from chasm_git.archive.archivestore import ArchiveStore

        return ArchiveStore(self.repository)

    def async_store(self) -> AsyncSessionStore:
        """The same for an event loop."""
        from chasm_git.archive.archivestore import ArchiveStore, AsyncStore

        return AsyncStore(ArchiveStore(self.repository))
