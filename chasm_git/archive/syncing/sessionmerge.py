"""Two versions of a session merged the way the archive's settings want it."""

from __future__ import annotations

from typing import Any, NamedTuple

from chasm_git.session import blocks, codec
from chasm_git.session.merge import Conflict, merge
from chasm_git.session.strategy import STRATEGIES, settled

__all__ = ["STRATEGIES", "MergedSession", "merge_session", "wanted"]


class MergedSession(NamedTuple):
    """A session file merged."""

    data: bytes
    conflicts: list[Conflict]
    """What waits for a person."""
    decided: list[Conflict]
    """What the strategy has decided."""


def merge_session(
    base: bytes | None,
    ours: bytes,
    theirs: bytes,
    strategy: str = "auto",
    times: tuple[float, float] = (0.0, 0.0),
) -> MergedSession:
    """Merge two versions of a session file. Raises CodecError where a side cannot be read.

    Args:
        strategy: who decides what both sides changed differently, one of `STRATEGIES`.
        times: when each side last changed, in seconds.
    """
    merged = merge(base, ours, theirs)
    _check(merged.data, ours, theirs)
    return MergedSession(*settled(merged.data, merged.conflicts, ours, theirs, strategy, times))


def wanted(settings: dict[str, Any]) -> Any:
    """The strategy an archive's settings name (``conflicts: NAME``, or ``conflicts: {strategy: NAME}``)."""
    asked = settings.get("conflicts", "auto")
    return asked.get("strategy", "auto") if type(asked) is dict else asked


def _check(data: bytes, ours: bytes, theirs: bytes) -> None:
    """Messages that one side alone changed are taken as bytes: they must be readable, too. Raises CodecError."""
    if data in (ours, theirs):
        codec.loads(data)
        return
    try:
        listed, mine, its = (blocks.split(one)[1] for one in (data, ours, theirs))
    except ValueError:
        codec.loads(data)
        return
    for block in set(listed) - (set(mine) & set(its)):
        codec.loads_message(block)
