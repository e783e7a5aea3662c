"""Errors a person sees, with the exit code each one ends the program with.

::

    ChasmError                1   something failed; the message says what and how to mend it
    +-- UsageError            2   the request itself makes no sense
    +-- ConflictsWaiting      3   done, but conflicts wait for a decision
    +-- SourcesUnreadable     4   done, but some sources could not be read (they are named)

Errors that one module alone raises live beside the code that raises them and derive from these.
"""


class ChasmError(Exception):
    """Something failed; ``str(error)`` is one line for a person: what happened and how to mend it."""

    exit_code = 1


class UsageError(ChasmError):
    """The request itself makes no sense."""

    exit_code = 2


class ConflictsWaiting(ChasmError):
    """The work is done, and conflicts wait for a decision."""

    exit_code = 3


class SourcesUnreadable(ChasmError):
    """The work is done, except for sources that could not be read."""

    exit_code = 4
