"""What came of putting sessions back: a row for each, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from chasm_git.providers.writing.contract import Standing, WritePlan, Written

Outcome = Literal["restored", "completed", "copied", "registered", "same", "newer", "absent", "refused", "failed"]
"""``restored``: it was not there; ``completed``: it was there with less in it; ``copied``: written as another tool's;
``registered``: only its list was changed; ``newer``: the tool holds what the archive does not, and was left alone;
``absent``: nothing to register; ``refused``, ``failed``: see the reason."""

WRITTEN = frozenset({"restored", "completed", "copied", "registered"})
BAD = frozenset({"refused", "failed"})


@dataclass(slots=True)
class WrittenRow:
    """One session."""

    id: str
    provider: str
    """Whose session it is in the archive."""
    into: str
    """The provider it is put into."""
    title: str
    outcome: Outcome
    session_id: str = ""
    """Its id in that tool."""
    folder: str | None = None
    standing: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
    """What could not be carried, by kind."""
    notes: list[str] = field(default_factory=list)
    reason: str | None = None
    command: str | None = None
    """What continues it."""
    files: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Copies of what was replaced."""

    def take_plan(self, plan: WritePlan) -> None:
        """Take over what a plan says."""
        self.session_id, self.folder, self.standing = plan.session_id, plan.folder, plan.standing.value
        self.left_out = {kind: count for kind, count in sorted(plan.left_out.items()) if count}
        self.notes = list(plan.notes)
        self.files = list(dict.fromkeys(str(change.path) for change in plan.changes))

    def take_written(self, written: Written) -> None:
        """Take over what was done."""
        self.files = list(dict.fromkeys(map(str, written.paths)))
        self.kept = list(map(str, written.kept))

    def fail(self, reason: str, outcome: Outcome = "failed") -> None:
        """Nothing was written after all: there is nothing to go on with."""
        self.outcome, self.reason, self.command, self.files = outcome, reason, None, []

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class WriteReport:
    """All rows of one call."""

    dry_run: bool
    rows: list[WrittenRow] = field(default_factory=list)
    elsewhere: int = 0
    """Sessions that were passed over: their folder is not on this machine."""
    unwritable: dict[str, int] = field(default_factory=dict)
    """Sessions that were passed over, by provider: nothing can be written into it."""

    def count(self, *outcomes: str) -> int:
        """How many sessions came out like that."""
        return sum(row.outcome in outcomes for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "dry_run": self.dry_run,
            "sessions": [row.as_json() for row in self.rows],
            "elsewhere": self.elsewhere,
            "unwritable": self.unwritable,
        }


def outcome_of(plan: WritePlan) -> Outcome:
    """What carrying out a plan comes to."""
    if plan.refused is not None:
        return "refused"
    if plan.standing is Standing.NEWER:
        return "newer"
    if not any(change.what != "index" for change in plan.changes):
        return "registered" if plan.changes else "same"
    if plan.is_converted:
        return "copied"
    return "restored" if plan.standing is Standing.ABSENT else "completed"
