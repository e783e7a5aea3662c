"""The one Python door to an archive: what the command line, and everything else outside, is made of.

::

    from pathlib import Path
    from chasm_git.api import open_archive

    with open_archive(Path("~/.local/share/chasm/archive").expanduser()) as archive:
        found = archive.find("5f0c1f5e")
        print(archive.universal(found)["messages"][0]["content"])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from chasm_git.archive import choose, layout, naming, repo
from chasm_git.archive.changed import Changed
from chasm_git.archive.guarded import Guarded
from chasm_git.archive.naming import AmbiguousSession, NoSuchRevision, NoSuchSession
from chasm_git.archive.past import Past
from chasm_git.archive.repo import NotAnArchive
from chasm_git.archive.shared import Shared
from chasm_git.archive.store import AsyncSessionStore, SessionMeta, SessionStore
from chasm_git.archive.syncing import tracking
from chasm_git.archive.syncing.remote import redacted as shown_url
from chasm_git.archive.syncing.tracking import SyncStatus
from chasm_git.cache.access import CacheStatus, Searchable
from chasm_git.errors import ChasmError
from chasm_git.harvest import here
from chasm_git.harvest.access import Sourced, check_harvest, check_import
from chasm_git.harvest.report import Report, Scanned
from chasm_git.providers.base import Env
from chasm_git.recovery.access import Recovery
from chasm_git.session import attachments, codec
from chasm_git.session.model import Session
from chasm_git.session.summary import Summary
from chasm_git.session.universal import universal
from chasm_git.writeback.access import Writable, list_anew

if TYPE_CHECKING:  # what the methods give; their modules are imported when they are called
    from chasm_git.archive.blame import Touched as Touched
    from chasm_git.archive.combining import Combined as Combined
    from chasm_git.archive.compare import Comparison as Comparison
    from chasm_git.archive.compare import SessionDiff as SessionDiff
    from chasm_git.archive.edit import Edited as Edited
    from chasm_git.archive.erasing.erase import Erased as Erased
    from chasm_git.archive.erasing.forget import Forgetting as Forgetting
    from chasm_git.archive.history import Entry as Entry
    from chasm_git.archive.history import LoggedSession as LoggedSession
    from chasm_git.archive.plumbing.maintain import Outcome as Outcome
    from chasm_git.archive.plumbing.maintain import Weight as Weight
    from chasm_git.archive.restore import Restored as Restored
    from chasm_git.archive.secrets.secretmask import Decided as Decided
    from chasm_git.archive.secrets.secretscan import Scan as Scan
    from chasm_git.archive.snapshot import Snapshot as Snapshot
    from chasm_git.archive.syncing.bundle import Bundle as Bundle
    from chasm_git.archive.syncing.conflicts import Unfinished as Unfinished
    from chasm_git.archive.syncing.conflicts import Waiting as Waiting
    from chasm_git.archive.syncing.mergefiles import Clash as Clash
    from chasm_git.archive.syncing.remote import Remote as Remote
    from chasm_git.archive.syncing.report import SyncReport as SyncReport
    from chasm_git.archive.syncing.resolving import Answer as Answer
    from chasm_git.archive.syncing.resolving import Question as Question
    from chasm_git.archive.syncing.resolving import Resolved as Resolved
    from chasm_git.cache.found import Hit as Hit
    from chasm_git.cache.found import Match as Match
    from chasm_git.cache.found import Results as Results
    from chasm_git.cache.stats import By as By
    from chasm_git.cache.stats import Stats as Stats
    from chasm_git.cache.stats import StatsLine as StatsLine
    from chasm_git.cache.stats import StatsRow as StatsRow
    from chasm_git.harvest.status import Status as Status
    from chasm_git.providers.overview import ProviderState as ProviderState
    from chasm_git.recovery.detect import Candidate as Candidate
    from chasm_git.recovery.orphans import Orphan as Orphan
    from chasm_git.recovery.repair import Repaired as Repaired
    from chasm_git.recovery.report import Detected as Detected
    from chasm_git.recovery.report import Recovered as Recovered
    from chasm_git.writeback.report import WriteReport as WriteReport
    from chasm_git.writeback.report import WrittenRow as WrittenRow

__all__ = [
    "AmbiguousSession",
    "Archive",
    "AsyncSessionStore",
    "CacheStatus",
    "Env",
    "Found",
    "Listed",
    "NoSuchRevision",
    "NoSuchSession",
    "NotAnArchive",
    "Recovery",
    "Report",
    "Scanned",
    "SessionMeta",
    "SessionStore",
    "SyncStatus",
    "Unreadable",
    "check_harvest",
    "check_import",
    "check_provider",
    "list_anew",
    "make_archive",
    "open_archive",
    "open_or_make",
    "open_or_pretend",
    "other_form",
    "providers",
    "repair",
    "scan",
    "shown_url",
]


_MISSING = "its content is missing from the repository"  # of a partial clone, say


class Unreadable(ChasmError):
    """A session file of the archive cannot be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}; mend the file, or put an earlier version of it back")
        self.path = path


@dataclass(frozen=True, slots=True)
class Found:
    """A session's file in a commit."""

    id: str
    provider: str
    path: str
    blob: str
    commit: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A session in a list: what its file says, and how it stands to the remote."""

    summary: Summary
    sync_state: str
    """See `tracking.sync_states`; ``conflict`` also where a decision waits in the file itself."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        made = self.summary
        return {
            "id": made.id,
            "provider": made.provider,
            "title": made.title,
            "workspace": made.workspace,
            "created_at": made.created_at,
            "updated_at": made.updated_at,
            "messages": made.messages,
            "parent": made.parent,
            "tags": list(made.tags),
            "sync_state": self.sync_state,
        }


class Archive(Sourced, Past, Shared, Guarded, Changed, Searchable, Writable):
    """An open archive; leaving it as a context manager closes it."""

    def __init__(self, repository: repo.Archive) -> None:
        self.repository = repository
        self.path: Path = repository.path

    def find(self, name: str) -> Found:
        """The session with this id, or the only one whose id starts so; ``ID@REV`` is that session at a revision.

        Raises NoSuchSession, AmbiguousSession, NoSuchRevision.
        """
        file, commit = naming.session_at(self.repository, name)
        return Found(file.id, file.provider, file.path, file.blob, commit)

    def held_in(
        self, folders: Sequence[str], revision: str | None = None, *, unread: list[str] | None = None
    ) -> list[Found]:
        """The sessions held in any of some folders, or below them, now or at a revision. Raises NoSuchRevision.

        Args:
            unread: gets the paths of session files that nobody can read, wherever they were held.
        """
        commit = choose.at(self.repository, revision)
        return [self._found(one, commit) for one in choose.held_in(self.repository, folders, commit, unread)]

    def of_workspace(self, name: str, revision: str | None = None, *, unread: list[str] | None = None) -> list[Found]:
        """The sessions of a workspace, by its path or any part of it, likewise. Raises NoSuchRevision."""
        commit = choose.at(self.repository, revision)
        return [self._found(one, commit) for one in choose.of_workspace(self.repository, name, commit, unread)]

    def _found(self, file: naming.SessionFile, commit: str | None) -> Found:
        assert commit is not None
        return Found(file.id, file.provider, file.path, file.blob, commit)

    def summary(self, found: Found) -> Summary:
        """What a list shows of a session. Raises Unreadable."""
        from chasm_git.archive.summaries import Summaries

        try:
            return Summaries(self.repository).read(found.blob)
        except codec.CodecError as error:
            raise Unreadable(found.path, str(error)) from error
        except KeyError:
            raise Unreadable(found.path, _MISSING) from None

    def data(self, found: Found) -> bytes:
        """A session's file as it stands in the archive. Raises Unreadable where the repository lacks it."""
        try:
            return self.repository.read(found.blob)
        except KeyError:
            raise Unreadable(found.path, _MISSING) from None

    def session(self, found: Found) -> Session:
        """A session. Raises Unreadable."""
        try:
            return codec.loads(self.data(found))
        except codec.CodecError as error:
            raise Unreadable(found.path, str(error)) from error

    def attachments(self, found: Found) -> attachments.Load:
        """Gives the attachments of the commit a session was found in, by name."""

        def load(name: str) -> bytes:
            return self.repository.read_path(found.commit, attachments.path_of(name))

        return load

    def universal(self, found: Found) -> dict[str, Any]:
        """The universal form of a session, attachments and all: see `chasm_git.session.universal`."""
        return universal(self.session(found), self.attachments(found))

    def native_files(self, found: Found) -> dict[str, bytes]:
        """The provider's own files for a session, by name relative to where it keeps them; the first is its main one.

        Raises ChasmError where an attachment they need is missing.
        """
        from chasm_git.providers import registry

        session = self.session(found)
        try:
            return registry.writer_of(session).export(session, self.attachments(found))
        except KeyError as error:
            raise ChasmError(
                f"{session.id} cannot be written the way {session.provider} had it: "
                f"{error.args[0]} is missing from the archive"
            ) from error

    def session_files(self) -> dict[str, str]:
        """Path -> blob of every session file in the latest commit; none is opened."""
        files = self.repository.files(self.repository.head(), layout.SESSIONS)
        return {path: blob for path, blob in files.items() if layout.parse_session_path(path)}

    def sessions(self, files: Mapping[str, str] | None = None) -> Iterator[Listed | Unreadable]:
        """Every session of the archive in the order of paths; a file that cannot be read comes as Unreadable.

        Sessions that were forgotten are left out.

        Args:
            files: only these of `session_files`.
        """
        from chasm_git.archive.summaries import Summaries, prune

        chosen = self.session_files() if files is None else files
        states = tracking.sync_states(self.repository, chosen)
        summaries = Summaries(self.repository)
        summaries.load(chosen.values())
        try:
            for path, blob in chosen.items():
                try:
                    summary = summaries.read(blob)
                except codec.CodecError as error:
                    yield Unreadable(path, str(error))
                    continue
                except KeyError:
                    yield Unreadable(path, _MISSING)
                    continue
                if not summary.forgotten:
                    yield Listed(summary, "conflict" if summary.conflicts else states[path])
        finally:
            summaries.save()
        if files is None:
            prune(self.repository, set(chosen.values()))

    def titles(self, files: Mapping[str, str]) -> dict[str, str | None]:
        """Path -> title of some of `session_files`; files that cannot be read are left out."""
        from chasm_git.archive.summaries import Summaries

        summaries = Summaries(self.repository)
        summaries.load(files.values())
        # `sessions` and `verify` name those that cannot be read
        found = {path: said.title for path, blob in files.items() if (said := summaries.of(blob)) is not None}
        summaries.save()
        return found

    def drivers_missing(self) -> list[str]:
        """What `chasm git install` would do to this clone, in words; nothing where drivers and attributes are there."""
        return self.install(dry_run=True)

    def close(self) -> None:
        """Let go of everything that is open."""
        self.repository.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_archive(path: Path) -> Archive:
    """The archive at `path`, or the one whose worktree holds `path`. Raises NotAnArchive."""
    return Archive(repo.open_archive(path))


def make_archive(path: Path, *, bare: bool = False, project: Path | None = None, branch: str | None = None) -> Archive:
    """Make an archive, or complete one: see `archive.repo.init_archive`. Raises ChasmError where something is there."""
    return Archive(repo.init_archive(path, bare=bare, project=project, branch=branch))


def check_provider(name: str) -> None:
    """Raise UsageError for a name that no provider has; it says which there are."""
    from chasm_git.providers import registry

    registry.load(name)


def providers(env: Env | None) -> Iterator[ProviderState]:
    """Every provider there is, with what it has below `env` (None: nowhere): see `providers.overview.overview`."""
    from chasm_git.providers.overview import overview

    return overview(env)


def repair(path: Path, *, to: Path | None = None, in_place: bool = False, dry_run: bool = False) -> Repaired:
    """Write what is left of a damaged JSON or JSON-lines file: see `recovery.repair.repair`."""
    from chasm_git.recovery.repair import checked
    from chasm_git.recovery.repair import repair as repaired

    return checked(path) if dry_run else repaired(path, to=to, in_place=in_place)


def other_form(path: Path, form: str) -> bytes | None:
    """A session file in the other form its own client reads: see `recovery.convert.other_form`."""
    from chasm_git.recovery.convert import other_form

    return other_form(path, form)


def open_or_make(path: Path, check: Callable[[], None] = lambda: None) -> tuple[Archive, bool]:
    """The archive at `path`, made where there is none; and whether it was made.

    Args:
        check: called before one is made; raises where what is asked for makes no sense, so that none is.
    """
    try:
        return open_archive(path), False
    except NotAnArchive:
        check()
        return Archive(repo.init_archive(path)), True


@contextmanager
def open_or_pretend(path: Path) -> Iterator[Archive]:
    """The archive at `path`; where there is none, an empty one that is gone afterwards (for what would happen)."""
    try:
        archive = open_archive(path)
    except NotAnArchive:
        import tempfile

        with (
            tempfile.TemporaryDirectory(prefix="chasm-") as name,
            Archive(repo.init_archive(Path(name) / "a")) as empty,
        ):
            yield empty
    else:
        with archive:
            yield archive


def scan(path: Path, env: Env, *, providers: Sequence[str] = (), exclude: Sequence[str] = ()) -> list[Scanned]:
    """What every provider has on this machine, against the last harvest into the archive at `path`, if there is one."""
    names = here.chosen(providers, exclude)
    try:
        archive = open_archive(path)
    except NotAnArchive:
        return here.scan(None, env, names)
    with archive:
        return here.scan(archive.repository, env, names)
