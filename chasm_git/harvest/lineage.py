"""What only shows across sessions: who forked from whom, and titles that one session's file gives to another.

Some clients copy the whole history into a fork's file and say nothing. Such sessions share the id of their first
message; the one whose own words (those it does not share) come first is the original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chasm_git.session import blocks, codec, encode

Read = Callable[[str], bytes]
"""Gives a session file by its path in the archive."""


def forks(groups: Iterable[set[str]], read: Read) -> dict[str, str]:
    """Path of each fork -> id of the session it came from.

    Args:
        groups: paths of sessions that begin with the same message, two or more each.
    """
    found: dict[str, str] = {}
    for group in groups:
        found.update(_forks_of(sorted(group), read))
    return found


def _forks_of(paths: list[str], read: Read) -> dict[str, str]:
    times: dict[str, dict[bytes, str]] = {}
    ids: dict[str, str] = {}
    origins: dict[str, str] = {}
    """What forks say themselves: they need no guess, and what one came from is no fork of it."""
    for path in paths:
        head, listed = codec.split(read(path))
        times[path] = {block.id: block.sort_key()[0] for block in blocks.parse(listed)}
        session = codec.loads_header(head)
        ids[path] = session.id
        if session.forked_from is not None:
            origins[path] = session.forked_from
    shared = set.intersection(*(set(of_one) for of_one in times.values()))

    def own_start(path: str) -> tuple[str, str]:
        own = [time for identity, time in times[path].items() if identity not in shared and time]
        return min(own, default=""), ids[path]

    ranked = sorted((path for path in paths if path not in origins), key=own_start)
    found = {}
    for number, path in enumerate(ranked[1:], 1):
        candidates = [*ranked[:number], *(other for other, origin in origins.items() if origin != ids[path])]
        found[path] = ids[max(candidates, key=lambda other: len(times[other].keys() & times[path].keys()))]
    return found


def with_header(data: bytes, *, forked_from: str | None = None, title: str | None = None) -> bytes | None:
    """A session file with what was missing in its header filled in; None where there was nothing to fill in."""
    head, listed = codec.split(data)
    session = codec.loads_header(head)
    changed = False
    if forked_from is not None and session.forked_from is None and session.parent is None:
        session.forked_from, changed = forked_from, True
    if title is not None and session.title is None:
        session.title, changed = title, True
    return blocks.join(encode.header(session), listed) if changed else None
