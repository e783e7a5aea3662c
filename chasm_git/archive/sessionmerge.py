"""Two versions of a session merged the way the archive's settings want it."""

from __future__ import annotations

from chasm_git.session import blocks, codec
from chasm_git.session.merge import Merged, merge

STRATEGIES = ("auto", "keep-both", "local-wins", "remote-wins", "most-recent", "manual")


def merge_session(base: bytes | None, ours: bytes, theirs: bytes, strategy: str = "auto") -> Merged:
    """Merge two versions of a session file. Raises CodecError where a side cannot be read.

    Args:
        strategy: who decides what both sides changed differently, one of `STRATEGIES`.
    """
    merged = merge(base, ours, theirs)
    _check(merged.data, ours, theirs)
    return merged


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
