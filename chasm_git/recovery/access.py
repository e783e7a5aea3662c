"""Lost sessions of one machine, with an archive or without: what `api.recovery` gives.

The work is done in the modules that are imported when a method is called: start-up is a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive.machine import machine_name
from chasm_git.errors import UsageError
from chasm_git.providers.base import Env, Problem
from chasm_git.recovery.report import Detected, Recovered, RecoveryStatus, Whereabouts

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive
    from chasm_git.harvest.report import Report
    from chasm_git.recovery.facts import Facts
    from chasm_git.recovery.orphans import Orphan
    from chasm_git.recovery.scan import Recoverable
    from chasm_git.recovery.shrunk import Shrunk
    from chasm_git.writeback.report import WriteReport

Progress = Callable[[int, int], None]
_RESCUED = "rescued"
"""Behind this machine's name in the refs of what was found on other disks."""


class Recovery:
    """What is lost, and the ways back.

    Args:
        repository: None = there is no archive yet: what needs one is left out.
        env: where this machine's tools keep their sessions.
    """

    def __init__(self, repository: Archive | None, env: Env) -> None:
        self._archive, self._env = repository, env
        self._machine = machine_name(repository, keep=False) if repository is not None else ""

    def detect(
        self, path: Path, *, least: float | None = None, only_archived: bool = False, progress: Progress | None = None
    ) -> Detected:
        """The sessions that belong to a folder, wherever it was before: see `detect`.

        Args:
            least: the lowest score that is wanted; None = what is taken to belong.
            only_archived: leave out what no harvest has read yet.
        """
        from chasm_git.recovery import detect, facts, orphans
        from chasm_git.recovery.place import Place

        found = facts.known(self._archive, self._env, self._machine, only_archived=only_archived, progress=progress)
        moved = orphans.moved_here(self._env, path)
        least = detect.BELONGS if least is None else least
        return Detected(path, detect.candidates(Place(path), found.sessions, moved, least=least), found.problems)

    def whereabouts(self, name: str) -> Whereabouts:
        """Where a session is: files of its tool here, the archive, its versions, machines. Raises NoSuchSession."""
        from chasm_git.recovery.whereabouts import whereabouts

        return whereabouts(self._archive, self._env, self._machine, name)

    def orphans(self, path: Path | None = None) -> tuple[list[Orphan], list[Problem]]:
        """Sessions on this machine that their tool does not show; with `path`, those that belong to that folder."""
        from chasm_git.recovery import facts, orphans

        known = facts.known(self._archive, self._env, self._machine)
        found = [*orphans.of_vscode(self._env, known.problems)]
        found += orphans.of_others(known.sessions, self._sources())
        if path is not None:
            found = self._of_folder(found, known.sessions, path)
        return found, known.problems

    def _of_folder(self, found: list[Orphan], sessions: Iterable[Facts], path: Path) -> list[Orphan]:
        """The orphans that belong to a folder, which is where they are to go on."""
        from chasm_git.recovery import detect, orphans
        from chasm_git.recovery.place import Place

        judged = detect.candidates(Place(path), sessions, orphans.moved_here(self._env, path))
        targets = {one.workspace: one.target for one in judged if not one.is_here}
        chosen = []
        for one in found:
            target = targets.get(one.workspace) or targets.get(f"file://{one.workspace}")
            if target is not None or (one.workspace is not None and Path(one.workspace) == path):
                one.moved_to = target or (str(path) if path.is_dir() else None)
                chosen.append(one)
        return chosen

    def _sources(self) -> dict[tuple[str, str], str]:
        """The file each archived session is in on this machine, by provider and name in the archive."""
        from chasm_git.archive import layout
        from chasm_git.recovery import facts

        made: dict[tuple[str, str], str] = {}
        for plan in facts.plans(self._archive, self._env, self._machine):
            paths = {source.key: source.path for source in (*plan.unchanged, *plan.to_read())}
            for key, known in plan.state.sources.items():
                for path, *_ in known.sessions:
                    if key in paths and layout.parse_session_path(path) is not None:
                        made[plan.name, Path(path).stem] = str(paths[key])
        return made

    def recover(self, detected: Detected, *, dry_run: bool = False, force: bool = False) -> Recovered:
        """Harvest, then put what belongs to a folder back into its tools there. Raises UsageError, ArchiveLocked."""
        return self._put(detected.elsewhere(), dry_run=dry_run, force=force)

    def recover_orphans(self, found: Sequence[Orphan], *, dry_run: bool = False, force: bool = False) -> Recovered:
        """Harvest orphans, put those whose folder is known back into their tools, and list what is unlisted."""
        moves = [
            (one.moved_to, [f"{one.provider}/{key}" for key in one.sessions])
            for one in found
            if one.moved_to is not None and one.why != "unlisted"
        ]
        made = self._put(moves, dry_run=dry_run, force=force)
        from chasm_git.writeback.listing import listed_anew

        for folder in sorted({one.moved_to for one in found if one.why == "unlisted" and one.moved_to is not None}):
            backup = self._backup()
            rows = listed_anew(self._env, folder, (), backup=backup, dry_run=dry_run, force=force)
            made.written.rows += rows or []
        return made

    def _backup(self) -> Path:
        from chasm_git.writeback.run import backup_folder

        return backup_folder(self._needed())

    def _put(self, moves: Sequence[tuple[str, list[str]]], *, dry_run: bool, force: bool) -> Recovered:
        from chasm_git.harvest import here
        from chasm_git.writeback.chosen import that_are_there
        from chasm_git.writeback.report import WriteReport
        from chasm_git.writeback.run import Options, put_back

        archive = self._needed()
        harvested = here.run(archive, self._env, dry_run=dry_run)
        chosen, waiting = that_are_there(archive, moves)
        report = put_back(archive, self._env, chosen, Options(dry_run, force)) if chosen else WriteReport(dry_run)
        return Recovered(harvested, report, waiting)

    def scan(self, below: Path | None = None, *, progress: Progress | None = None) -> Recoverable:
        """Everything that can be recovered: see `scan.scan`; of this machine, orphans too."""
        from chasm_git.recovery.scan import scan

        found = scan(self._archive, self._env, self._machine, below, progress=progress)
        if below is None:
            found.orphans, problems = self.orphans()
            found.problems += problems
        return found

    def extract(
        self,
        paths: Sequence[Path],
        *,
        provider: str | None = None,
        dry_run: bool = False,
        message: str | None = None,
        progress: Progress | None = None,
    ) -> list[Report]:
        """Bring the sessions of any files and folders into the archive; a report for each commit (or none).

        Raises UsageError for a path that is not there, ArchiveLocked, OSError for a full disk.
        """
        from chasm_git.harvest.importing import import_files
        from chasm_git.harvest.read import Options
        from chasm_git.harvest.run import harvest
        from chasm_git.recovery import extract

        archive = self._needed()
        machine = f"{machine_name(archive, keep=not dry_run)}-{_RESCUED}"
        made: list[Report] = []
        asked = {"dry_run": dry_run, "message": message, "progress": progress, "natives": True}
        with ExitStack() as held:
            for path in paths:
                if not path.exists():
                    raise UsageError(f"there is no file or folder {path}")
                found = extract.gather(path.absolute(), held, provider)
                for env in found.homes:
                    options = Options(dry=dry_run)
                    made.append(harvest(archive, env, machine, options=options, message=message, progress=progress))
                for whose, files in found.files.items():
                    report = import_files(archive, files, machine, provider=whose, **asked)  # type: ignore[arg-type]
                    made.append(report)
                    unread = {problem.path for problem in report.problems if problem.fatal}
                    whole = {file: extract.mended(file, held) for file in files if str(file) in unread}
                    again = [copy for copy in whole.values() if copy is not None]
                    if again:
                        second = import_files(archive, again, machine, provider=whose, **asked)  # type: ignore[arg-type]
                        if second.results:
                            mended = {str(file) for file, copy in whole.items() if copy is not None}
                            report.problems = [one for one in report.problems if one.path not in mended]
                            made.append(second)
                for report in made:
                    report.problems = [_named(one, found.origins) for one in report.problems]
                if found.problems:
                    made[-1:] = [_with(made[-1] if made else None, found.problems)]
        return made

    def shrunk(self) -> list[Shrunk]:
        """Sessions whose tool has less of them than it once had, as the last harvest found them."""
        from chasm_git.recovery.shrunk import shrunk

        return list(shrunk(self._needed(), self._machine))

    def put_back(self, names: Sequence[str], *, dry_run: bool = False, force: bool = False) -> WriteReport:
        """Put sessions back into their tools, never over something newer. Raises as `Archive.fetch`."""
        from chasm_git.writeback.chosen import items
        from chasm_git.writeback.run import Options, put_back

        archive = self._needed()
        return put_back(archive, self._env, items(archive, names=names), Options(dry_run, force))

    def status(self) -> RecoveryStatus:
        """What could be recovered, as far as it shows without opening a session file of a tool."""
        from chasm_git.recovery import orphans
        from chasm_git.recovery.facts import plans

        problems: list[Problem] = []
        made = RecoveryStatus(has_archive=self._archive is not None)
        for plan in plans(self._archive, self._env, self._machine):
            made.waiting += len(plan.to_read())
            made.gone += len(plan.vanished)
            problems += plan.problems
        made.orphans = sum(len(one.sessions) for one in orphans.of_vscode(self._env, problems))
        if self._archive is not None:
            made.sessions = len(self._archive.files(self._archive.head(), "sessions"))
            made.shrunk = len(self.shrunk())
            replaced = self._archive.state_dir / "replaced"
            made.replaced = sorted(map(str, replaced.iterdir())) if replaced.is_dir() else []
        made.problems = problems
        return made

    def _needed(self) -> Archive:
        if self._archive is None:
            raise UsageError("there is no archive yet: `chasm harvest run` makes one")
        return self._archive


def _named(problem: Problem, origins: dict[str, Path]) -> Problem:
    """A problem of a copy, said of the file it is from."""
    origin = origins.get(problem.path)
    return problem if origin is None else Problem(str(origin), problem.reason, problem.line, problem.fatal)


def _with(report: Report | None, problems: list[Problem]) -> Report:
    from chasm_git.harvest.report import Report

    report = report or Report()
    report.problems += problems
    return report
