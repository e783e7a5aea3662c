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
    """The settings in a commit; empty where there are none, or what is there makes no sense. Raises MissingObject."""
    try:
        return values(archive.file(commit, PATH) or b"")
    except ReferenceError:
        return {}


def values(data: bytes) -> dict[str, Any]:
    """The settings of a file. Raises ReferenceError."""
    found = load(data)
    if found is None:
        return {}
    if type(found) is not dict or not all(type(name) is str for name in found):
        raise ReferenceError("settings are a map of names", 1, 1)
    return found


def line_of(data: bytes, *names: str) -> int:
    """The line (1-based) where a setting stands; 1 where that cannot be told."""
    try:
        place = _editor().load(data.decode("utf-8-sig"))
        line = 0
        for name in names:
            line = place.lc.key(name)[0]
            place = place[name]
    except Exception:  # noqa: BLE001 - whatever the library stumbles over: the file's first line is close enough
        return 1
    return line + 1


def with_added(data: bytes, names: tuple[str, str], items: dict[str, str]) -> bytes:
    """The file with items added to a list two levels down (``secrets: allow:``), comments and order as they are.

    Args:
        items: item -> what is said beside it.

    Raises ReferenceError for a file that cannot be read, or has something else there.
    """
    import io

    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    outer, inner = names
    wanted = values(data)
    section = wanted.get(outer) or {}
    there = section.get(inner) or [] if type(section) is dict else None
    if type(there) is not list:
        raise ReferenceError(f"{outer}: {inner}: is not the list it has to be", line_of(data, outer), 1)
    new = {item: said for item, said in items.items() if item not in there}
    if not new:
        return data
    yaml = _editor()
    found = yaml.load(data.decode("utf-8-sig"))
    before = data if found is None else b""
    found = CommentedMap() if found is None else found
    if not isinstance(found.get(outer), CommentedMap):
        found[outer] = CommentedMap()
    if not isinstance(found[outer].get(inner), CommentedSeq):
        found[outer][inner] = CommentedSeq()
    listed = found[outer][inner]
    listed.fa.set_block_style()
    for item, said in new.items():
        listed.append(DoubleQuotedScalarString(item))
        listed.yaml_add_eol_comment(said, len(listed) - 1)
    out = io.BytesIO()
    yaml.dump(found, out)
    made = (before if not before or before.endswith(b"\n") else before + b"\n") + out.getvalue()
    if not _holds(made, {**wanted, outer: {**section, inner: [*there, *new]}}):
        raise ReferenceError(f"cannot be extended; write {', '.join(new)} below {outer}: {inner}:", 1, 1)
    return made


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

    from ruamel.yaml.error import YAMLError

    yaml = _editor()
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


def _editor() -> Any:
    """What reads a file with its comments, and writes it again."""
    from ruamel.yaml import YAML

    yaml = YAML(pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml


def _bring(found: Any, wanted: dict[str, Any]) -> None:
    for name in [name for name in found if name not in wanted]:
        del found[name]
    for name, value in wanted.items():
        there = found.get(name)
        if type(value) is dict and isinstance(there, dict):
            _bring(there, value)
        elif there != value or name not in found:
            found[name] = value
