"""From one source to the bytes the archive will hold: read, join with what is there, hash, compress.

Runs in worker processes as well as in the main one; takes and gives what can be pickled. No write to the repository:
that is the main process's alone. Where there is a worktree, the file is staged (written under a scratch name).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from chasm_git.archive import layout, settings
from chasm_git.archive.choose import is_called
from chasm_git.archive.plumbing.durable import scratch_name
from chasm_git.archive.plumbing.objects import Blob, blob_id, blob_of, compress
from chasm_git.archive.repo import DamagedObject, MissingObject, open_archive
from chasm_git.archive.syncing.sessionmerge import STRATEGIES, wanted
from chasm_git.harvest.collecting import uncollected
from chasm_git.providers.base import Problem, Provider, Reading, Source
from chasm_git.session import codec, merge
from chasm_git.session.attachments import names_of, path_of
from chasm_git.session.forgotten import is_forgotten
from chasm_git.session.model import Session
from chasm_git.session.readable import display_title
from chasm_git.session.secret_patterns import TooSlow
from chasm_git.session.strategy import settled
from chasm_git.session.summary import Summary, summarize, summary_of

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive
    from chasm_git.archive.secrets.secretsettings import SecretSettings
    from chasm_git.harvest.screen import Screen
    from chasm_git.session.secret_findings import Sighting


class Place(NamedTuple):
    """Where a session stands already: its path, its blob in the archive, and what its provider held last."""

    path: str
    archived: str | None
    base: str | None


@dataclass(slots=True)
class Result:
    """One session of a source, joined."""

    provider: str
    id: str
    path: str
    title: str
    fresh: str
    """Blob id of what the provider holds now."""
    archived: str
    """Blob id of what the archive shall hold."""
    before: str | None
    """Blob id of what the archive held when this was made."""
    messages: int
    """Messages in the archive from now on."""
    added: int
    """How many of them are new."""
    first: str = ""
    last: str = ""
    """Ids of the first and the last message of the conversation, "" without one."""
    shrunk: int = 0
    """Messages the archive holds and the provider does not any more."""
    kept: list[str] = field(default_factory=list)
    """Messages the provider cut down; the archive's copies were kept."""
    blobs: list[Blob] = field(default_factory=list)
    staged: str | None = None
    is_forked: bool = False
    said: tuple[str, Summary] | None = None
    """A blob id and the summary of that file."""
    secrets: list[Sighting] = field(default_factory=list)
    """Credentials that came into it and nobody has decided about; `masked`: how many did not come into it."""
    masked: int = 0


@dataclass(slots=True)
class Outcome:
    """What came of one source."""

    provider: str
    key: str
    stamp: str
    results: list[Result] = field(default_factory=list)
    attachments: list[tuple[str, Blob]] = field(default_factory=list)
    """(name, blob) of attachments the archive may not hold yet."""
    problems: list[Problem] = field(default_factory=list)
    verdicts: dict[str, list[Sighting]] = field(default_factory=dict)
    """Blob id -> credentials in it, of files that were looked at from beginning to end."""
    titles: dict[str, str] = field(default_factory=dict)
    skipped: int = 0
    """Sessions that the harvest was told to leave out."""
    is_passing: bool = False
    """The failure is the system's (no permission, a locked file), not the file's: it is worth another try."""

    def failure(self) -> str | None:
        """Why the source could not be read, if so."""
        return next((problem.reason for problem in self.problems if problem.fatal), None)


@dataclass(slots=True)
class Options:
    """What a harvest was asked for."""

    workspace: str | None = None
    sessions: frozenset[str] | None = None
    stage: Path | None = None
    """Folder for staged worktree files; None = there is no worktree."""
    dry: bool = False
    redact: str | None = None
    """What becomes of credentials, if not what the archive's settings say."""
    secrets: SecretSettings | None = None
    """The settings a run goes by; None = credentials are not looked for."""


class Reader:
    """Turns sources into outcomes. One for each process.

    Args:
        archive: read from only.
        places: by provider and file name (`layout.file_name`), for every session the archive or a provider's ref has.
        known: names of attachments the archive holds.
    """

    def __init__(
        self, archive: Archive, places: dict[tuple[str, str], Place], known: set[str], options: Options
    ) -> None:
        self._archive = archive
        self.places = places
        self._known = known
        self._options = options
        self._decides: str | None = None

    def reopen(self) -> None:
        """Open the archive anew: a forked process must not share file positions with its parent."""
        self._archive = open_archive(self._archive.path)

    def __getstate__(self) -> tuple[Any, ...]:
        return self._archive.path, self.places, self._known, self._options

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        path, self.places, self._known, self._options = state
        self._archive = open_archive(path)

    def outcome(self, provider: Provider, source: Source) -> Outcome:
        """Read one source. What goes wrong becomes a problem of the outcome, whatever it is."""
        made = Outcome(provider.name, source.key, source.stamp)
        with uncollected():
            return self.filled(
                made, lambda: self._untold(provider.read(source), provider.tells_again), str(source.path)
            )

    def filled(self, made: Outcome, read: Callable[[], Reading], place: str) -> Outcome:
        """As `outcome`, for whatever `read` gives.

        Args:
            made: an empty outcome, which is filled.
            place: what is read, for messages.
        """
        try:
            reading = read()
            made.problems += reading.problems
            made.titles = reading.titles
            self._leave_out_forgotten(reading)
            screen = self.screen(reading.attachments)
            for session in reading.sessions:
                if self._is_wanted(session):
                    made.results.append(self._result(session, screen))
                else:
                    made.skipped += 1
            if screen is not None:
                reading.attachments = screen.attachments()
                made.verdicts = screen.verdicts
                made.problems += screen.problems
                made.titles = {leaf: screen.title(title) for leaf, title in made.titles.items()}
            if made.results:
                self._attach(reading.attachments, made, screen)
        except TooSlow as error:
            made.results.clear()
            made.is_passing = True  # other settings help
            made.problems.append(Problem(place, f"left out, as it cannot be masked: {error}"))
        except OSError as error:
            made.is_passing = True
            made.problems.append(Problem(str(error.filename or place), error.strerror or str(error)))
        except (MissingObject, DamagedObject) as error:
            made.is_passing = True
            made.problems.append(Problem(place, f"the archive's file of it cannot be had: {error}"))
        except codec.CodecError as error:
            made.is_passing = True  # somebody may mend it
            made.problems.append(Problem(place, f"the archive's file of it cannot be read: {error}"))
        except Exception as error:  # noqa: BLE001 - one reader's bug must not cost the other sources; it is reported
            made.problems.append(Problem(place, f"reader failed: {type(error).__name__}: {error}"))
        return made

    def rejoin(self, provider: str, path: str, archived: str | None, base: str) -> Outcome:
        """Join what a provider held at the last harvest with an archive that has moved since."""
        fresh = self._archive.read(base)
        screen = self.screen({})
        if screen is not None:
            fresh = screen.masked(fresh)
        session = codec.loads_header(codec.split(fresh)[0])
        made = Outcome(provider, path, "")
        made.results.append(self._joined(session, fresh, Place(path, archived, base), summarize(fresh), screen))
        if screen is not None:
            self._attach(screen.attachments(), made, screen)
        return made

    def screen(self, found: dict[str, bytes]) -> Screen | None:
        """What looks for credentials in sessions that came with these attachments; None where nothing does."""
        settings = self._options.secrets
        if settings is None:
            return None
        from chasm_git.harvest.screen import Screen

        return Screen(settings, self._archive, found, self._known)

    def _is_wanted(self, session: Session) -> bool:
        options = self._options
        if options.sessions is not None and session.id not in options.sessions:
            return False
        if options.workspace is None:
            return True
        return session.workspace is not None and is_wanted(session.workspace, options.workspace)

    def _result(self, session: Session, screen: Screen | None) -> Result:
        name = layout.file_name(session.id)
        place = self.places.get((session.provider, name))
        if place is None:
            place = Place(layout.session_path(session.provider, session.id, session.created_at), None, None)
        talk = [m.id for m in session.messages if m.role in ("user", "assistant") and not m.sidechain]
        fresh = codec.dumps(session)
        if screen is not None and (masked := screen.masked(fresh)) is not fresh:
            fresh, session = masked, codec.loads(masked)
        made = self._joined(session, fresh, place, summary_of(session), screen)
        made.title = display_title(session) or ""
        if screen is not None:
            made.title = screen.title(made.title)
        made.is_forked = session.forked_from is not None
        if talk:
            made.first, made.last = talk[0], talk[-1]
        return made

    def _joined(self, session: Session, fresh: bytes, place: Place, said: Summary, screen: Screen | None) -> Result:
        fresh_id = blob_id(fresh, self._archive.hash_name)
        count = said.messages
        made = Result(
            session.provider,
            session.id,
            place.path,
            session.title or "",
            fresh=fresh_id,
            archived=fresh_id,
            before=place.archived,
            messages=count,
            added=count,
            said=(fresh_id, said),
        )
        data = fresh
        before: bytes | None = None
        if place.archived is not None and place.archived != fresh_id:
            before = archived = self._archive.read(place.archived)
            base = self._archive.read(place.base) if place.base is not None else None
            if screen is not None:
                archived = screen.masked(archived)
                base = screen.masked(base) if base is not None else None
            joined = merge.absorb(base, archived, fresh)
            data = joined.data
            if joined.conflicts:
                data = settled(data, joined.conflicts, archived, fresh, self._strategy()).data
            made.kept = joined.kept
            made.archived = blob_id(data, self._archive.hash_name)
            made.said = made.archived, summarize(data)
            made.messages = made.said[1].messages
            made.added = made.messages - summarize(archived).messages
            made.shrunk = made.messages - count
        elif place.archived is not None:
            made.added = 0
        if screen is not None and made.archived != place.archived:
            made.secrets = screen.look(before, data, made.archived)
            made.masked = screen.masks_in(before, data)
        if self._options.dry:
            return made
        if made.archived != place.archived:
            made.blobs.append(Blob(made.archived, len(data), compress(data)))
            if self._options.stage is not None:
                staged = self._options.stage / scratch_name()
                staged.write_bytes(data)
                made.staged = str(staged)
        if fresh_id not in (made.archived, place.base, place.archived):
            made.blobs.append(Blob(fresh_id, len(fresh), compress(fresh)))
        return made

    def _leave_out_forgotten(self, reading: Reading) -> None:
        """Nothing of a session that was forgotten comes in, not even as what its provider holds."""
        _keep(reading, [session for session in reading.sessions if not self._is_forgotten(session)])

    def _untold(self, reading: Reading, others: tuple[str, ...]) -> Reading:
        """The sessions that no other provider has brought in already."""
        if others:
            names = [(session, layout.file_name(session.id)) for session in reading.sessions]
            _keep(reading, [one for one, name in names if not any((other, name) in self.places for other in others)])
        return reading

    def _is_forgotten(self, session: Session) -> bool:
        place = self.places.get((session.provider, layout.file_name(session.id)))
        return place is not None and place.archived is not None and is_forgotten(self._archive.read(place.archived))

    def _strategy(self) -> str:
        """Who decides between what the archive has (local) and what the provider says anew (remote)."""
        if self._decides is None:
            asked = wanted(settings.read(self._archive, self._archive.head()))
            self._decides = asked if asked in STRATEGIES else "auto"
        return self._decides

    def _attach(self, found: dict[str, bytes], made: Outcome, screen: Screen | None) -> None:
        for name, data in found.items():
            if not layout.is_attachment_path(path_of(name)):  # readers make them, and not all readers are ours
                made.problems.append(Problem(made.key, f"{name[:80]!r} is no name for an attachment; it was left out"))
            elif name not in self._known:
                self._known.add(name)
                if not self._options.dry:
                    blob = blob_of(data, self._archive.hash_name)
                    made.attachments.append((name, blob))
                    if screen is not None and name in screen.attached:
                        made.verdicts[blob.id] = screen.attached[name]


def _keep(reading: Reading, sessions: list[Session]) -> None:
    """Let these sessions be all that was read, and what they refer to."""
    if len(sessions) < len(reading.sessions):
        reading.sessions = sessions
        needed = set().union(*map(names_of, sessions)) if sessions else set()
        reading.attachments = {name: data for name, data in reading.attachments.items() if name in needed}


def is_wanted(workspace: str, asked: str) -> bool:
    """Whether a workspace is the folder asked for or lies below it; else it is a part of its path, or a pattern."""
    if is_below(workspace, asked):
        return True
    return not asked.startswith(("/", "\\")) and "://" not in asked and is_called(workspace, asked)


def is_below(path: str, folder: str) -> bool:
    """Whether a workspace is a folder or lies below it."""
    folder = folder.rstrip("/\\")
    return path == folder or path.startswith((folder + "/", folder + "\\"))


def attachment_names(paths: dict[str, str]) -> set[str]:
    """Names of the attachments among the archive's paths."""
    return {path.rpartition("/")[2] for path in paths}
