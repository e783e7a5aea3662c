"""What an archive takes from the tools on this machine, a method each; `api.Archive` has them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chasm_git.harvest import here
from chasm_git.providers.base import Env

if TYPE_CHECKING:
    import threading

    from chasm_git.archive.repo import Archive
    from chasm_git.harvest.report import Report
    from chasm_git.harvest.status import Status


def check_harvest(providers: Sequence[str], exclude: Sequence[str] = ()) -> None:
    """Raise UsageError for names that are not those of providers with a store on this machine."""
    here.chosen(providers, exclude)


def check_import(paths: Sequence[Path], provider: str | None, *, natives: bool = False) -> None:
    """Raise UsageError for a path that is not there, and for a provider whose files nobody here reads."""
    from chasm_git.harvest.importing import asked

    asked(paths, provider, natives=natives)


class Sourced:
    """Harvests into one archive."""

    repository: Archive

    def status(self, env: Env, *, every: bool = False) -> Status:
        """Providers against archive, worktree against commit, branch against remotes: see `harvest.status`."""
        from chasm_git.harvest.status import status_of

        return status_of(self.repository, env, every=every)

    def harvest(self, env: Env, **asked: Any) -> Report:
        """Bring everything new on this machine into the archive; takes what `harvest.here.run` takes.

        Where the repository has grown heavy by it, packing goes on in a process of its own afterwards.
        Raises UsageError for an unknown provider, OSError for a full disk.
        """
        return self._packed(here.run(self.repository, env, **asked))

    def watch(
        self,
        env: Env,
        harvest: Callable[[], None],
        *,
        providers: Sequence[str] = (),
        exclude: Sequence[str] = (),
        quiet: float = 10,
        longest: float = 300,
        stop: threading.Event,
        told: Callable[[str], None],
    ) -> None:
        """Call `harvest` now and after every burst of changes below `env`, until `stop` is set.

        Args:
            quiet, longest: seconds, see `watch.Pace`.
            told: told what is worth saying, a line at a time.

        Raises ArchiveLocked where another process watches already, UsageError for an unknown provider.
        """
        from chasm_git.harvest import watch

        names = here.chosen(providers, exclude)
        watch.follow(
            self.repository, env, names, harvest, watch.Pace(quiet, longest, max(1.0, 1.5 * quiet)), stop, told
        )

    def import_files(self, paths: Sequence[Path], **asked: Any) -> Report:
        """Bring the conversations of export files into the archive; takes what `harvest.importing.import_files` takes.

        Raises UsageError for a path that is not there or an unknown provider, OSError for a full disk.
        """
        from chasm_git.archive.machine import machine_name
        from chasm_git.harvest.importing import import_files

        machine = machine_name(self.repository, keep=not asked.get("dry_run"))
        return self._packed(import_files(self.repository, paths, machine, **asked))

    def _packed(self, report: Report) -> Report:
        """Start packing, in a process of its own, where the repository has grown heavy."""
        if report.commit is not None:
            from chasm_git.archive.plumbing import maintain

            if maintain.due(self.repository.git_dir):
                maintain.start(self.repository.git_dir)
        return report
