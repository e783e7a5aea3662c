"""What an archive can be asked to put back into the tools, a method each; `api.Archive` has them all.

The work is done in the modules that are imported when a method is called: start-up is a feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive
    from chasm_git.providers.base import Env
    from chasm_git.writeback.report import WriteReport, WrittenRow
    from chasm_git.writeback.run import Progress


def list_anew(env: Env, path: str, *, backup: Path, dry_run: bool = False, force: bool = False) -> WriteReport:
    """Have VS Code list the session files it has of a folder. Needs no archive.

    Args:
        backup: folder that gets a copy of each database that is changed.
        force: also while it runs.

    Raises ChasmError where it has none, OSError.
    """
    from chasm_git.errors import ChasmError
    from chasm_git.writeback.listing import listed_anew
    from chasm_git.writeback.report import WriteReport

    rows = listed_anew(env, path, (), backup=backup, force=force, dry_run=dry_run)
    if rows is None:
        raise ChasmError(f"VS Code has no session of {path!r}; `chasm harvest scan` says what there is on this machine")
    return WriteReport(dry_run, rows)


class Writable:
    """The way back, from one archive into the tools."""

    repository: Archive

    def fetch(
        self,
        env: Env,
        *,
        path: str | None = None,
        workspace: str | None = None,
        names: Sequence[str] = (),
        to: str | None = None,
        providers: Sequence[str] = (),
        dry_run: bool = False,
        force: bool = False,
        progress: Progress | None = None,
    ) -> WriteReport:
        """Put sessions back into the tools they came from; one of `path`, `workspace` and `names` says which.

        Args:
            path: those held in this folder, below it, or in another clone of its repository.
            workspace: those of a workspace, by its path or a part of it.
            names: those with these ids (``ID``, ``ID@REV``).
            to: the folder they are to go on in.
            providers: only these tools'.
            force: also over what is newer in the tool.

        Raises NoSuchSession, AmbiguousSession, NoSuchRevision, UsageError, ArchiveLocked.
        """
        from chasm_git.writeback import chosen
        from chasm_git.writeback.run import Options, put_back

        found = chosen.asked_for(
            self.repository, path=path, workspace=workspace, names=names, to=to, providers=providers
        )
        report = put_back(self.repository, env, found.items, Options(dry_run, force), progress)
        report.unwritable = found.unwritable
        return report

    def register(
        self,
        env: Env,
        *,
        path: str | None = None,
        names: Sequence[str] = (),
        dry_run: bool = False,
        force: bool = False,
        progress: Progress | None = None,
    ) -> WriteReport:
        """Have the tools list sessions that are in their store. Arguments and errors as `fetch`, and OSError.

        With `path`, also those that are not in the archive.
        """
        from chasm_git.archive.naming import NoSuchSession
        from chasm_git.writeback import chosen
        from chasm_git.writeback.run import Options, backup_folder, put_back

        unknown: NoSuchSession | None = None
        try:
            found = chosen.asked_for(self.repository, path=path, names=names)
        except NoSuchSession as error:
            if path is None:
                raise
            found, unknown = chosen.Missing([]), error
        report = put_back(self.repository, env, found.items, Options(dry_run, force, only_index=True), progress)
        report.unwritable = found.unwritable
        if path is not None:
            from chasm_git.writeback.listing import listed_anew

            known = {row.session_id for row in report.rows if row.into == "vscode"}
            backup = backup_folder(self.repository)
            rows = listed_anew(env, path, known, backup=backup, force=force, dry_run=dry_run)
            if rows is None and unknown is not None:
                raise unknown
            report.rows += rows or []
        return report

    def push_to_providers(
        self,
        env: Env,
        *,
        providers: Sequence[str] = (),
        workspace: str | None = None,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> WriteReport:
        """Put back every session that a tool lacks, or has less of, and whose folder is on this machine.

        Raises UsageError, ArchiveLocked.
        """
        from chasm_git.writeback import chosen
        from chasm_git.writeback.run import Options, put_back

        found = chosen.missing(self.repository, providers=providers, workspace=workspace)
        report = put_back(self.repository, env, found.items, Options(dry_run), progress)
        report.elsewhere, report.unwritable = found.elsewhere, found.unwritable
        return report

    def resume(
        self,
        name: str,
        env: Env,
        *,
        into: str | None = None,
        path: Path | None = None,
        here: Path | None = None,
        dry_run: bool = False,
        force: bool = False,
    ) -> WrittenRow:
        """Have a tool ready to go on with a session; what comes back says how.

        Args:
            name: ``ID``, or ``ID@REV`` for the session as it was: then a copy of it, where that was an earlier state.
            into: the tool; None = the one it came from.
            path: the folder to go on in; None = the session's own, or a clone of its repository near `here`.

        Raises NoSuchSession, AmbiguousSession, NoSuchRevision, UsageError, ArchiveLocked, and ChasmError where the
        session cannot be gone on with.
        """
        from chasm_git.writeback.resume import resume

        return resume(
            self.repository, name, env, into=into, path=path, here=here or Path(), dry_run=dry_run, force=force
        )
