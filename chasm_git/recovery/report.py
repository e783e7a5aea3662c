"""What detecting and recovering came to, for people and for programs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chasm_git.harvest.report import problem_json
from chasm_git.providers.base import Problem

if TYPE_CHECKING:
    from chasm_git.harvest.report import Report
    from chasm_git.recovery.detect import Candidate
    from chasm_git.writeback.report import WriteReport


@dataclass(slots=True)
class Detected:
    """What belongs to a folder."""

    path: Path
    candidates: list[Candidate]
    problems: list[Problem] = field(default_factory=list)

    def elsewhere(
        self, there: Collection[tuple[str, str]] = (), providers: Sequence[str] = ()
    ) -> list[tuple[str, list[str]]]:
        """What was held in other folders: the folder each would go on in, and the names of its sessions.

        Args:
            there: provider and id of sessions that are left out.
            providers: only these tools'.
        """
        found = []
        for one in self.candidates:
            names = [
                f"{session.provider}/{session.id}"
                for session in one.sessions
                if session.parent is None
                and (session.provider, session.id) not in there
                and (not providers or session.provider in providers)
            ]
            if names and not one.is_here:
                found.append((one.target, names))
        return found

    def providers(self) -> list[dict[str, Any]]:
        """The tools with sessions of this folder, those with most first."""
        made: dict[str, dict[str, Any]] = {}
        for candidate in self.candidates:
            for one in candidate.sessions:
                row = made.setdefault(
                    one.provider,
                    {"provider": one.provider, "sessions": 0, "archived": 0, "elsewhere": 0, "updated_at": None},
                )
                row["sessions"] += 1
                row["archived"] += one.archived
                row["elsewhere"] += not candidate.is_here
                row["updated_at"] = max(row["updated_at"] or "", one.updated_at or "") or None
        return sorted(made.values(), key=lambda row: (-row["sessions"], row["provider"]))

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "path": str(self.path),
            "candidates": [one.as_json() for one in self.candidates],
            "problems": [problem_json(one) for one in self.problems],
        }


@dataclass(slots=True)
class Recovered:
    """What was harvested, and put back into the tools."""

    harvested: Report
    written: WriteReport
    waiting: int = 0
    """Sessions that are not in the archive: a dry run does not harvest them, and some files hold none."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "harvested": self.harvested.as_json(),
            "written": self.written.as_json(),
            "not_in_the_archive": self.waiting,
        }


@dataclass(slots=True)
class Origin:
    """What a tool of a machine last held of a session."""

    machine: str
    same: bool
    """Whether that is all that the archive has."""


@dataclass(slots=True)
class Whereabouts:
    """Where one session is."""

    id: str
    provider: str
    title: str
    workspace: str | None
    workspace_is_here: bool
    files: list[str] = field(default_factory=list)
    """Files of its tool on this machine."""
    path: str | None = None
    """Of its file in the archive; None = no harvest has read it yet."""
    versions: int = 0
    """Commits that changed it."""
    machines: list[Origin] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        own = {name: getattr(self, name) for name in self.__slots__ if name != "machines"}
        return own | {"machines": [{"machine": one.machine, "same": one.same} for one in self.machines]}


@dataclass(slots=True)
class RecoveryStatus:
    """What could be recovered, in numbers."""

    has_archive: bool
    sessions: int = 0
    """In the archive."""
    waiting: int = 0
    """Files on this machine that no harvest has read as they are."""
    gone: int = 0
    """Files that were here at the last harvest."""
    shrunk: int = 0
    orphans: int = 0
    """Sessions VS Code has and does not show."""
    replaced: list[str] = field(default_factory=list)
    """Folders with copies of what was replaced in tools."""
    problems: list[Problem] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        own = {name: getattr(self, name) for name in self.__slots__ if name != "problems"}
        return own | {"problems": [problem_json(one) for one in self.problems]}
