"""``chasm.yaml``, the settings all machines share: reading one, and merging two versions key by key.

People write this file, so their comments and their order stay as far as a merge allows: where the texts merge by lines
to what the keys merge to, that is the result; else one of the two texts takes over the keys of the other. Which one
does not depend on who merges.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from chasm_git.session.reference import ReferenceError, load

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

PATH = "chasm.yaml"

TextMerge = Callable[[bytes, bytes, bytes], bytes | None]
"""(base, one, other) -> merged by lines, None where that is not possible."""


class Merged(NamedTuple):
    """Settings merged."""

    data: bytes
    overruled: list[str]
    """Keys that both sides set differently, in words."""


def read(archive: Archive, commit: str | None) -> dict[str, Any]:
    """The settings in a commit; empty where there are none, or what is there cannot be read."""
    try:
        return values(archive.read_path(commit, PATH))
    except (KeyError, ReferenceError):
        return {}


def values(data: bytes) -> dict[str, Any]:
    """The settings of a file. Raises ReferenceError."""
    found = load(data)
    if found is None:
        return {}
    if type(found) is not dict or not all(type(name) is str for name in found):
        raise ReferenceError("settings are a map of names", 1, 1)
    return found


def merge(base: bytes | None, ours: bytes, theirs: bytes, by_lines: TextMerge) -> Merged | None:
    """Merge two versions; either order gives the same bytes. None where a side cannot be read."""
    one, other = sorted((ours, theirs))
    try:
        mine, its = values(one), values(other)
        before = values(base) if base else {}
    except ReferenceError:
        return None
    overruled: list[str] = []
    wanted = _maps(before, mine, its, "", overruled)
    text = by_lines(base or b"", one, other)
    if text is not None and _holds(text, wanted):
        return Merged(text, overruled)
    for skeleton in sorted((one, other), key=lambda data: (bool(values(data)), len(data), data), reverse=True):
        written = _taken_over(skeleton, wanted)
        if written is not None:
            return Merged(written, overruled)
    return None


def _holds(data: bytes, wanted: dict[str, Any]) -> bool:
    try:
        return values(data) == wanted
    except ReferenceError:
        return False


def _maps(before: Any, mine: dict[str, Any], its: dict[str, Any], prefix: str, overruled: list[str]) -> dict[str, Any]:
    known = before if type(before) is dict else {}
    made = {}
    for name in sorted({*mine, *its}):
        value = _value(known.get(name), mine.get(name), its.get(name), prefix + name, overruled)
        if value is not None:
            made[name] = value
    return made


def _value(before: Any, mine: Any, its: Any, name: str, overruled: list[str]) -> Any:
    """One value three-way. A side that took a key away loses to one that changed it."""
    if mine == its or its == before:
        return mine
    if mine == before:
        return its
    if mine is None or its is None:
        return its if mine is None else mine
    if type(mine) is dict is type(its):
        return _maps(before, mine, its, name + ".", overruled)
    if type(mine) is list is type(its):
        known = before if type(before) is list else []
        kept = [item for item in known if item in mine and item in its]
        return kept + sorted((item for item in _new(mine, known) + _new(its, known + mine)), key=_order)
    lost, won = sorted((mine, its), key=_order)
    overruled.append(f"{PATH}: both sides set {name}, to {_order(won)} and to {_order(lost)}; the first one stays")
    return won


def _new(items: list[Any], known: list[Any]) -> list[Any]:
    return [item for item in items if item not in known]


def _order(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _taken_over(skeleton: bytes, wanted: dict[str, Any]) -> bytes | None:
    """A file brought to other values, its comments and its order kept. None where that cannot be done."""
    import io

    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096
    try:
        found = yaml.load(skeleton.decode("utf-8-sig"))
        if found is None:
            if not wanted:
                return skeleton
            found = {}
        _bring(found, wanted)
        out = io.BytesIO()
        yaml.dump(found, out)
    except (YAMLError, ValueError):
        return None
    return out.getvalue() if _holds(out.getvalue(), wanted) else None


def _bring(found: Any, wanted: dict[str, Any]) -> None:
    for name in [name for name in found if name not in wanted]:
        del found[name]
    for name, value in wanted.items():
        there = found.get(name)
        if type(value) is dict and isinstance(there, dict):
            _bring(there, value)
        elif there != value or name not in found:
            found[name] = value
