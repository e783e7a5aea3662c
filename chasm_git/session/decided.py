"""What was decided about header keys, kept beside the values: so that no older copy of the file brings a loser back.

Every value that took part in a decision has an entry under `DECIDED`, by key: how often somebody decided for it, and
whether another value was taken in its place. Two tables are joined value by value, the greater entry counts: a
semilattice, as the bodies of a message are one (`join`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chasm_git.session import jsonio
from chasm_git.session.model import Json, Session

DECIDED = "decided"
"""Header key: ``{"title": [{"value": "Fix the login", "revision": 1}, {"value": "Login", "over": true}]}``."""

_TITLE = "title"
_BY, _USER = "by", "user"
_KNOWN = {"value", "revision", "over", _BY}


class Entry(NamedTuple):
    """How a value stands. The greater of two counts."""

    revision: int = 0
    """How often somebody decided for it."""
    over: bool = False
    """Whether somebody took another value in its place."""


class Table:
    """The decisions about one key."""

    __slots__ = ("entries", "odd")

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {}
        """By the value's JSON text; a title's is that of ``[whether a person gave it, the title]``."""
        self.odd: dict[bytes, Json] = {}
        """What stands there and is no entry: carried along."""

    def take(self, data: bytes, entry: Entry) -> None:
        """Note an entry, unless a greater one is known."""
        known = self.entries.get(data)
        self.entries[data] = entry if known is None else max(entry, known)

    def take_all(self, other: Table) -> None:
        """Note everything another table holds."""
        for data, entry in other.entries.items():
            self.take(data, entry)
        self.odd |= other.odd

    def revision(self, data: bytes) -> int:
        """How often somebody decided for a value."""
        entry = self.entries.get(data)
        return entry.revision if entry is not None else 0

    def left(self, values: Mapping[bytes, Json]) -> dict[bytes, Json]:
        """Of values by their text those nobody decided against; all, where there is no other."""
        found = {data: value for data, value in values.items() if not self.entries.get(data, Entry()).over}
        return found or dict(values)

    def rank(self, data: bytes) -> tuple[int, int, bytes]:
        """Greater is shown: decided for, longer, and then any order that all machines share."""
        return self.revision(data), len(data), data


Tables = dict[str, Table]


def tables(session: Session) -> Tables:
    """The decisions a header holds, by key."""
    held = session.extra.get(DECIDED)
    if held is None:
        return {}
    found: Tables = {}
    for name, listed in (held if type(held) is dict else {DECIDED: held}).items():
        table = found.setdefault(name, Table())
        for value in listed if type(listed) is list else [listed]:
            if _is_entry(value):
                revision = value.get("revision", 0)
                entry = Entry(revision if type(revision) is int and revision > 0 else 0, value.get("over") is True)
                table.take(_data(name, value["value"], value.get(_BY) == _USER), entry)
            else:
                table.odd[jsonio.dumps(value)] = value
    return found


def joined(sides: Iterable[Session]) -> Tables:
    """The decisions of several versions of a header."""
    made: Tables = {}
    for side in sides:
        for name, table in tables(side).items():
            made.setdefault(name, Table()).take_all(table)
    return made


def written(made: Tables) -> Json:
    """As it stands in the file; None for no decisions."""
    listed = {name: _listed(name, table) for name, table in sorted(made.items())}
    return {name: values for name, values in listed.items() if values} or None


def data_of(session: Session, name: str, value: Json) -> bytes:
    """The text by which a value of a key is known in a table."""
    return _data(name, value, name == _TITLE and session.extra.get("title_by") == _USER)


def _data(name: str, value: Json, by_user: bool) -> bytes:
    return jsonio.dumps([by_user, value] if name == _TITLE else value)


def _is_entry(value: Json) -> bool:
    return type(value) is dict and "value" in value and value.keys() <= _KNOWN


def _listed(name: str, table: Table) -> list[Json]:
    made = []
    for data, entry in sorted(table.entries.items()):
        value = jsonio.loads(data)
        item: dict[str, Json] = {}
        if name == _TITLE:
            by_user, value = value
            item = {_BY: _USER} if by_user else {}
        item = {"value": value, **item}
        if entry.revision:
            item["revision"] = entry.revision
        if entry.over:
            item["over"] = True
        made.append(item)
    return made + [value for _, value in sorted(table.odd.items())]
