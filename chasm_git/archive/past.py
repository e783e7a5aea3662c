"""What a person does with an archive's history, a method each; `api.Archive` has them all.

The work is done in the modules of the same names. They are imported when a method is called: start-up is a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import naming

if TYPE_CHECKING:
    from chasm_git.archive.blame import Touched
    from chasm_git.archive.compare import Comparison
    from chasm_git.archive.history import Entry, LoggedSession
    from chasm_git.archive.plumbing.maintain import Outcome, Weight
    from chasm_git.archive.repo import Archive
    from chasm_git.archive.restore import Restored
    from chasm_git.archive.snapshot import Snapshot
    from chasm_git.archive.summaries import Summaries
    from chasm_git.archive.verify import Report
    from chasm_git.session.summary import Summary

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


class Past:
    """History and care of one archive."""

    repository: Archive
    _summaries: Summaries | None = None

    def log(self, name: str | None = None) -> Iterator[Entry]:
        """The commits that changed sessions, the latest first; of one session (``ID``, ``ID@REV``), those that did it.

        Raises NoSuchSession, AmbiguousSession, NoSuchRevision.
        """
        from chasm_git.archive.history import history

        return history(self.repository, name)

    def logged(self, entry: Entry, most: int | None = None) -> list[LoggedSession]:
        """The sessions of a log entry with their counts of messages (`most` of them: each file has to be opened)."""
        from chasm_git.archive.history import logged
        from chasm_git.archive.summaries import Summaries

        if self._summaries is None:
            self._summaries = Summaries(self.repository)
        return logged(self._summaries, entry, most)

    def below(self, session: str) -> list[Summary]:
        """What came of a session (its id): its sub-agents' sessions and its forks, the earliest first."""
        from chasm_git.archive.layout import SESSIONS, parse_session_path
        from chasm_git.archive.summaries import below

        files = self.repository.files(self.repository.head(), SESSIONS)
        return below(self.repository, {path: blob for path, blob in files.items() if parse_session_path(path)}, session)

    def compare(self, arguments: Sequence[str] = ()) -> Comparison:
        """Two states of the archive: see `archive.compare.compare`. Raises as it does."""
        from chasm_git.archive.compare import compare

        return compare(self.repository, arguments)

    def blame(self, name: str) -> list[Touched]:
        """Every message of a session (``ID``, ``ID@REV``) with the last commit that changed it.

        Raises NoSuchSession, AmbiguousSession, NoSuchRevision, ChasmError where there is no git.
        """
        from chasm_git.archive.blame import blame

        found, commit = naming.session_at(self.repository, name)
        return blame(self.repository, commit, found.path)

    def snapshot(self, name: str | None = None, message: str | None = None, *, dry_run: bool = False) -> Snapshot:
        """Give the latest commit a name that never moves.

        Raises UsageError for a bad name, ChasmError for a taken one.
        """
        from chasm_git.archive.snapshot import take

        return take(self.repository, name, message, dry_run=dry_run)

    def snapshots(self) -> list[Snapshot]:
        """All snapshots, the latest first."""
        from chasm_git.archive.snapshot import snapshots

        return snapshots(self.repository)

    def restore(self, name: str, *, dry_run: bool = False) -> Restored:
        """Put one session (``ID@REV``) back as it was, as a new commit: see `archive.restore.restore`."""
        from chasm_git.archive.restore import restore

        return restore(self.repository, name, dry_run=dry_run)

    def rewind(self, revision: str, *, dry_run: bool = False) -> Restored:
        """Put the whole archive back as it was, as a new commit: see `archive.restore.rewind`."""
        from chasm_git.archive.restore import rewind

        return rewind(self.repository, revision, dry_run=dry_run)

    def verify(self, *, full: bool = False, progress: Progress = lambda done, total: None) -> Report:
        """Whether everything holds: see `archive.verify.verify`."""
        from chasm_git.archive.verify import verify

        return verify(self.repository, full=full, progress=progress)

    def verify_staged(self, index: Path | None = None) -> Report:
        """Whether what is staged (in `index`, if git names another one) may be committed."""
        from chasm_git.archive.verify import verify_staged

        return verify_staged(self.repository, index)

    def verify_pushed(self, old: str, new: str) -> Report:
        """Whether what a push brings may be taken: see `archive.verify.verify_pushed`."""
        from chasm_git.archive.verify import verify_pushed

        return verify_pushed(self.repository, old, new)

    def pack(self) -> Outcome:
        """Make the repository as small as git can, now. Raises ChasmError where that is being done already."""
        from chasm_git.archive.plumbing import maintain

        return maintain.run(self.repository.git_dir)

    def weight(self) -> Weight:
        """What the repository's objects take."""
        from chasm_git.archive.plumbing import maintain

        return maintain.weigh(self.repository.git_dir)

    def install(self, *, hooks: bool = False, dry_run: bool = False) -> list[str]:
        """Put drivers and attributes (and hooks) into this clone; returns what changed, in words."""
        from chasm_git.archive.install import install

        return install(self.repository, hooks=hooks, dry_run=dry_run)

    def uninstall(self, *, dry_run: bool = False) -> list[str]:
        """Take away what `install` put; returns what changed, in words."""
        from chasm_git.archive.install import uninstall

        return uninstall(self.repository, dry_run=dry_run)
