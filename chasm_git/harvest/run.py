"""A harvest: one commit with everything new, the providers' refs moved, the worktree brought up to date.

In this order, so that a stop at any point costs nothing: objects, refs (branch first), worktree, state. What a stopped
run read is read again by the next one; joining it twice changes nothing.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.harvest import plan, workers
from chasm_git.harvest.message import commit_message, summary
from chasm_git.harvest.read import Options, Outcome, Result
from chasm_git.harvest.report import Report
from chasm_git.harvest.state import Known, save_state
from chasm_git.providers.base import Env, Problem
from chasm_git.session import attachments

if TYPE_CHECKING:
    from chasm_git.archive.commit import Writer
    from chasm_git.archive.repo import Archive
    from chasm_git.archive.secrets.secretsettings import SecretSettings
    from chasm_git.session.secret_findings import Sighting

Progress = Callable[[int, int], None]
"""Called with (sources read, sources to read)."""

_PATIENCE = 60.0
"""Seconds to go on while others keep moving the branch."""


def harvest(
    archive: Archive,
    env: Env,
    machine: str,
    *,
    names: Iterable[str] | None = None,
    options: Options | None = None,
    message: str | None = None,
    progress: Progress | None = None,
    processes: int | None = None,
) -> Report:
    """Bring everything new below `env` into the archive.

    Args:
        machine: name of this machine, as it stands in refs and trailers.
        names: providers to harvest; None = all.
        options: filters, and whether to write at all.
        message: first line of the commit message.
        progress: told how far reading is.
        processes: as in `workers.outcomes`.

    Raises UsageError for an unknown provider, ArchiveLocked where another harvest does not end, OSError for a full
    disk, SettingsUnclear where it cannot be told what is to be masked.
    """
    options = options or Options()
    chosen = list(names) if names is not None else None
    made = plan.make_plan(archive, env, machine, chosen)
    if made.is_idle() and not _is_unfinished(archive):
        return _report(made)
    if options.dry:
        return Harvest(archive, machine, options, made).dry_run(progress, processes)
    from chasm_git.archive.plumbing import journal

    with archive.lock():
        journal.recover(archive)
        # another process may have harvested while we waited for the lock
        made = plan.make_plan(archive, env, machine, chosen)
        return Harvest(archive, machine, options, made).run(message, progress, processes)


def _secret_settings(archive: Archive, options: Options) -> SecretSettings | None:
    """The settings a run goes by; None where credentials are not looked for. Raises SettingsUnclear."""
    from chasm_git.archive.secrets import secretsettings

    found = secretsettings.read(archive).for_harvest(options.redact)
    return found if found.redact != "off" or found.mask else None


def _is_unfinished(archive: Archive) -> bool:
    """Whether a run that was stopped left something to do."""
    return (archive.state_dir / "journal").exists() or any(archive.scratch.iterdir())


def _report(made: plan.Plan) -> Report:
    return Report(
        problems=[problem for one in made.providers for problem in one.problems],
        unchanged=sum(len(one.unchanged) for one in made.providers),
        vanished=sum(len(one.vanished) for one in made.providers),
    )


class Harvest:
    """One run."""

    def __init__(self, archive: Archive, machine: str, options: Options, made: plan.Plan) -> None:
        from chasm_git.harvest.draft import Draft
        from chasm_git.harvest.read import Reader, attachment_names

        self._archive = archive
        self._machine = machine
        self._options = options
        self._plan = made
        self._draft = Draft(archive, made)
        if archive.worktree is not None and not options.dry:
            options.stage = archive.scratch
        options.secrets = _secret_settings(archive, options)
        known = attachment_names(archive.files(made.head, "attachments"))
        self._reader = Reader(archive, self._draft.places(), known, options)
        self._outcomes: list[Outcome] = []
        self._verdicts: dict[str, list[Sighting]] = {}
        self._attached: dict[str, str | None] = {}
        self._staged: list[str] = []
        self._report = _report(made)
        if options.secrets is not None:
            self._report.redact = options.secrets.redact
            said = (text.partition(": ") for text in options.secrets.problems)
            self._report.problems += [Problem(place, reason, fatal=False) for place, _, reason in said]

    def dry_run(self, progress: Progress | None, processes: int | None) -> Report:
        """What a run would do."""
        for outcome in self._read(progress, processes):
            for result in outcome.results:
                self._draft.results.setdefault(result.path, result)
        self._report.results = self._draft.changed()
        return self._report

    def run(self, message: str | None, progress: Progress | None, processes: int | None) -> Report:
        """Read, write, commit."""
        try:
            self._gather(progress, processes)
            report = self._commit(message)
            self._remember_verdicts()
            return report
        finally:
            for path in self._staged:  # what did not become a file of the worktree after all
                Path(path).unlink(missing_ok=True)

    def _remember_verdicts(self) -> None:
        """What was looked at need not be looked at again before it is sent somewhere."""
        if self._options.secrets is not None and self._verdicts:
            from chasm_git.archive.secrets.secretcache import Cache

            Cache(self._archive, self._options.secrets.digest).add(self._verdicts)

    def _gather(self, progress: Progress | None, processes: int | None) -> None:
        """Read all there is to read and write the blobs."""
        from chasm_git.archive.commit import Writer

        sources = [source for one in self._plan.providers for source in one.to_read()]
        doubled: list[Result] = []
        with Writer(self._archive, len(sources), sum(plan.size_of(source.stamp) for source in sources) // 4) as writer:
            for outcome in self._read(progress, processes):
                self._write(outcome, writer, doubled)
        with Writer(self._archive) as writer:
            for second in doubled:
                self._draft.join_doubled(second, writer)
            if not self._is_partial():
                for outcome in self._draft.rejoin(self._reader):
                    self._write(outcome, writer, doubled)
        with Writer(self._archive) as writer:
            self._draft.relate(self._outcomes, writer)

    def _is_partial(self) -> bool:
        return self._options.workspace is not None or self._options.sessions is not None

    def _read(self, progress: Progress | None, processes: int | None) -> Iterator[Outcome]:
        tasks = [(one.provider, source) for one in self._plan.providers for source in one.to_read()]
        for done, outcome in enumerate(workers.outcomes(self._reader, tasks, processes=processes), 1):
            self._outcomes.append(outcome)
            self._report.read += 1
            self._report.problems += outcome.problems
            yield outcome
            if progress is not None:
                progress(done, len(tasks))

    def _write(self, outcome: Outcome, writer: Writer, doubled: list[Result]) -> None:
        for name, blob in outcome.attachments:
            writer.add_compressed("blob", *blob)
            self._attached[attachments.path_of(name)] = blob.id
        outcome.attachments = []
        self._verdicts |= outcome.verdicts
        outcome.verdicts = {}
        for result in outcome.results:
            if result.staged is not None:
                self._staged.append(result.staged)
            for blob in result.blobs:
                writer.add_compressed("blob", *blob)
            result.blobs = []
            if self._draft.results.setdefault(result.path, result) is not result:
                doubled.append(result)

    def _commit(self, message: str | None) -> Report:
        from chasm_git.archive.commit import Writer
        from chasm_git.archive.plumbing.refs import RefMoved, read_ref

        give_up = time.monotonic() + _PATIENCE
        for attempt in itertools.count():
            try:
                return self._try_commit(message)
            except RefMoved:
                if time.monotonic() > give_up:
                    raise
            time.sleep(random.uniform(0, min(0.02 * 2**attempt, 1)))  # two who wait equally long meet again
            with Writer(self._archive) as writer:
                self._draft.follow(writer)
            for one in self._plan.providers:
                one.ref_commit = read_ref(self._archive, one.ref)
        raise AssertionError("unreachable")

    def _try_commit(self, message: str | None) -> Report:
        from chasm_git.archive import commit, summaries
        from chasm_git.archive.commit import Writer
        from chasm_git.archive.plumbing import journal, trees

        archive, draft = self._archive, self._draft
        changed = draft.changed()
        updates: dict[str, tuple[str | None, str | None]] = {}
        new = draft.head
        with Writer(archive) as writer:
            before = archive.tree_id(draft.head)
            changes = {**self._attached, **{result.path: result.archived for result in changed}}
            tree = trees.write_tree(archive, before, changes, writer) if changes else before
            if tree is not None and tree != before:
                text = commit_message(changed, self._machine, message)
                parents = [draft.head] if draft.head else []
                new = commit.commit(archive, tree=tree, parents=parents, message=text, sink=writer)
                updates[archive.branch] = (draft.head, new)
            self._move_providers(updates, writer)
        if updates:
            staged = {result.path: Path(result.staged) for result in changed if result.staged is not None}
            published = journal.publish(archive, updates, message or summary(changed), staged=staged)
            self._report.kept, self._report.pending = published.kept, published.pending
        self._save(new, updates)
        summaries.remember(archive, dict(one.said for one in changed if one.said is not None))
        self._report.results = changed
        self._report.commit = new if new != draft.head else None
        return self._report

    def _move_providers(self, updates: dict[str, tuple[str | None, str | None]], writer: Writer) -> None:
        from chasm_git.archive import commit
        from chasm_git.archive.plumbing import trees

        for one in self._plan.providers:
            held = self._draft.bases[one.name]
            mine = [result for result in self._draft.results.values() if result.provider == one.name]
            fresh: dict[str, str | None] = {
                result.path: result.fresh for result in mine if held.get(result.path) != result.fresh
            }
            if fresh:
                count = len(fresh)
                fresh |= {old: None for old, path in self._draft.moved.items() if path in held}
                tree = trees.write_tree(self._archive, self._archive.tree_id(one.ref_commit), fresh, writer)
                parents = [one.ref_commit] if one.ref_commit else []
                text = f"{one.name} on {self._machine}: {count} sessions read"
                made = commit.commit(self._archive, tree=tree, parents=parents, message=text, sink=writer)
                updates[one.ref] = (one.ref_commit, made)

    def _save(self, head: str | None, updates: dict[str, tuple[str | None, str | None]]) -> None:
        results = self._draft.results
        for one in self._plan.providers:
            state = one.state
            for key in one.vanished:
                del state.sources[key]
            for outcome in self._outcomes:
                if outcome.provider != one.name:
                    continue
                state.sources.pop(outcome.key, None)
                if not outcome.skipped and not outcome.is_passing:
                    sessions = [[r.path, r.archived, r.first, r.last] for r in outcome.results]
                    state.sources[outcome.key] = Known(outcome.stamp, sessions, outcome.failure())
            for known in state.sources.values():
                for session in known.sessions:
                    if session[0] in results:
                        session[1] = results[session[0]].archived
            state.ref = updates.get(one.ref, (None, one.ref_commit))[1]
            if not self._is_partial():
                state.head = None if self._draft.has_followed else head
            save_state(plan.state_folder(self._archive), one.name, state)
