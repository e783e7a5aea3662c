"""What a person does about credentials in an archive, a method each; `api.Archive` has them all.

The work is done in the modules that are imported when a method is called: start-up is a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import naming

if TYPE_CHECKING:
    from chasm_git.archive.hooks import Checked
    from chasm_git.archive.repo import Archive
    from chasm_git.archive.secrets.secretmask import Decided
    from chasm_git.archive.secrets.secretscan import Scan

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


def _nobody(done: int, total: int) -> None:
    """For callers that do not want to know."""


class Guarded:
    """Credentials in one archive, and what git's hooks ask for."""

    repository: Archive

    def secrets_scan(
        self, names: Sequence[str] = (), *, revision: str | None = None, progress: Progress = _nobody
    ) -> Scan:
        """The credentials in the latest commit: in all of it, or in some sessions (``ID``, ``ID@REV``).

        Args:
            revision: another state; with ``..`` in it (``main..other``, ``..HEAD``) all that those commits hold.

        Raises NoSuchSession, AmbiguousSession, NoSuchRevision.
        """
        from chasm_git.archive.secrets import secretscan

        archive = self.repository
        if revision is not None and ".." in revision:
            start, _, end = revision.partition("..")
            revisions = [naming.resolve(archive, end or "HEAD")]
            if start:
                revisions.append("^" + naming.resolve(archive, start))
            return secretscan.scan_range(archive, revisions, progress)
        commit = archive.head() if revision is None else naming.resolve(archive, revision)
        if not names:
            return secretscan.scan_commit(archive, commit, None, progress)
        made = secretscan.Scan()
        for name in names:
            found, at = naming.session_at(archive, name if revision is None else f"{name}@{revision}")
            one = secretscan.scan_commit(archive, at, [found.path], progress)
            made.found += one.found
            made.objects += one.objects
            made.problems += [text for text in one.problems if text not in made.problems]
        return made

    def secrets_mask(
        self, names: Iterable[str] | None = None, *, dry_run: bool = False, progress: Progress = _nobody
    ) -> Decided:
        """Mask the credentials of sessions (None: of all): see `archive.secretmask.mask`. Raises as it does."""
        from chasm_git.archive.machine import machine_name
        from chasm_git.archive.secrets import secretmask

        machine = machine_name(self.repository, keep=not dry_run)
        return secretmask.mask(self.repository, machine, names, dry_run=dry_run, progress=progress)

    def secrets_allow(self, names: Iterable[str], *, dry_run: bool = False, progress: Progress = _nobody) -> Decided:
        """Let credentials stay: by fingerprint, or all of a session. Raises as `archive.secretmask.allow` does."""
        from chasm_git.archive.machine import machine_name
        from chasm_git.archive.secrets import secretmask

        machine = machine_name(self.repository, keep=not dry_run)
        return secretmask.allow(self.repository, machine, names, dry_run=dry_run, progress=progress)

    def before_commit(self, index: Path | None = None) -> Checked:
        """Whether what is staged (in `index`, if git names another one) may be committed."""
        from chasm_git.archive.hooks import before_commit

        return before_commit(self.repository, index)

    def before_push(self, remote: str, lines: Iterable[str]) -> Checked:
        """Whether what git is about to push may leave: `lines` are what git tells its pre-push hook."""
        from chasm_git.archive.hooks import before_push

        return before_push(self.repository, remote, lines)

    def before_update(self, old: str, new: str) -> Checked:
        """Whether a remote that is an archive may take what is pushed to it."""
        from chasm_git.archive.hooks import before_update

        return before_update(self.repository, old, new)
