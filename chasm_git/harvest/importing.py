"""Exports that people hand in, brought into the archive the way a harvest brings a provider's files: one commit.

First every file is asked whose it is (`recognized`), by content, then each is read conversation by conversation, so
that an export of any size fits. The provider's ref moves as in a harvest: it is the base the next export is joined on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import layout
from chasm_git.archive.plumbing import refs
from chasm_git.errors import UsageError
from chasm_git.harvest.collecting import uncollected
from chasm_git.harvest.natives import advice, hindered, own_files, readers_of, unclear
from chasm_git.harvest.plan import Plan, ProviderPlan, provider_ref
from chasm_git.harvest.read import Options, Outcome, Place
from chasm_git.harvest.run import Harvest, Progress
from chasm_git.harvest.state import State
from chasm_git.providers import registry
from chasm_git.providers.base import Export, Problem, Reading, Source
from chasm_git.providers.exported import Exported, recognizes
from chasm_git.providers.reading.export_file import (
    Bundle,
    ExportFile,
    Member,
    MemberError,
    ZipBundle,
    bundles,
    conversations,
    sample_of,
)
from chasm_git.session import codec
from chasm_git.session.model import Session
from chasm_git.session.words import move

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive
    from chasm_git.harvest.report import Report

_BESIDE = re.compile(
    r"(?:^|/)(?:users?|memories|message_feedback|model_comparisons|shared_conversations|user_settings|group_chats|shopping"
    r"|sora|tool_messages|export_manifest|conversation_asset_file_names|library_files|prod-mc-[\w-]+|file[-_][^/]*)\.json$"
)
"""Files of exports that hold no conversation, but the account and what was uploaded."""
_EXPORTED = Exported()
_MANIFEST = "chasm-export.json"
_SURE = 0.9
"""A file that is recognized so well says whose the whole zip is: what only looks like a conversation is its asset."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A file whose reader is known."""

    reader: Export
    file: ExportFile
    size: int


@dataclass(slots=True)
class Recognized:
    """What was handed in, by reader."""

    files: list[Handed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def import_files(
    archive: Archive,
    paths: Sequence[Path],
    machine: str,
    *,
    provider: str | None = None,
    dry_run: bool = False,
    message: str | None = None,
    redact: str | None = None,
    workspace: str | None = None,
    natives: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Bring the conversations of export files and folders into the archive.

    Args:
        machine: name of this machine, as it stands in refs and trailers.
        provider: whose they are; None = found by content.
        dry_run: only say what would happen.
        message: first line of the commit message.
        redact: what becomes of credentials, if not what the archive's settings say.
        workspace: the folder they belong to from now on; None = what they say themselves.
        natives: take files as clients keep them, too; `provider` may then be a client's.
        progress: told how many bytes are read of how many.

    Raises UsageError for a path that is not there and a provider that is not known, ArchiveLocked where another harvest
    does not end, OSError for a full disk.
    """
    own, readers = asked(paths, provider, natives=natives)
    options = Options(dry=dry_run, redact=redact)
    with ExitStack() as held:
        found = recognized(paths, readers, held, natives=natives, provider=own)
        if dry_run:
            return Import(archive, machine, options, found, workspace).dry_run(progress, None)
        from chasm_git.archive.plumbing import journal

        with archive.lock():
            journal.recover(archive)
            return Import(archive, machine, options, found, workspace).run(message, progress, None)


def asked(paths: Sequence[Path], provider: str | None, *, natives: bool = False) -> tuple[str | None, list[Export]]:
    """The client whose files these are said to be, if one is named, and the readers of exports that are to be tried.

    Raises UsageError as `import_files`.
    """
    own = provider if natives and provider in registry.BUILT_IN else None
    named = list(registry.EXPORTS) if provider is None else [provider] if own is None else []
    readers = [registry.load_export(name) for name in named]
    for path in paths:
        if not path.exists():
            raise UsageError(f"there is no file or folder {path}")
    return own, readers


def recognized(
    paths: Sequence[Path],
    readers: Sequence[Export],
    held: ExitStack,
    *,
    natives: bool = False,
    provider: str | None = None,
) -> Recognized:
    """Find the reader of every file; what nobody reads, of what was named by a person, is a problem.

    Args:
        held: closes what stays open when the files have been read.
        natives: look for files as clients keep them, too; `provider` is whose they are, if that is known.
    """
    found = Recognized()
    for path in paths:
        before = len(found.files), len(found.problems)
        for bundle in bundles(path):
            if isinstance(bundle, Problem):
                found.problems.append(bundle)
                continue
            held.callback(bundle.close)
            found.problems += bundle.problems
            taken = _recognize(bundle, readers, found)
            if natives:
                _recognize_natives(bundle, taken, provider, found)
        if len(found.files) == before[0] and not natives and (way := advice(path)) is not None:
            found.problems[before[1] :] = [Problem(str(path), way)]
        elif len(found.files) == before[0] and not any(problem.fatal for problem in found.problems[before[1] :]):
            tried = provider or ", ".join(reader.name for reader in readers)
            found.problems.append(Problem(str(path), f"no conversations that are known here (tried: {tried})"))
    return found


def _recognize_natives(bundle: Bundle, taken: set[str], provider: str | None, found: Recognized) -> None:
    """Have the files nobody else knows read by the readers of clients."""
    if any(member.name == _MANIFEST for member in bundle.members):
        return
    unknown = {bundle.label(member.name): member for member in bundle.members if member.name not in taken}
    known: dict[str, str | None] = {}
    for label, member in unknown.items():
        readers = readers_of(bundle, member, provider)
        if readers:
            known[label] = unclear(readers)
        if len(readers) == 1:
            found.files.append(Handed(readers[0], ExportFile(bundle, member.name), member.size))
    found.problems = [problem for problem in found.problems if problem.path not in known]
    found.problems += [Problem(label, reason) for label, reason in known.items() if reason is not None]


def _recognize(bundle: Bundle, readers: Sequence[Export], found: Recognized) -> set[str]:
    """Find the readers of a bundle's files; returns the names of those that have one."""
    rated: list[tuple[float, Handed]] = []
    if not readers:
        return set()  # they are known to be a client's
    ours = any(reader.name == _EXPORTED.name for reader in readers)
    # where there is a manifest, it says all that the files beside it do
    for member in [member for member in bundle.members if member.name == _MANIFEST] or bundle.members:
        try:
            if ours and recognizes(bundle, member):
                rated.append((1.0, Handed(_EXPORTED, ExportFile(bundle, member.name), member.size)))
                continue
            sample = sample_of(bundle, member)
        except MemberError as error:
            found.problems.append(Problem(bundle.label(member.name), str(error)))
            continue
        if sample:
            mine = _rated(bundle, member, sample, readers, found)
            rated += [mine] if mine is not None else []
    is_known = isinstance(bundle, ZipBundle) and any(score >= _SURE for score, _ in rated)
    chosen = [handed for score, handed in rated if score >= _SURE or not is_known]
    found.files += chosen
    return {handed.file.name for handed in chosen}


def _rated(
    bundle: Bundle, member: Member, sample: bytes, readers: Sequence[Export], found: Recognized
) -> tuple[float, Handed] | None:
    """The reader that is surest of a file; None where none is, and where several are, which is a problem."""
    name = member.name or bundle.path.name
    scores = [(reader.sniff(sample, name), reader) for reader in readers]
    if max(score for score, _ in scores) < _SURE and len(readers) > 1:
        scores += own_files(bundle, member, sample)
    best, reader = max(scores, key=lambda one: one[0])
    equal = [other for score, other in scores if score == best]
    known = unclear(equal) or hindered(reader, bundle) if best > 0 else None
    if best <= 0 or known is not None:
        if known is not None or not _BESIDE.search(member.name):
            reason = known or f"no conversations that are known here (tried: {', '.join(one.name for one in readers)})"
            found.problems.append(Problem(bundle.label(member.name), reason, fatal=best > 0 or not member.name))
        return None
    return best, Handed(reader, ExportFile(bundle, member.name), member.size)


class Import(Harvest):
    """One run."""

    def __init__(
        self, archive: Archive, machine: str, options: Options, found: Recognized, workspace: str | None = None
    ) -> None:
        self._files = found.files
        self._workspace = workspace
        super().__init__(archive, machine, options, _plan(archive, machine, found))
        self._report.problems += found.problems

    def _read(self, progress: Progress | None, processes: int | None) -> Iterator[Outcome]:
        total = sum(handed.size for handed in self._files)
        done = 0
        for handed in self._files:
            for reading in self._readings(handed):
                outcome = self._outcome(handed, reading)
                self._report.problems += outcome.problems
                if outcome.results:
                    self._outcomes.append(outcome)
                    yield outcome
                if progress is not None:
                    progress(min(done + handed.file.bundle.passed(), total), total)
            done += handed.size
            self._report.read += 1

    def _readings(self, handed: Handed) -> Iterator[Reading]:
        """All readings of a file; one that breaks off, or a reader that fails, costs the rest of this file alone."""
        try:
            is_service = handed.reader.name in registry.EXPORTS  # clients leave sessions in which nobody said anything
            read = conversations if is_service else type(handed.reader).read_export
            readings = read(handed.reader, handed.file)
            while True:
                with uncollected():
                    reading = next(readings, None)
                if reading is None:
                    return
                yield reading
        except (MemberError, OSError) as error:
            yield Reading(problems=[handed.file.problem(str(error))])
        except Exception as error:  # noqa: BLE001 - as for the sources of a harvest: it is reported
            yield Reading(problems=[handed.file.problem(f"reader failed: {type(error).__name__}: {error}")])

    def _outcome(self, handed: Handed, reading: Reading) -> Outcome:
        made = Outcome(handed.reader.name, handed.file.label, "")
        for session in reading.sessions if self._workspace is not None else ():
            move(session, self._workspace)
        if handed.reader.is_view:
            reading.sessions = [session for session in reading.sessions if self._has_news(session)]
        with uncollected():
            self._reader.filled(made, lambda: reading, handed.file.label)
        for result in made.results if handed.reader.is_view else ():
            result.first = result.last = ""  # what such a session was forked from it says itself
        for result in made.results:  # the same conversation in another file of the export belongs in the same place
            key = (result.provider, layout.file_name(result.id))
            self._reader.places.setdefault(key, Place(result.path, None, None))
        return made

    def _has_news(self, session: Session) -> bool:
        """Cut a view of a session down to what the archive does not have; False where nothing is left."""
        place = self._reader.places.get((session.provider, layout.file_name(session.id)))
        if place is None or place.archived is None:
            return True
        archived = codec.loads(self._archive.read(place.archived))
        known = {message.id for message in archived.messages}
        archived.messages = [message for message in session.messages if message.id not in known]
        for item in fields(Session):
            setattr(session, item.name, getattr(archived, item.name))
        return bool(session.messages)

    def _save(self, head: str | None, updates: dict[str, tuple[str | None, str | None]]) -> None:
        """Nothing is remembered of files that were handed in: the same ones give what the archive has."""


def _plan(archive: Archive, machine: str, found: Recognized) -> Plan:
    """The plan of a harvest whose sources are the files."""
    made: dict[str, ProviderPlan] = {}
    for handed in found.files:
        name = handed.reader.name
        if name not in made:
            ref = provider_ref(machine, name)
            made[name] = ProviderPlan(handed.reader, ref, refs.read_ref(archive, ref), State())
        source = Source(name, handed.file.label, handed.file.bundle.path, f"{handed.size}:0:0")
        made[name].new.append(source)
    return Plan(archive.head(), list(made.values()))
