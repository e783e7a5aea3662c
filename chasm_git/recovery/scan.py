"""Everything on this machine, or below a folder, that can be recovered: damaged, orphaned, shrunken, left over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chasm_git.archive import layout
from chasm_git.harvest.report import problem_json
from chasm_git.providers.base import Env, Problem
from chasm_git.recovery import extract, leftovers
from chasm_git.recovery.facts import Progress, plans
from chasm_git.recovery.orphans import Orphan
from chasm_git.recovery.repair import Repaired, checked, ending_of
from chasm_git.recovery.shrunk import Shrunk, shrunk
from chasm_git.session import codec
from chasm_git.session.model import Session

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


@dataclass(slots=True)
class Leftover:
    """A file that was put aside, with sessions in it."""

    path: Path
    sessions: int
    unknown: int
    """Sessions the archive does not have."""
    messages: int
    """Messages the archive does not have."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "path": str(self.path),
            "sessions": self.sessions,
            "unknown_sessions": self.unknown,
            "unknown_messages": self.messages,
        }


@dataclass(slots=True)
class Recoverable:
    """What was found."""

    looked_at: int = 0
    """Session files."""
    damaged: list[Repaired] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    orphans: list[Orphan] = field(default_factory=list)
    shrunk: list[Shrunk] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "looked_at": self.looked_at,
            "damaged": [one.as_json() for one in self.damaged],
            "leftovers": [one.as_json() for one in self.leftovers],
            "orphans": [one.as_json() for one in self.orphans],
            "shrunk": [one.as_json() for one in self.shrunk],
            "problems": [problem_json(one) for one in self.problems],
        }


def scan(
    archive: Archive | None, env: Env, machine: str, below: Path | None = None, *, progress: Progress | None = None
) -> Recoverable:
    """Look at every session file for damage, and for what was left beside it.

    Args:
        below: only the files below this folder, whoever's they are; None = those of the clients on this machine.
    """
    found = Recoverable()
    if below is None:
        sources = [
            source.path for plan in plans(archive, env, machine) for source in (*plan.to_read(), *plan.unchanged)
        ]
        files, put_aside = sources, list(leftovers.beside(sources, found.problems))
        found.shrunk = list(shrunk(archive, machine)) if archive is not None else []
    else:
        every = list(extract.walk(below, found.problems))
        put_aside = [path for path in every if leftovers.is_leftover(path)]
        files = [path for path in every if not leftovers.is_leftover(path)]
    files = list(dict.fromkeys(files))
    for number, path in enumerate(files, 1):
        found.looked_at += 1
        _check(path, found)
        if progress is not None:
            progress(number, len(files))
    found.leftovers = list(_with_sessions(put_aside, archive, found.problems))
    return found


def _check(path: Path, found: Recoverable) -> None:
    ending = ending_of(path)
    if ending not in leftovers.SESSIONS + leftovers.DATABASES:
        return
    try:
        if ending in leftovers.DATABASES:
            reason = _database_fault(path)
            if reason is not None:
                found.problems.append(Problem(str(path), f"{reason}: `chasm recover extract` reads what is left"))
            return
        made = checked(path)
    except FileNotFoundError:  # it has gone since
        return
    except OSError as error:
        found.problems.append(Problem(str(path), error.strerror or str(error)))
        return
    if made.is_damaged:
        found.damaged.append(made)


def _database_fault(path: Path) -> str | None:
    """What the first bytes of a SQLite database and its size say is wrong with it; None where it is nothing."""
    with path.open("rb") as stream:
        head = stream.read(100)
        size = stream.seek(0, 2)
    if not size:
        return None
    if not head.startswith(b"SQLite format 3\0") or len(head) < 100:
        return "not a SQLite database any more"
    page = int.from_bytes(head[16:18], "big")
    whole = (65536 if page == 1 else page) * int.from_bytes(head[28:32], "big")
    is_counted = head[24:28] == head[92:96]  # else an old program wrote it, and the count says nothing
    if is_counted and whole > size and not path.with_name(f"{path.name}-wal").exists():
        return f"a database that is cut off at {size} of {whole} bytes"
    return None


def _with_sessions(paths: Iterable[Path], archive: Archive | None, problems: list[Problem]) -> Iterator[Leftover]:
    """The leftovers that hold sessions, with what of them the archive lacks."""
    archived = _Archived(archive)
    for path in paths:
        sessions = leftovers.sessions_in(path, problems)
        if sessions:
            lacking = [archived.lacks(session) for session in sessions]
            yield Leftover(path, len(sessions), sum(one is None for one in lacking), archived.count(sessions, lacking))


class _Archived:
    """What the archive has of sessions."""

    def __init__(self, archive: Archive | None) -> None:
        self._archive = archive
        files = archive.files(archive.head(), layout.SESSIONS) if archive is not None else {}
        self._blobs: dict[tuple[str, str], str] = {}
        for path, blob in files.items():
            where = layout.parse_session_path(path)
            if where is not None:
                self._blobs[where.provider, path.rpartition("/")[2].removesuffix(".yaml")] = blob

    def lacks(self, session: Session) -> int | None:
        """How many of a session's messages the archive has not; None = it has not the session."""
        blob = self._blobs.get((session.provider, layout.file_name(session.id)))
        if blob is None or self._archive is None:
            return None
        try:
            held = {message.id for message in codec.loads(self._archive.read(blob)).messages}
        except codec.CodecError:
            return None  # a file that cannot be read holds nothing
        return sum(message.id not in held for message in session.messages)

    @staticmethod
    def count(sessions: list[Session], lacking: list[int | None]) -> int:
        """All messages the archive has not."""
        return sum(
            len(session.messages) if lacks is None else lacks for session, lacks in zip(sessions, lacking, strict=True)
        )
