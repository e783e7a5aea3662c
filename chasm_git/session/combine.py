"""One new session from several: every message once, in the order of time, each with where it is from.

What stands twice (a fork's history, a copy a client made) is taken once: the same id with the same words, or the same
words at the same time. A message without a time stays behind the one it stood behind; nothing is left out. The result
is a function of the sessions alone: its id is made of theirs, so that merging them again after they grew gives the same
session, grown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from chasm_git.session import jsonio
from chasm_git.session.join import Body, dominates
from chasm_git.session.model import Json, Message, Session
from chasm_git.session.native import unfold
from chasm_git.session.readable import display_title

PROVIDER = "merged"
"""The provider of such a session: no client keeps it."""
FROM = "from"
"""Message key: the sessions it is from, ``[{"provider", "session"}]``, with its ``id`` there where that was changed."""
SOURCES = "merged_from"
"""Header key: the sessions that were merged, ``[{"provider", "id"}]``."""

_Key = tuple[Any, ...]


class _Placed(NamedTuple):
    """A message on its way into the merged session."""

    at: str
    """The latest time up to here in its session: the order within a session is kept."""
    source: int
    number: int
    message: Message


def combined_id(sessions: Iterable[Session]) -> str:
    """The id of what some sessions give when they are merged."""
    named = sorted({f"{session.provider}/{session.id}" for session in sessions})
    return "merged-" + hashlib.sha256("\n".join(named).encode("utf-8", "surrogatepass")).hexdigest()[:20]


def combine(sessions: Sequence[Session], *, title: str | None = None, before: Session | None = None) -> Session:
    """Merge sessions into a new one.

    Args:
        sessions: two or more different ones; their order does not matter.
        title: of the new one; by default made of theirs.
        before: what merging the same ones gave earlier: a person's words, and what was forgotten in it, stay.
    """
    ordered = sorted(sessions, key=lambda one: (one.created_at or _first_time(one) or "~", one.provider, one.id))
    made = Session(combined_id(sessions), PROVIDER, title=title or _title(ordered))
    workspaces = {one.workspace for one in ordered}
    made.workspace = workspaces.pop() if len(workspaces) == 1 else None
    gits = [one.git for one in ordered if one.git is not None]
    made.git = gits[0] if len(gits) == len(ordered) and all(git == gits[0] for git in gits) else None
    made.tags = sorted({tag for one in ordered for tag in one.tags})
    made.extra[SOURCES] = [{"provider": one.provider, "id": one.id} for one in ordered]
    made.messages = _Combination(ordered).messages()
    made.created_at = min((time for one in ordered if (time := one.created_at or _first_time(one))), default=None)
    if before is not None:
        _keep(before, made, title)
    return made


def _keep(before: Session, made: Session, title: str | None) -> None:
    """What a person did with the merged session stays, and what it held and its sources do not any more."""
    if title is None:
        made.title = before.title
    else:
        made.extra.pop("title_by", None)
    made.tags = sorted({*made.tags, *before.tags})
    for name, value in before.extra.items():
        made.extra.setdefault(name, value)
    there = {message.id: message for message in made.messages}
    held = {message.id: message for message in before.messages}
    made.messages = [held[m.id] if m.id in held and held[m.id].deleted else m for m in made.messages]
    gone = [_Placed(m.timestamp or "", 1, n, m) for n, m in enumerate(before.messages) if m.id not in there]
    if gone:
        rest = [_Placed(at, 0, n, m) for n, (at, m) in enumerate(_timed(made.messages))]
        made.messages = [one.message for one in sorted([*rest, *gone], key=lambda one: one[:3])]
    made.messages = _chained(made.messages)


class _Combination:
    """One merge at work."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self._sessions = sessions
        self._by_id: dict[str, Message] = {}
        self._by_words: dict[_Key, Message] = {}
        self._from: dict[str, list[dict[str, Json]]] = {}
        self._placed: list[_Placed] = []

    def messages(self) -> list[Message]:
        """Every message once, in order."""
        for source, session in enumerate(self._sessions):
            seen: dict[_Key, int] = {}
            for number, (at, message) in enumerate(_timed(session.messages)):
                self._add(_Placed(at, source, number, message), session, seen)
        made = []
        for one in sorted(self._placed, key=lambda one: one[:3]):
            message = self._by_id[one.message.id]
            message.extra = {**message.extra, FROM: self._from[message.id]}
            made.append(message)
        return _chained(made)

    def _add(self, one: _Placed, session: Session, seen: dict[_Key, int]) -> None:
        message = one.message
        origin: dict[str, Json] = {"provider": session.provider, "session": session.id}
        words = _words(message)
        if words is not None:  # who says the same twice in one session said it twice
            seen[words] = seen.get(words, 0) + 1
            words = (*words, seen[words])
        known = self._by_id.get(message.id)
        if known is not None and (kept := _one_of(known, message)) is not None:
            self._replace(known, kept)
        elif words is not None and words in self._by_words:
            known = self._by_words[words]
        else:
            known = None
        if known is not None:
            self._from[known.id].append(origin if known.id == message.id else {**origin, "id": message.id})
            return
        fresh = replace(message, extra=dict(message.extra), sidechain=message.sidechain or session.parent is not None)
        if message.id in self._by_id:
            fresh = _renamed(fresh, f"{session.id}:{message.id}", self._by_id)
            origin["id"] = message.id
        self._by_id[fresh.id] = fresh
        self._from[fresh.id] = [origin]
        if words is not None:
            self._by_words[words] = fresh
        self._placed.append(one._replace(message=fresh))

    def _replace(self, known: Message, kept: Message) -> None:
        """Have a message say what its longer copy says."""
        if kept is not known:
            extra, sidechain = known.extra, known.sidechain
            for name in Message.__slots__:
                setattr(known, name, getattr(kept, name))
            known.extra, known.sidechain = {**kept.extra, **extra}, sidechain


def _one_of(one: Message, other: Message) -> Message | None:
    """Of two messages with one id the one that says all; None where they are two different messages."""
    mine, its = Body(replace(one, sidechain=False)), Body(replace(other, sidechain=False))
    if mine.data == its.data or mine.kin == its.kin or dominates(mine, its):
        return one
    return other if dominates(its, mine) else None


def _renamed(message: Message, name: str, taken: dict[str, Message]) -> Message:
    """A message under another id, its record kept only if it does not hold the id."""
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}~{number}", number + 1
    made = replace(message, id=unique)
    try:
        same = unfold(message, str.encode) == unfold(made, str.encode)
    except KeyError:
        same = False
    return made if same else replace(made, native=None)


def _words(message: Message) -> _Key | None:
    """What two copies of one message have in common; None for one that cannot be told from another."""
    if message.timestamp is None or message.deleted:
        return None
    parts = list(message.parts())
    said = parts or message.native
    return None if said is None else (message.role, message.timestamp, jsonio.dumps(said))


def _timed(messages: Iterable[Message]) -> list[tuple[str, Message]]:
    """Each message with the latest time up to it; those before the first time with that."""
    listed = list(messages)
    latest = next((message.timestamp for message in listed if message.timestamp is not None), "")
    made = []
    for message in listed:
        latest = max(latest, message.timestamp or "")
        made.append((latest, message))
    return made


def _chained(messages: list[Message]) -> list[Message]:
    above: str | None = None
    for message in messages:
        message.after, above = above, message.id
    return messages


def _first_time(session: Session) -> str | None:
    return min((message.timestamp for message in session.messages if message.timestamp), default=None)


def _title(sessions: Sequence[Session]) -> str:
    names = [" ".join((display_title(one) or one.id).split()) for one in sessions]
    if len(names) == 2:
        return f"Merged: {names[0]} + {names[1]}"
    days = {message.timestamp[:10] for one in sessions for message in one.messages if message.timestamp}
    return f"Merged: {names[0]} and {len(names) - 1} more ({len(days)} day{'s' if len(days) != 1 else ''})"
