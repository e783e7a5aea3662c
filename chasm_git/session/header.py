"""Session headers merged key by key, three-way.

What people give (title, notes, tags) and what this version does not know is never dropped: of values both sides set
differently the greater is shown, the others stand under `ALTERNATIVES` until a person decides. What the provider alone
gives (`git`, `native`) is nobody's decision: the values are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chasm_git.session import codec, decided, encode, jsonio
from chasm_git.session.model import Json, Session

ALTERNATIVES = "alternatives"
"""Header key with the values that lost, by key: ``{"title": ["…"]}``."""
TITLE_BY = "title_by"
"""Header key that says who gave the title: ``user`` for a person; absent: the provider, or not known."""
NOTES = "notes"
"""Header key with a person's notes: a text, or a list of texts where they were taken on several machines."""
UNREAD = "unread"
"""Header key with whole versions of the file that a merge could not read: a list of texts or ``{"base64": …}``."""

_USER = "user"
_OPAQUE = ("workspace", "parent", "forked_from")
_NEVER_CHOSEN = frozenset({"chasm", "created_at", "git", "id", "messages", "native", "provider", "tags"})
_SETS = frozenset({ALTERNATIVES, decided.DECIDED, NOTES, TITLE_BY, UNREAD})
_TAIL = "tail"
_ABSENT = object()

_Values = dict[bytes, Json]
"""A set of JSON values, by their text."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header as bytes and as a session without messages."""

    data: bytes
    session: Session

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """Raises CodecError."""
        return cls(data, codec.loads_header(data))


def merge_headers(base: Header | None, ours: Header, theirs: Header, *, provider: bool) -> tuple[Header, list[str]]:
    """The merged header, and the keys both sides changed differently (their losers stand under `ALTERNATIVES`).

    Args:
        provider: theirs is a provider's reading: a key it does not have was not deleted by anyone.
    """
    if ours.data == theirs.data:
        return ours, []
    merge = _HeaderMerge(base.session if base else None, ours.session, theirs.session, provider)
    made = merge.run()
    return Header(encode.header(made), made), sorted(merge.clashes)


def alternatives(session: Session) -> dict[str, list[Json]]:
    """The header values that lost a merge, by key."""
    held = session.extra.get(ALTERNATIVES)
    if held is None:
        return {}
    if type(held) is not dict:
        return {ALTERNATIVES: [held]}
    return {name: listed if type(listed) is list else [listed] for name, listed in held.items()}


class _HeaderMerge:
    """One merge at work."""

    def __init__(self, base: Session | None, ours: Session, theirs: Session, provider: bool) -> None:
        self._base, self._ours, self._theirs = base, ours, theirs
        self._provider = provider
        self._losers: dict[str, list[Json]] = {}
        self._decided = decided.joined((ours, theirs))
        self.clashes: list[str] = []

    def run(self) -> Session:
        """The merged header."""
        one, other, before = self._ours, self._theirs, self._base
        made = Session(one.id, one.provider)
        title = self._chosen("title", _titles, _strongest)
        if title is not None:
            by_user, made.title = title
            if by_user:
                made.extra[TITLE_BY] = _USER
            self._losers["title"] = [text for _, text in self._losers["title"]]
        for name in _OPAQUE:
            setattr(made, name, self._chosen(name, _of_key(name)))
        made.created_at = min((time for time in (one.created_at, other.created_at) if time is not None), default=None)
        made.tags = sorted(map(str, self._united(_tags).values()))
        made.git = self._provided(before.git if before else None, one.git, other.git)
        made.native = self._native(before.native if before else None, one.native, other.native)
        notes = [text for _, text in sorted(_grown(self._united(_notes)).items())]
        unread = [text for _, text in sorted(self._united(_unread).items())]
        extra = {NOTES: notes if len(notes) > 1 else notes[0] if notes else None, UNREAD: unread or None}
        unknown = {*one.extra, *other.extra, *alternatives(one), *alternatives(other)}
        for name in unknown.difference(_SETS, _OPAQUE, ("title",)):
            value = self._chosen(name, _of_key(name))
            if name not in _NEVER_CHOSEN:
                extra[name] = value
            elif value is not None:
                self._losers[name].append(value)
        losers = {name: sorted(values, key=jsonio.dumps) for name, values in sorted(self._losers.items()) if values}
        extra[ALTERNATIVES] = losers or None
        extra[decided.DECIDED] = decided.written(self._decided)
        made.extra |= {name: value for name, value in extra.items() if value is not None}
        return made

    def _chosen(
        self,
        name: str,
        values_of: Callable[[Session], _Values],
        strongest: Callable[[_Values], _Values] = lambda values: values,
    ) -> Json:
        """The value to show of those a key has after the merge; the others become its losers."""
        mine, its = strongest(values_of(self._ours)), strongest(values_of(self._theirs))
        united = self._united(values_of, keeps_all=False)
        if not united and mine and its:
            united = {**mine, **its}  # each side decided for what the other one dropped
        table = self._decided.get(name)
        values = strongest(united if table is None else table.left(united))
        if len(values) > 1 and not values.keys() <= mine.keys() and not values.keys() <= its.keys():
            self.clashes.append(name)
        winner = self._shown(values_of, values) if table is None else None
        winner = winner or max(values, key=table.rank if table is not None else _greater, default=None)
        self._losers[name] = [value for data, value in values.items() if data != winner]
        return None if winner is None else values[winner]

    def _shown(self, values_of: Callable[[Session], _Values], left: _Values) -> bytes | None:
        """Of the values that are left, the one a side shows: three-way, the greater where both changed it."""
        ours, theirs = (_foremost(values_of(side), left) for side in (self._ours, self._theirs))
        before = _foremost(values_of(self._base), left) if self._base is not None else None
        if ours is None or theirs is None or theirs == before:
            return theirs if ours is None else ours
        return theirs if ours == before else max(ours, theirs, key=_greater)

    def _united(self, values_of: Callable[[Session], _Values], *, keeps_all: bool = True) -> _Values:
        """A set of values three-way: what either side added is there, what either side took away is gone.

        Args:
            keeps_all: whether several values stand side by side: then a provider takes none away.
        """
        mine, its = values_of(self._ours), values_of(self._theirs)
        known = values_of(self._base) if self._base is not None else {}
        both = {**mine, **its}
        if self._provider and (keeps_all or not its):
            return {data: both[data] for data in both if data in mine or data not in known}
        return {data: both[data] for data in both if data not in known or (data in mine and data in its)}

    def _provided(self, before: Json, ours: Json, theirs: Json) -> Any:
        sides = [_ABSENT if value is None else value for value in (before, ours, theirs)]
        value = _put_together(sides[0], sides[1], sides[2], self._provider)
        return None if value is _ABSENT else value

    def _native(self, before: Json, ours: Json, theirs: Json) -> Json:
        """What the provider's store looks like: its newest reading counts, and what it no longer says is kept."""
        if not self._provider or type(ours) is not dict or (before is not None and before == theirs):
            return self._provided(before, ours, theirs)
        if theirs is not None and type(theirs) is not dict:
            return theirs
        now = theirs or {}
        kept = {name: value for name, value in ours.items() if name not in now}
        if type(before) is dict and _TAIL in before:
            kept.pop(_TAIL, None)  # the torn line is whole now, and a message
        return {**now, **kept} or None


def _put_together(before: Any, ours: Any, theirs: Any, provider: bool) -> Any:
    """A value three-way: maps key by key; of other values that both sides changed the greater."""
    if _same(ours, theirs) or _same(theirs, before) or (provider and theirs is _ABSENT):
        return ours
    if _same(ours, before) or ours is _ABSENT:
        return theirs
    if theirs is _ABSENT:
        return ours
    if type(ours) is dict and type(theirs) is dict:
        known = before if type(before) is dict else {}
        made = {}
        for name in sorted({*ours, *theirs}):
            sides = [side.get(name, _ABSENT) for side in (known, ours, theirs)]
            value = _put_together(sides[0], sides[1], sides[2], provider)
            if value is not _ABSENT:
                made[name] = value
        return made
    return max(ours, theirs, key=_size)


def _foremost(values: _Values, left: _Values) -> bytes | None:
    """The value a side shows (its first one), or where that is gone the greatest of those that wait there."""
    shown = next(iter(values), None)
    if shown is None or shown in left:
        return shown
    return max((data for data in values if data in left), key=_greater, default=None)


def _greater(data: bytes) -> tuple[int, bytes]:
    return len(data), data


def _same(one: Any, other: Any) -> bool:
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return jsonio.dumps(one) == jsonio.dumps(other)


def _size(value: Json) -> tuple[bool, int, bytes]:
    data = jsonio.dumps(value)
    return type(value) is dict, len(data), data


def _set_of(values: Iterable[Json]) -> _Values:
    return {jsonio.dumps(value): value for value in values if value is not None}


def _of_key(name: str) -> Callable[[Session], _Values]:
    """Reads what a side has for a key: the value it shows, and those that lost."""

    def values(session: Session) -> _Values:
        others = alternatives(session).get(name, ())
        if name in _OPAQUE:
            return _set_of([getattr(session, name), *map(_text, others)])
        return _set_of([session.extra.get(name), *others])

    return values


def _text(value: Json) -> str:
    """What may take the place of a text."""
    return value if type(value) is str else jsonio.dumps(value).decode()


def _titles(session: Session) -> _Values:
    """Titles with whether a person gave them."""
    by_user = session.extra.get(TITLE_BY) == _USER
    texts = [session.title, *map(_text, alternatives(session).get("title", ()))]
    return _set_of([by_user, text] for text in texts if text is not None)


def _strongest(titles: _Values) -> _Values:
    """Without the provider's titles where a person gave one."""
    by_user = {data: title for data, title in titles.items() if title[0]}
    return by_user or titles


def _tags(session: Session) -> _Values:
    return _set_of(session.tags)


def _notes(session: Session) -> _Values:
    notes = session.extra.get(NOTES)
    return _grown(_set_of(notes if type(notes) is list else [notes]))


def _grown(notes: _Values) -> _Values:
    """Without texts that another one begins with."""
    texts = [text for text in notes.values() if type(text) is str]
    shorter = {jsonio.dumps(text) for text in texts if any(one != text and one.startswith(text) for one in texts)}
    return {data: text for data, text in notes.items() if data not in shorter}


def _unread(session: Session) -> _Values:
    unread = session.extra.get(UNREAD)
    return _set_of(unread if type(unread) is list else [unread])
