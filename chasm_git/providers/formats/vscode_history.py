"""The requests of a session in one order: those that stand in it, and those that left it.

A request that left is kept where it stood: below the one it followed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

from chasm_git.providers.formats.vscode_log import Removed
from chasm_git.providers.formats.vscode_said import covers, key_of, message_text


class Placed(NamedTuple):
    """A request in the order of the session."""

    request: Any
    stands: bool
    """Whether it is in the session; else it left."""
    superseded: bool = False
    """An earlier form of a request that stands, or left later."""


def place(requests: list[Any], removed: list[Removed]) -> list[Placed]:
    """All requests, each that left below the one it followed.

    Args:
        requests: those of the session, in its order.
        removed: those that left, in the order they did.
    """
    if not removed:
        return [Placed(request, True) for request in requests]
    below: dict[Hashable, list[Removed]] = {}
    for gone in removed:
        key = key_of(gone.above) if gone.above is not None else None
        below.setdefault(key if key != key_of(gone.request) else None, []).append(gone)
    standing = set(map(key_of, requests))
    order = [*_descend(None, below, standing)]
    for request in requests:
        order.append(Placed(request, True))
        order += _descend(key_of(request), below, standing)
    while below:  # what followed something that is nowhere, or each other
        order += _descend(next(iter(below)), below, standing)
    return order


def _descend(key: Hashable, below: dict[Hashable, list[Removed]], standing: set[Hashable]) -> Iterator[Placed]:
    """What followed the request `key`, what followed that, and so on; each once."""
    stack = below.pop(key, [])[::-1]
    while stack:
        gone = stack.pop()
        own = key_of(gone.request)
        yield Placed(gone.request, False, gone.superseded or own in standing)
        if own not in standing:
            stack += below.pop(own, [])[::-1]


def forgotten(old: list[Any], requests: list[Any], removed: list[Removed]) -> list[Removed]:
    """The requests of an old copy of a session that say what the session does not; as if they had left it.

    Args:
        old: requests of the copy.
        requests, removed: those of the session.
    """
    forms: dict[Hashable, list[Any]] = {}
    named: dict[str, list[Any]] = {}
    for request in (*requests, *(gone.request for gone in removed)):
        forms.setdefault(key_of(request), []).append(request)
        if type(request) is dict:
            named.setdefault(message_text(request), []).append(request)
    found = []
    for number, request in enumerate(old):
        key = key_of(request)
        known = forms.get(key, [])
        # what had no id may have been given one since
        others = named.get(message_text(request), []) if type(key) is tuple and type(request) is dict else []
        if request is not None and not any(covers(form, request) for form in (*known, *others)):
            found.append(Removed(request, old[number - 1] if number else None, bool(known)))
    return found
