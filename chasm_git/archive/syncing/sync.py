"""Many machines, one history: fetch what a remote has, look at it, merge, push, and only then move our own branch.

The remote's branch is where machines meet: it moves forward by one push at a time. A merge that came too late for it is
dropped and made anew on top of what was there first, so the history holds one merge for each sync that found news, not
one for each try. A run that dies after its push finds its own merge at the remote the next time, and takes it.

Nothing here waits for a person. What both sides changed differently is kept twice, and said.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chasm_git.archive import settings
from chasm_git.archive.commit import Writer
from chasm_git.archive.plumbing import checkout, refs, trees
from chasm_git.archive.plumbing.journal import publish, recover
from chasm_git.archive.plumbing.locks import ProcessLock
from chasm_git.archive.secrets.secretscan import SecretsLeaving, check_push
from chasm_git.archive.syncing import incoming, remote, syncrefs, syncstate, transport
from chasm_git.archive.syncing.bases import merge_bases
from chasm_git.archive.syncing.conflicts import paths_waiting
from chasm_git.archive.syncing.exchange import (
    DamagedThere,
    Denied,
    Fetched,
    RemoteFailed,
    Unreachable,
    fetch,
    push,
)
from chasm_git.archive.syncing.mergecommit import join_equal, join_merged, merge_message
from chasm_git.archive.syncing.mergefiles import Clash
from chasm_git.archive.syncing.mergetrees import Change, MergedTrees, merge_trees
from chasm_git.archive.syncing.report import Options, SyncReport
from chasm_git.archive.syncing.sessionmerge import STRATEGIES, wanted
from chasm_git.errors import ChasmError, Undecided, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from chasm_git.archive.repo import Archive
    from chasm_git.archive.syncing.remote import Remote


class Overtaken(ChasmError):
    """Other machines were faster every time."""


class Behind(ChasmError):
    """The remote has commits that are not here."""


@dataclass(slots=True)
class _Combined:
    """The commit that holds everything of both sides, and how it came about."""

    commit: str | None
    received: list[Change] = field(default_factory=list)
    sent: list[Change] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    staged: dict[str, Path] = field(default_factory=dict)


def sync(archive: Archive, machine: str, name: str | None = None, options: Options | None = None) -> SyncReport:
    """Bring this archive and a remote to the same state.

    Args:
        machine: name of this machine, as it stands in refs and commit messages.
        name: the remote; see `remote.choose`.

    Raises NoRemote, UsageError, ArchiveLocked where another sync does not end; Unreachable, Denied, RemoteFailed,
    incoming.Refused, Overtaken, Behind, Undecided. After any of them everything here is as it was, or merged.
    """
    chosen = options or Options()
    if chosen.strategy is not None and chosen.strategy not in STRATEGIES:
        raise UsageError(f"no strategy {chosen.strategy!r}; there are {', '.join(STRATEGIES)}")
    there = remote.choose(archive, name)
    lock = ProcessLock(archive.state_dir / syncstate.LOCK)
    lock.acquire(chosen.wait)
    try:
        report = _Sync(archive, machine, there, chosen).run()
    except Unreachable as error:
        _remember(archive, there, chosen, "offline", error)
        raise
    except ChasmError as error:
        _remember(archive, there, chosen, "error", error)
        raise
    finally:
        lock.release()
    return report


def _remember(archive: Archive, there: Remote, options: Options, mode: syncstate.Mode, error: ChasmError) -> None:
    if not options.dry_run:
        syncstate.note_failure(archive, there.name, mode, str(error))


class _Sync:
    """One sync at work."""

    def __init__(self, archive: Archive, machine: str, there: Remote, options: Options) -> None:
        self._archive = archive
        self._machine = machine
        self._remote = there
        self._options = options
        self._report = SyncReport(there.name, remote.redacted(there.url), archive.head())

    def run(self) -> SyncReport:
        """Rounds until both sides hold the same."""
        options, report = self._options, self._report
        took = 0.0
        while report.tries < options.tries:
            if report.tries:
                time.sleep(transport.pause(report.tries, took))
            began = time.monotonic()
            report.tries += 1
            if self._round(is_last=report.tries == options.tries):
                if not options.dry_run:
                    known = refs.read_ref(self._archive, self._remote.tracking)
                    syncstate.note_success(self._archive, self._remote.name, known)
                return report
            took = time.monotonic() - began
        said = f"other machines were faster {report.tries} times in a row; what was fetched is merged here, "
        raise Overtaken(said + "and the next sync sends it")

    def _round(self, *, is_last: bool) -> bool:
        """Fetch, merge, push, move our branch. Says whether that was all."""
        archive, options = self._archive, self._options
        found = self._fetch()
        if options.dry_run:
            ours = archive.head()
            combined = self._combine(ours, found)
            if options.push:
                self._say_refused(combined.commit or ours, found)
            self._fill(combined, found)
            return True
        with archive.lock(options.wait):
            recovered = recover(archive)
            self._report.kept, self._report.pending = recovered.kept, recovered.pending
            checkout.require_movable(archive)
            ours = archive.head()
            combined = self._combine(ours, found)
        try:
            sent = not options.push or self._push(combined, found)
        except (Unreachable, Denied, RemoteFailed) as error:
            if self._publish(ours, combined) and combined.commit != ours:
                raise type(error)(f"{error}; what was fetched is merged here, the next sync sends it") from error
            raise
        except SecretsLeaving as error:
            if self._publish(ours, combined):
                self._fill(combined, found)  # all but sending is done
            error.received(len(combined.received))
            raise
        except ChasmError:
            self._publish(ours, combined)
            raise
        if not sent and not is_last:
            self._discard(combined)
            return False
        moved = self._publish(ours, combined)
        self._fill(combined, found)
        return moved and sent

    def _fetch(self) -> Fetched:
        archive, there = self._archive, self._remote
        known = syncstate.known(archive, there.name).head
        try:
            found = fetch(archive, there, self._options.line)
        except DamagedThere as error:
            named = syncrefs.name_damage(archive, there, self._options.line)
            if named:
                raise incoming.Refused(f"nothing was taken from {there.shown}", named) from error
            raise
        self._say_rewound(found, known)
        if found.head is None:
            if found.others and not remote.is_guest(archive):
                raise RemoteFailed(
                    f"{there.shown} is not an archive: it holds {', '.join(sorted(found.others)[:5])} and no branch "
                    f"{there.branch.removeprefix('refs/heads/')}; use an empty repository"
                )
        elif not _is_archive(archive, found.head):
            raise RemoteFailed(
                f"{there.shown} is not an archive (its branch {there.branch.removeprefix('refs/heads/')} has no "
                "chasm.yaml); nothing was taken from it and nothing sent. Use an empty repository"
            )
        return found

    def _say_rewound(self, found: Fetched, known: str | None) -> None:
        """Where the remote was, and is no more, is said; what it had is here, and goes back to it."""
        for before in dict.fromkeys((known, found.before)):
            if before is None or before == found.head or not self._exists(before):
                continue
            if found.head is None:
                self._note(f"{self._remote.name} is empty now (it was at {before[:12]}); it gets everything again")
                return
            if before not in merge_bases(self._archive, before, found.head):
                self._note(
                    f"{self._remote.name} was set back or rewritten: it was at {before[:12]} and is at "
                    f"{found.head[:12]} now. Nothing here was dropped, and it gets back what it lost"
                )
                return

    def _exists(self, commit: str) -> bool:
        try:
            self._archive.tree_id(commit)
        except KeyError:
            return False
        return True

    def _combine(self, ours: str | None, found: Fetched) -> _Combined:
        """The commit that holds everything of both sides; written, and no ref moved. Raises Refused, Behind."""
        archive, theirs = self._archive, found.head
        mine, its = archive.tree_id(ours), archive.tree_id(theirs)
        bases = merge_bases(archive, ours, theirs) if ours is not None and theirs is not None else []
        if theirs is None or theirs in bases:
            return _Combined(ours, sent=_between(archive, its, mine))
        if not self._options.pull:
            raise Behind(
                f"{self._remote.shown} has commits that are not here; `chasm sync {self._remote.name}` merges them, "
                "then sends yours"
            )
        known = [archive.tree_id(base) for base in bases]
        seen = incoming.look(archive, [mine, *known], its)
        if seen.refusals:
            raise incoming.Refused(f"nothing was taken from {self._remote.shown}", seen.refusals)
        self._note(*seen.notes)
        waiting = [Clash(path, "waiting", "") for path in seen.undecided]
        if ours is None or ours in bases:
            return _Combined(theirs, received=_between(archive, mine, its), clashes=waiting)
        return self._merge(ours, theirs, bases, waiting)

    def _merge(self, ours: str, theirs: str, bases: list[str], waiting: list[Clash]) -> _Combined:
        archive, options = self._archive, self._options
        strategy, notes = self._strategy(ours)
        stage = archive.scratch if archive.worktree is not None and not options.dry_run else None
        mine, its = archive.tree_id(ours), archive.tree_id(theirs)
        tips, progress = (ours, theirs), options.line.progress
        merged = merge_trees(archive, bases, mine, its, strategy=strategy, tips=tips, stage=stage, progress=progress)
        if strategy == "manual" and merged.clashes:
            self._discard(merged)
            raise Undecided(merged.clashes)
        decided = {clash.path for clash in merged.clashes}
        clashes = merged.clashes + [clash for clash in waiting if clash.path not in decided]
        made = _Combined(
            None, merged.received, merged.sent, merged.merged, clashes, notes + merged.notes, merged.staged
        )
        if not options.dry_run:
            made.commit = self._commit(ours, theirs, merged, mine == its)
        return made

    def _commit(self, ours: str, theirs: str, merged: MergedTrees, is_equal: bool) -> str:
        archive = self._archive
        with Writer(archive, len(merged.blobs)) as writer:
            if is_equal:
                return join_equal(archive, ours, theirs, writer)
            for blob in merged.blobs:
                writer.add_compressed("blob", *blob)
            tree = trees.write_tree(archive, archive.tree_id(ours), merged.changes, writer)
            text = merge_message(self._remote.name, self._machine, merged.received, merged.sent, merged.clashes)
            return join_merged(archive, tree, ours, theirs, text, writer)

    def _strategy(self, ours: str) -> tuple[str, list[str]]:
        if self._options.strategy is not None:
            return self._options.strategy, []
        asked = wanted(settings.read(self._archive, ours))
        if asked in STRATEGIES:
            return asked, []
        return "auto", [f"{settings.PATH}: no strategy {asked!r} for conflicts; there are {', '.join(STRATEGIES)}"]

    def _push(self, combined: _Combined, found: Fetched) -> bool:
        """Send what the remote lacks. Says whether it is there now; False: another machine was faster."""
        archive, there = self._archive, self._remote
        if combined.commit is None:
            return True  # neither side has anything yet
        self._check_paths(combined.commit, found)
        wanted = {} if found.head == combined.commit else {there.branch: combined.commit}
        snapshots, notes = syncrefs.snapshots_to_send(archive, found)
        providers, said = syncrefs.providers_to_send(archive, found, self._machine)
        self._note(*notes, *said)
        wanted |= snapshots | providers
        if not wanted:
            return True
        self._check_secrets(combined.commit, wanted.values(), found)
        done = push(archive, there, wanted, self._options.line)
        if done.refused and not done.is_race:
            # what a forge does not take beside the branch must not keep the branch from it
            extras = {ref: why for ref, why in done.refused.items() if ref != there.branch and "atomic" not in why}
            if there.branch in wanted and extras:
                for ref, why in extras.items():
                    self._note(f"{there.name} does not take {ref}: {why}")
                wanted = {ref: value for ref, value in wanted.items() if ref not in extras}
                done = push(archive, there, wanted, self._options.line)
        if done.refused and done.is_race:
            return False
        if done.refused:
            ref, why = next(iter(done.refused.items()))
            raise RemoteFailed(f"{there.shown} refused {ref}: {why}")
        self._report.snapshots_sent = sorted(ref.removeprefix(remote.TAGS) for ref in snapshots if ref in wanted)
        return True

    def _check_paths(self, commit: str, found: Fetched) -> None:
        """Raises Refused where other machines would not take what a commit holds."""
        archive = self._archive
        refused = incoming.outgoing(archive, archive.tree_id(found.head), archive.tree_id(commit))
        if refused:
            raise incoming.Refused(f"nothing was sent to {self._remote.shown}; other machines would refuse it", refused)

    def _check_secrets(self, commit: str, wanted: Iterable[str], found: Fetched) -> None:
        """Look for credentials in what is to be sent. Raises SecretsLeaving."""
        if not self._options.allow_secrets:
            known = [found.head, *found.tags.values(), *found.providers.values()]
            self._note(*check_push(self._archive, self._remote.shown, wanted, known, commit=commit))

    def _say_refused(self, ours: str | None, found: Fetched) -> None:
        """Whether what is here would be sent: what a merge adds to it is there already."""
        if ours is None:
            return
        snapshots, _ = syncrefs.snapshots_to_send(self._archive, found)
        providers = refs.list_refs(self._archive, f"{remote.PROVIDERS}{self._machine}/")
        try:
            self._check_paths(ours, found)
            self._check_secrets(ours, [ours, *snapshots.values(), *providers.values()], found)
        except (incoming.Refused, SecretsLeaving) as error:
            self._report.refused = error

    def _publish(self, ours: str | None, combined: _Combined) -> bool:
        """Move our branch. Says whether it is there; False: somebody committed here meanwhile."""
        if combined.commit is None or combined.commit == ours:
            return True
        archive = self._archive
        try:
            with archive.lock(self._options.wait):
                message = f"sync: with {self._remote.name}"
                updates = {archive.branch: (ours, combined.commit)}
                done = publish(archive, updates, message, staged=combined.staged)
        except refs.RefMoved:
            self._discard(combined)
            return False
        self._report.kept += done.kept
        self._report.pending = done.pending or self._report.pending
        return True

    def _discard(self, made: _Combined | MergedTrees) -> None:
        for file in made.staged.values():
            file.unlink(missing_ok=True)

    def _fill(self, combined: _Combined, found: Fetched) -> None:
        report, archive = self._report, self._archive
        report.after = combined.commit
        report.received, report.merged, report.clashes = combined.received, combined.merged, combined.clashes
        if self._options.push:
            known = {change.path for change in combined.sent}
            report.sent = combined.sent + [change for change in report.sent if change.path not in known]
        self._note(*combined.notes)
        waiting = paths_waiting(archive, combined.commit or report.before)
        report.waiting = sorted(waiting | {clash.path for clash in combined.clashes})
        if not self._options.dry_run:
            if self._options.pull:
                report.snapshots_received, notes = syncrefs.take_snapshots(archive, found)
                syncrefs.take_providers(archive, found, self._machine)
                self._note(*notes)
            syncrefs.set_upstream(archive, self._remote)

    def _note(self, *texts: str) -> None:
        self._report.notes += [text for text in dict.fromkeys(texts) if text not in self._report.notes]


def _between(archive: Archive, old: str | None, new: str | None) -> list[Change]:
    """What is different in one tree from another."""
    return [
        Change(one.path, "added" if one.old is None else "removed" if one.new is None else "updated")
        for one in trees.differences(archive, old, new)
    ]


def _is_archive(archive: Archive, commit: str) -> bool:
    entry = trees.lookup(archive, archive.tree_id(commit), settings.PATH)
    return entry is not None and entry.is_file
