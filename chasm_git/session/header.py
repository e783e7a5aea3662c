"""Session headers merged key by key, three-way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chasm_git.session import codec, encode, jsonio
from chasm_git.session.model import Json, Session

_FIELDS = ("title", "workspace", "parent", "forked_from", "git", "native")
_KEPT_BY_GROWTH = ("native", "git")
"""Keys a provider owns alone: the later value is taken, its loser is no decision for a person."""

ALTERNATIVES = "alternatives"
"""Header key with the values that lost, by key: ``{"title": ["…"]}``."""


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
    one, other = ours.session, theirs.session
    before = base.session if base else None
    made = Session(one.id, one.provider)
    clashes: list[str] = []
    losers: dict[str, list[Json]] = {}
    for name in _FIELDS:
        value, lost = _key(getattr(before, name, None), getattr(one, name), getattr(other, name), provider)
        if name == "native" and provider and (before is None or before.native != other.native):
            value, lost = other.native, None  # what its store looks like now: a torn tail, say, that has gone
        setattr(made, name, value)
        if lost is not None and name not in _KEPT_BY_GROWTH:
            clashes.append(name)
            losers[name] = [lost]
    made.created_at = min((t for t in (one.created_at, other.created_at) if t is not None), default=None)
    made.tags = _tags(before, one, other, provider)
    for name in sorted({*one.extra, *other.extra} - {ALTERNATIVES}):
        known = before.extra.get(name) if before else None
        value, lost = _key(known, one.extra.get(name), other.extra.get(name), provider)
        if value is not None:
            made.extra[name] = value
        if lost is not None:
            clashes.append(name)
            losers[name] = [lost]
    alternatives = _alternatives((one.extra.get(ALTERNATIVES), other.extra.get(ALTERNATIVES), losers), made)
    if alternatives:
        made.extra[ALTERNATIVES] = alternatives
    return Header(encode.header(made), made), clashes


def _key(before: Json, ours: Json, theirs: Json, provider: bool) -> tuple[Json, Json]:
    """One key three-way: its value, and the value that lost where both sides changed it differently."""
    if ours == theirs:
        return ours, None
    if theirs is None and provider:
        return ours, None
    if before is not None:
        if theirs == before:
            return ours, None
        if ours == before:
            return theirs, None
    if ours is None or theirs is None:
        return (theirs if ours is None else ours), None
    if type(ours) is dict is type(theirs):
        merged = {
            name: _key((before or {}).get(name), ours.get(name), theirs.get(name), provider)[0]
            for name in {**(ours if _order(ours) < _order(theirs) else theirs), **ours, **theirs}
        }
        return {name: value for name, value in merged.items() if value is not None}, None
    lost, won = sorted((ours, theirs), key=_order)
    return won, lost


def _order(value: Any) -> tuple[int, bytes]:
    data = jsonio.dumps(value)
    return len(data), data


def _tags(before: Session | None, ours: Session, theirs: Session, provider: bool) -> list[str]:
    """Tags merge as sets: what either side added is there, what either side removed is gone."""
    one, other = set(ours.tags), set(theirs.tags)
    known = set(before.tags) if before else set()
    if provider:
        return sorted(one | (other - known))
    return sorted((one & other) | (one - known) | (other - known))


def _alternatives(sources: tuple[Json, ...], made: Session) -> dict[str, list[Json]]:
    values: dict[str, dict[bytes, Json]] = {}
    for source in sources:
        for name, listed in (source or {}).items() if type(source) is dict else ():
            for value in listed if type(listed) is list else ():
                values.setdefault(name, {})[jsonio.dumps(value)] = value
    shown = {name: getattr(made, name, made.extra.get(name)) for name in values}
    kept = {
        name: [value for _, value in sorted(by_data.items()) if value != shown[name]]
        for name, by_data in sorted(values.items())
    }
    return {name: listed for name, listed in kept.items() if listed}
