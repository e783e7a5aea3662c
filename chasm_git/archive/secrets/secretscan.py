"""Credentials in the archive: in a state of it, in its history, and in what is about to leave this machine.

What was looked at once is remembered by blob (`secretcache`), so a second look costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from chasm_git.archive import layout, naming
from chasm_git.archive.plumbing import processes
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.repo import Archive
from chasm_git.archive.secrets import secretsettings
from chasm_git.archive.secrets.secretcache import Cache
from chasm_git.errors import ChasmError
from chasm_git.session import attachments
from chasm_git.session.masking import names_in
from chasm_git.session.secret_findings import Sighting, sightings
from chasm_git.session.secret_patterns import TooSlow
from chasm_git.session.secrets import Scanner

if TYPE_CHECKING:
    from chasm_git.archive.secrets.secretsettings import SecretSettings

Progress = Callable[[int, int], None]
"""Told how many files were looked at, and of how many."""

_WORTH_IT = 400
_CHUNK = 25
_SHOWN = 20


class Object(NamedTuple):
    """A blob, or a commit or tag (whose message is looked at)."""

    id: str
    path: str
    """Where it stands; "" for commits and tags."""


class Found(NamedTuple):
    """A credential, and where it is."""

    path: str
    """"" for the message of a commit or tag."""
    object: str
    session: str
    """Id; "" for what is no session."""
    provider: str
    seen: Sighting
    is_allowed: bool
    is_latest: bool
    """Whether it stands in the latest version of its file."""

    @property
    def where(self) -> str:
        """For a person."""
        if not self.path:
            return f"message of commit {self.object[:12]}"
        place = f"{self.provider} {self.session}" if self.session else self.path
        if self.seen.message:
            place += f" message {self.seen.message}"
        return place if self.is_latest else f"{place} (in the history: {self.object[:12]})"

    @property
    def remedy(self) -> str:
        """The commands that end it: mask it, or let it stay."""
        allow = f"chasm secrets allow {self.seen.fingerprint}"
        if not self.is_latest:
            erase = f"chasm forget {self.session} --from-history | " if self.session else ""
            return f"{erase}{allow}  (once it was made void where it is used; masks do not reach the history)"
        return f"chasm secrets mask {self.session} | {allow}" if self.session else f"chasm secrets mask --all | {allow}"

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs; never the credential itself."""
        return {
            "path": self.path or None,
            "object": self.object,
            "provider": self.provider or None,
            "session": self.session or None,
            "message": self.seen.message or None,
            "rule": self.seen.rule,
            "fingerprint": self.seen.fingerprint,
            "shown": self.seen.shown,
            "times": self.seen.times,
            "allowed": self.is_allowed,
            "latest": self.is_latest,
        }


@dataclass(slots=True)
class Scan:
    """What a look gave."""

    found: list[Found] = field(default_factory=list)
    objects: int = 0
    problems: list[str] = field(default_factory=list)
    """Settings that cannot be used, and files that could not be looked at."""

    @property
    def open(self) -> list[Found]:
        """What nobody has allowed."""
        return [one for one in self.found if not one.is_allowed]


class SecretsLeaving(ChasmError):
    """Credentials are about to leave this machine."""

    def __init__(self, where: str, found: list[Found]) -> None:
        super().__init__(refusal(f"nothing was sent to {where}", found, "--allow-secrets sends all of it this once"))
        self.found = found

    def received(self, count: int) -> None:
        """Say that a sync has taken what the remote had all the same."""
        if count:
            self.args = (f"{self}\nwhat was fetched is here: {count} {'files' if count > 1 else 'file'}",)


def refusal(what: str, found: list[Found], way: str) -> str:
    """Why something was refused, and the ways on, for a person."""
    count = len({one.seen.fingerprint for one in found})
    return "\n".join([f"{what}: there {'are' if count != 1 else 'is'} {_counted(count)} in it", *listed(found), way])


def listed(found: list[Found]) -> list[str]:
    """Findings for a person, with the commands that end each."""
    lines: dict[str, None] = {}
    for one in found:
        seen = one.seen
        lines[f"  {seen.rule} {seen.shown} [{seen.fingerprint}] in {one.where}\n      {one.remedy}"] = None
    shown = list(lines)[:_SHOWN]
    return shown if len(lines) <= _SHOWN else [*shown, f"  … and {len(lines) - _SHOWN} more (chasm secrets scan)"]


def scan_commit(archive: Archive, commit: str | None, paths: Iterable[str] | None, progress: Progress) -> Scan:
    """Look at a state of the archive.

    Args:
        paths: only these session files, and the attachments they name.
    """
    files = archive.files(commit, "")
    chosen = dict(files)
    if paths is not None:
        chosen = {path: files[path] for path in paths}
        places = {attachments.path_of(name) for blob in chosen.values() for name in names_in(archive.read(blob))}
        chosen |= {place: files[place] for place in places if place in files}
    objects = [Object(blob, path) for path, blob in chosen.items()]
    return scan(archive, objects, set(files.values()), secretsettings.read(archive), progress)


def scan_range(archive: Archive, revisions: Iterable[str], progress: Progress) -> Scan:
    """Look at everything that commits hold, as `git rev-list` names them: ``main..other``."""
    found = new_objects(archive, list(revisions), [])
    latest = set(archive.files(archive.head(), "").values())
    return scan(archive, found, latest, secretsettings.read(archive), progress)


def check_push(
    archive: Archive,
    where: str,
    wanted: Iterable[str],
    there: Iterable[str | None],
    *,
    commit: str | None = None,
    mode: str | None = None,
    progress: Progress = lambda done, total: None,
) -> list[str]:
    """Look at what a remote is to get and does not have; returns what is worth a note.

    Args:
        where: the remote, for messages.
        wanted: what is sent: ids of commits and tags.
        there: what it has.
        commit: the state that is sent: its settings count.
        mode: instead of ``secrets: push:``.

    Raises SecretsLeaving.
    """
    settings = secretsettings.read(archive, commit)
    mode = mode or settings.push
    if mode == "off":
        return []
    objects = new_objects(archive, wanted, [value for value in there if value is not None])
    result = scan(archive, objects, set(archive.files(commit or archive.head(), "").values()), settings, progress)
    if not result.open:
        return result.problems
    if mode == "refuse":
        raise SecretsLeaving(where, result.open)
    count = len({one.seen.fingerprint for one in result.open})
    return [*result.problems, "\n".join([f"{_counted(count)} went to {where}", *listed(result.open)])]


def new_objects(archive: Archive, wanted: Iterable[str], there: Iterable[str]) -> list[Object]:
    """Every blob, commit and tag of some revisions that others do not hold. Raises GitError."""
    git = Git(archive)
    starts = [*wanted, *(f"^{value}" for value in there)]
    arguments = ("rev-list", "--objects", "--ignore-missing", "--missing=allow-any", "--stdin")
    said = git.run(*arguments, stdin="".join(f"{start}\n" for start in starts).encode())
    paths = dict(line.partition(" ")[::2] for line in said.decode("utf-8", "surrogateescape").split("\n") if line)
    kinds = git.run(
        "cat-file",
        "--batch-check=%(objectname) %(objecttype)",
        stdin="".join(f"{name}\n" for name in paths).encode(),
    )
    pairs = (line.partition(" ")[::2] for line in kinds.decode("ascii", "replace").split("\n") if line)
    return [Object(name, paths[name] if kind == "blob" else "") for name, kind in pairs if kind in _LOOKED_AT]


_LOOKED_AT = {"blob", "commit", "tag"}


def scan(
    archive: Archive, objects: list[Object], latest: set[str], settings: SecretSettings, progress: Progress
) -> Scan:
    """Look at objects, as far as that was not done before.

    Args:
        latest: blobs of the latest commit.
    """
    result = Scan(objects=len(objects), problems=list(settings.problems))
    cache = Cache(archive, settings.digest)
    known = cache.read()
    todo = [one for one in objects if one.id not in known]
    new: dict[str, list[Sighting]] = {}
    for done, (name, seen, problem) in enumerate(_looked(archive, todo, settings), 1):
        if problem:
            result.problems.append(problem)
        if not problem:
            new[name] = seen
        known[name] = seen
        progress(done, len(todo))
    cache.add(new)
    for one in objects:
        for sighting in known[one.id]:
            session, provider = _session(archive, one)
            is_allowed = sighting.fingerprint in settings.allow
            is_latest = one.id in latest
            result.found.append(Found(one.path, one.id, session, provider, sighting, is_allowed, is_latest))
    result.found.sort(key=lambda one: (not one.is_latest, one.path, one.object))
    return result


def look(data: bytes, path: str, scanner: Scanner) -> list[Sighting]:
    """What is in one file. Raises TooSlow."""
    is_session = layout.parse_session_path(path) is not None
    found = scanner.scan_session(data) if is_session else scanner.scan(data)
    return sightings(data, found, is_session=is_session)


def _session(archive: Archive, one: Object) -> tuple[str, str]:
    where = layout.parse_session_path(one.path)
    if where is None:
        return "", ""
    return naming.id_in(archive.read(one.id)) or where.name, where.provider


def _counted(count: int) -> str:
    return f"{count} credentials" if count != 1 else "a credential"


_Looked = tuple[str, list[Sighting], str]


def _looked(archive: Archive, objects: list[Object], settings: SecretSettings) -> Iterator[_Looked]:
    """Look at objects, on all cores where there are many."""
    count = processes.cores() if len(objects) >= _WORTH_IT else 1
    scanner = settings.scanner()
    given = (archive.path, archive.git_dir, archive.worktree, archive.branch, settings)
    for _, found in processes.spread(
        objects, lambda one: _one(archive, one, scanner), _apart, _start, given, processes=count, chunk=_CHUNK
    ):
        yield found


_worker: tuple[Archive, Scanner] | None = None


def _start(path: Path, git_dir: Path, worktree: Path | None, branch: str, settings: SecretSettings) -> None:
    global _worker  # opened once a process
    _worker = Archive(path, git_dir, worktree, branch), settings.scanner()


def _apart(one: Object) -> _Looked:
    assert _worker is not None
    archive, scanner = _worker
    return _one(archive, one, scanner)


def _one(archive: Archive, one: Object, scanner: Scanner) -> _Looked:
    try:
        _, data = archive.object(one.id)
        return one.id, look(data, one.path, scanner), ""
    except TooSlow as error:
        left = tuple(pattern for pattern in scanner.patterns if pattern.name != error.name)
        name, seen, _ = _one(archive, one, Scanner(scanner.key, patterns=left, skip=scanner.skip))
        return name, seen, f"{one.path or one.id}: {error}"
    except (KeyError, ValueError, ChasmError) as error:
        return one.id, [], f"{one.path or one.id}: could not be looked at: {error}"
