"""The requests of a session in one order: those that stand in it, and those that left it.

A request that left is kept where it stood: below the one it followed. What left and came back is kept twice only where
it had said something then that it does not say now.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

from chasm_git.providers._vscode_said import covers, key_of, message_text
from chasm_git.providers.vscode_log import Removed


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
    known = {key_of(request): request for request in reversed(requests)}
    left = _telling(removed, known)
    below: dict[Hashable, list[int]] = {}
    for number, (gone, _) in enumerate(left):
        key = key_of(gone.above) if gone.above is not None else None
        below.setdefault(key if key != key_of(gone.request) else None, []).append(number)
    order = [*_descend(None, below, left)]
    for request in requests:
        order.append(Placed(request, True))
        order += _descend(key_of(request), below, left)
    while below:  # what followed something that is nowhere, or each other
        order += _descend(next(iter(below)), below, left)
    return order


def _descend(key: Hashable, below: dict[Hashable, list[int]], left: list[tuple[Removed, bool]]) -> Iterator[Placed]:
    """What followed the request `key`, what followed that, and so on; each once."""
    stack = below.pop(key, [])[::-1]
    while stack:
        gone, superseded = left[stack.pop()]
        yield Placed(gone.request, False, superseded)
        stack += below.pop(key_of(gone.request), [])[::-1]


def _telling(removed: list[Removed], known: dict[Hashable, Any]) -> list[tuple[Removed, bool]]:
    """Those of the requests that left which say what no later form of them says; and whether there is a later form."""
    forms: dict[Hashable, list[Any]] = {key: [request] for key, request in known.items()}
    named: dict[str, list[Any]] = {}
    for request in known.values():
        if type(request) is dict:
            named.setdefault(message_text(request), []).append(request)
    kept = []
    for gone in reversed(removed):
        if gone.request is None:
            continue
        key = key_of(gone.request)
        later = forms.setdefault(key, [])
        # what had no id may have been given one since
        others = named.get(message_text(gone.request), ()) if type(key) is tuple and type(gone.request) is dict else ()
        if not any(covers(form, gone.request) for form in (*later, *others)):
            kept.append((gone, bool(later)))
            later.append(gone.request)
    return kept[::-1]
