"""Errors a person sees, with the exit code each one ends the program with.

::

    ChasmError                1   something failed; the message says what and how to mend it
    +-- UsageError            2   the request itself makes no sense
    +-- ConflictsWaiting      3   done, but conflicts wait for a decision
    |   +-- Undecided         3   stopped before anything was done: conflicts are to be decided first
    +-- SourcesUnreadable     4   done, but some sources could not be read (they are named)

Errors that one module alone raises live beside the code that raises them and derive from these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ChasmError(Exception):
    """Something failed; ``str(error)`` is one line for a person: what happened and how to mend it."""

    exit_code = 1


class UsageError(ChasmError):
    """The request itself makes no sense."""

    exit_code = 2


class ConflictsWaiting(ChasmError):
    """The work is done, and conflicts wait for a decision."""

    exit_code = 3


class Undecided(ConflictsWaiting):
    """There are conflicts, and ``manual`` says that nothing is to happen before a person has seen them."""

    def __init__(self, clashes: Sequence[Any]) -> None:
        count = len({clash.path for clash in clashes})
        files = "file" if count == 1 else "files"
        super().__init__(
            f"stopped before anything was taken or sent: both sides changed the same in {count} {files}, and the "
            "strategy is manual. `chasm sync --strategy auto` keeps both versions and `chasm resolve` ends the "
            "conflicts then; keep-both, local-wins, remote-wins and most-recent end them at once"
        )
        self.clashes = clashes
        """What waits: see `archive.mergefiles.Clash`."""


class SourcesUnreadable(ChasmError):
    """The work is done, except for sources that could not be read."""

    exit_code = 4
