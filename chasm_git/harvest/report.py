"""What a harvest did, or would do, in a form for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chasm_git.harvest.message import summary
from chasm_git.providers.base import Problem

if TYPE_CHECKING:
    from chasm_git.archive.plumbing.worktree import Kept
    from chasm_git.harvest.plan import ProviderPlan
    from chasm_git.harvest.read import Result
    from chasm_git.session.secret_findings import Sighting


@dataclass(slots=True)
class Report:
    """What a harvest did."""

    commit: str | None = None
    """The commit it made; None = nothing new, or a dry run."""
    results: list[Result] = field(default_factory=list)
    """Sessions whose file changed (or would change)."""
    problems: list[Problem] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    """Worktree files with a person's edits that could not follow."""
    pending: str | None = None
    """Why the worktree as a whole could not follow yet."""
    read: int = 0
    """Sources read."""
    unchanged: int = 0
    """Sources not read, because nothing changed."""
    vanished: int = 0
    """Sources that are gone; what they held stays."""
    redact: str = "off"
    """What became of credentials."""

    @property
    def secrets(self) -> list[tuple[Result, Sighting]]:
        """Credentials that came into sessions, that stay as they are, and that nobody has decided about."""
        return [(result, one) for result in self.results for one in result.secrets]

    @property
    def masked(self) -> int:
        """Credentials that did not come into sessions."""
        return sum(result.masked for result in self.results)

    def summary(self) -> str:
        """The counts on one line, as the commit message has them."""
        return summary(self.results)

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "commit": self.commit,
            "new": sum(result.before is None for result in self.results),
            "updated": sum(result.before is not None for result in self.results),
            "read": self.read,
            "unchanged": self.unchanged,
            "vanished": self.vanished,
            "sessions": [_session(result) for result in self.results],
            "problems": [problem_json(problem) for problem in self.problems],
            "kept": [{"path": kept.path, "reason": kept.reason} for kept in self.kept],
            "worktree_pending": self.pending,
            "redact": self.redact,
            "secrets": [secret_json(result.provider, result.id, one) for result, one in self.secrets],
            "masked": self.masked,
        }


def secret_json(provider: str, session: str, seen: Sighting) -> dict[str, Any]:
    """A credential for programs; never the credential itself."""
    return {
        "provider": provider,
        "session": session,
        "message": seen.message or None,
        "rule": seen.rule,
        "fingerprint": seen.fingerprint,
        "shown": seen.shown,
        "times": seen.times,
    }


def _session(result: Result) -> dict[str, Any]:
    return {
        "id": result.id,
        "provider": result.provider,
        "title": result.title or None,
        "path": result.path,
        "status": "new" if result.before is None else "updated",
        "messages": result.messages,
        "added": result.added,
        "shrunk": result.shrunk,
        "kept": result.kept,
    }


def problem_json(problem: Problem) -> dict[str, Any]:
    """A problem for programs."""
    return {"path": problem.path, "line": problem.line, "reason": problem.reason, "fatal": problem.fatal}


@dataclass(slots=True)
class Scanned:
    """One provider as `chasm harvest scan` finds it."""

    provider: str
    title: str
    place: str
    """Folder that holds all its sources; "" where there is none, as on several drives."""
    new: int
    changed: int
    shrunk: int
    unchanged: int
    vanished: int
    problems: list[Problem]

    @property
    def sources(self) -> int:
        """How many there are now."""
        return self.new + self.changed + self.shrunk + self.unchanged

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        counts = {name: getattr(self, name) for name in ("new", "changed", "shrunk", "unchanged", "vanished")}
        return {
            "provider": self.provider,
            "title": self.title,
            "place": self.place or None,
            "sources": self.sources,
            **counts,
            "problems": [problem_json(problem) for problem in self.problems],
        }


def scanned(plan: ProviderPlan) -> Scanned:
    """A provider's plan in numbers."""
    found = [*plan.to_read(), *plan.unchanged]
    return Scanned(
        plan.name,
        plan.provider.title,
        _place({str(source.path.parent) for source in found}),
        len(plan.new),
        len(plan.changed),
        len(plan.shrunk),
        len(plan.unchanged),
        len(plan.vanished),
        plan.problems,
    )


def _place(folders: set[str]) -> str:
    import os

    try:
        return os.path.commonpath(folders)
    except ValueError:  # none, or on several drives
        return ""
