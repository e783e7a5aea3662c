"""One change to a JSON value, as JavaScript would make it: set, extend or delete what a path names."""

from __future__ import annotations

from typing import Any

LONGEST_PATH = 32
"""Steps a path may have; a session has eight or so."""
NOTHING: Any = object()
"""JavaScript's ``undefined``."""
_WIDEST_GAP = 10_000
"""Items a write beyond a list's end may leave empty (JavaScript would allow any number)."""


def change(state: Any, kind: int, path: list[Any], entry: dict[str, Any]) -> None:
    """Make a change in `state`. Raises ValueError, before anything is changed.

    Args:
        kind: 1 set (without ``v``: delete), 2 push, 3 delete.
        path: names and indexes, at least one.
        entry: has the value ``v``, and for a push the index ``i``.
    """
    holder: Any = walk(state, path[:-1])
    key: Any
    last = path[-1]
    if type(holder) is dict:
        key = _name(last)
    elif type(holder) is list:
        key = index_of(last)
        if key > len(holder) + _WIDEST_GAP:
            raise ValueError(f"{_shown(path)} is far beyond the end of its list")
    else:
        raise ValueError(f"{_shown(path)} is inside of what is no container")
    if kind == 2:
        _put(holder, key, _extended(_get(holder, key), entry, path))
    elif kind == 1 and "v" in entry:
        _put(holder, key, entry["v"])
    elif type(holder) is dict:
        holder.pop(key, None)
    else:
        _put(holder, key, None)


def _extended(items: Any, entry: dict[str, Any], path: list[Any]) -> list[Any]:
    """The list of a push, cut and extended in place."""
    if items is None or items is NOTHING or items is False or items == 0 or items == "":
        items = []
    index, values = entry.get("i"), entry.get("v")
    if type(items) is not list:
        raise ValueError(f"{_shown(path)} is no list")
    if values is not None and type(values) is not list:
        raise ValueError("what is pushed is no list")
    if index is not None:
        if type(index) is not int or not 0 <= index <= len(items) + _WIDEST_GAP:
            raise ValueError("the index of a push is none")
        del items[index:]
        items.extend([None] * (index - len(items)))
    items.extend(values or ())
    return items


def walk(state: Any, path: list[Any]) -> Any:
    """The value at `path`. Raises ValueError where there is none."""
    for key in path:
        state = _get(state, index_of(key) if type(state) is list else _name(key))
        if state is NOTHING:
            raise ValueError(f"{_shown(path)} leads nowhere")
    return state


def _get(holder: Any, key: Any) -> Any:
    if type(holder) is dict:
        return holder.get(key, NOTHING)
    if type(holder) is list:
        return holder[key] if key < len(holder) else NOTHING
    return NOTHING


def _put(holder: Any, key: Any, value: Any) -> None:
    if type(holder) is list and key >= len(holder):
        holder.extend([None] * (key - len(holder) + 1))
    holder[key] = value


def _name(key: Any) -> str:
    """A step into an object: JavaScript takes a number for its name."""
    if type(key) is str:
        return key
    if type(key) is int:
        return str(key)
    raise ValueError("a step of the path is neither name nor number")


def index_of(key: Any) -> int:
    """A step into a list: JavaScript takes digits for a number."""
    if type(key) is int and key >= 0:
        return key
    if type(key) is str and key.isdecimal() and key.isascii() and len(key) < 10 and str(int(key)) == key:
        return int(key)
    raise ValueError("a step into a list is no index")


def _shown(path: list[Any]) -> str:
    return "/".join(str(step) for step in path)[:80]
