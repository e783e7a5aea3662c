"""Conversations that are trees: each entry names the one above it, and the latest entry says which branch stands."""

from __future__ import annotations


def abandoned(above: dict[str, str | None], leaf: str | None) -> set[str]:
    """The entries that are not on the branch which leads to `leaf`.

    Only what hangs on that branch (or starts beside its first entry) was left for it. Entries whose way up ends at one
    that is not there are no branch of it, and stay.

    Args:
        above: the entry above each one; None = it is a first entry.
        leaf: the latest entry.
    """
    if leaf is None:
        return set()
    standing: set[str | None] = set()
    entry: str | None = leaf
    while entry is not None and entry in above and entry not in standing:
        standing.add(entry)
        entry = above[entry]
    if entry is None:
        standing.add(None)
    known = dict.fromkeys(standing, True)
    """Whether the way up from an entry leads to the branch that stands."""
    for start in above:
        way: list[str | None] = []
        entry = start
        while entry not in known and entry is not None and entry in above:
            known[entry] = False  # until the end of the way is known; a circle has none
            way.append(entry)
            entry = above[entry]
        if known.get(entry, False):
            known.update(dict.fromkeys(way, True))
    return {entry for entry, leads in known.items() if leads and entry is not None and entry not in standing}
