"""A decision about what two sides changed differently: made once, and for good. Pure.

Whatever is decided for gets a higher `revision` than everything it was decided against, and what was decided against
stays, in the message's `replaced` or under the header's `decided`: readable, never shown. So a merge with any older
state of the session, on any machine and in any order, knows the decision and makes no conflict of it again. Two people
who decide differently do make a new one, of the two texts they chose; whoever decides then has the last word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from chasm_git.session import codec, decided, jsonio
from chasm_git.session.body import Body, dominates, extends, from_value
from chasm_git.session.decided import DECIDED, Entry, Table
from chasm_git.session.header import ALTERNATIVES, TITLE_BY, alternatives
from chasm_git.session.join import State
from chasm_git.session.model import Json, Message, Part, Session

EDITED = "edited"
"""Message key of a text that a person wrote to end a conflict: the revision it got. It keeps a longer text it was made
from from counting as its continuation."""

_TEXTS = ("title", "workspace", "parent", "forked_from", "created_at")


class NotWaiting(ValueError):
    """There is nothing to decide."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One version stays, or several of them: their numbers, 0 for the one shown now."""

    numbers: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Both:
    """All versions stay: the one shown now, and behind it each of the others as a message of its own.

    A header key has one value: the one shown now stays, the others can be read under `decided`.
    """


@dataclass(frozen=True, slots=True)
class Write:
    """A text takes the place of all versions: a message's content, a key's value."""

    value: Json


Choice = Pick | Both | Write


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one conflict."""

    kind: Literal["message", "key"]
    where: str
    """Id of the message, name of the header key."""
    choice: Choice


def resolve(session: Session, decisions: Iterable[Decision]) -> None:
    """Carry decisions out on a session.

    Raises NotWaiting where nothing waits there, IndexError for a version there is none of, CodecError for variants
    that are none.
    """
    for made in decisions:
        if made.kind == "key":
            _decide_key(session, made.where, made.choice)
        else:
            _decide_message(session, made.where, made.choice)
    from chasm_git.session.order import ordered

    session.messages = list(ordered(session.messages))


def resolved(data: bytes, decisions: Iterable[Decision]) -> bytes:
    """As `resolve`, of a session file."""
    session = codec.loads(data)
    resolve(session, decisions)
    return codec.dumps(session)


def versions(message: Message) -> list[Body]:
    """What a message waits for a decision between: the one shown first. One alone: nothing waits. Raises CodecError."""
    return [Body(message), *(from_value(message.id, value) for value in message.variants)]


def values(session: Session, name: str) -> list[Json]:
    """What a header key waits for a decision between: the value shown first."""
    return [shown(session, name), *alternatives(session).get(name, ())]


def shown(session: Session, name: str) -> Json:
    """The value a header key has."""
    if name in session.extra or name not in Session.__slots__:
        return session.extra.get(name)
    return getattr(session, name)


def said_by(bodies: Sequence[Body], message: Message) -> int | None:
    """Which of several versions a copy of the message was, or has become; None where that is not to be told."""
    before = State.of(message).shown
    if len(before) != 1:
        return None
    same = [number for number, body in enumerate(bodies) if body.kin == before[0].kin]
    grown = same or [number for number, body in enumerate(bodies) if extends(body.message, before[0].message)]
    return grown[0] if len(grown) == 1 else None


def latest(bodies: Sequence[Body], came: Sequence[float]) -> int:
    """Which of several versions is the most recent: by the message's own time, then by when it came.

    Args:
        came: a time for each, in any unit; what is greatest came last.
    """
    ranked = [(body.message.timestamp or "", time, body.rank()) for body, time in zip(bodies, came, strict=True)]
    return ranked.index(max(ranked))


def keep(message: Message, kept: Sequence[Body], others: Iterable[Body] = ()) -> Message:
    """The message with these bodies decided for, and against all others it has.

    Args:
        others: bodies it does not have yet that were decided against, too.
    """
    state = State.of(message)
    every = [*state.bodies, *others]
    revision = 1 + max(body.revision for body in every)
    chosen = {body.data for body in kept}
    against = [body for body in every if body.data not in chosen]
    return State([_standing(body, revision, against) for body in kept], against).message(message.after)


def _standing(body: Body, revision: int, against: Sequence[Body]) -> Body:
    """A body decided for; one that another text begins with is marked, or that text would count as its continuation."""
    made = body.revised(revision)
    if not any(dominates(other, made) for other in against):
        return made
    marked = Body(made.message)
    marked.message.extra = {**marked.message.extra, EDITED: revision}
    return Body(marked.message)


def _decide_message(session: Session, identity: str, choice: Choice) -> None:
    at = next((number for number, one in enumerate(session.messages) if one.id == identity), None)
    bodies = versions(session.messages[at]) if at is not None else []
    if at is None or len(bodies) < 2:
        raise NotWaiting(f"no decision waits on message {identity}")
    message = session.messages[at]
    if isinstance(choice, Write):
        session.messages[at] = keep(message, [written(bodies[0], choice.value)])
        return
    numbers = (0,) if isinstance(choice, Both) else choice.numbers
    session.messages[at] = keep(message, [bodies[number] for number in numbers])
    if isinstance(choice, Both):
        known = {one.id for one in session.messages}
        beside = [_message_of_its_own(body) for body in bodies[1:]]
        session.messages += [one for one in beside if one.id not in known]


def written(body: Body, content: str | list[Part]) -> Body:
    """A body that says something else; its record goes along as far as it is made of what the message says now."""
    made = Body(body.message).message
    made.content = content
    if content == body.message.content:
        return body
    if made.native is not None and not _has_record(made):
        made.native = None  # `replaced` has it
    return Body(made)


def _has_record(message: Message) -> bool:
    from chasm_git.session.native import unfold

    if b'"$slice":' in jsonio.dumps(message.native):
        return False  # places in a text that is another one now
    try:
        unfold(message, lambda name: b"")
    except (KeyError, ValueError):
        return False
    return True


def _message_of_its_own(body: Body) -> Message:
    """What lost, behind the message: the same on every machine. It has no record: the provider knows one message."""
    said = body.message
    made = Message(f"{said.id}~{hashlib.sha256(body.kin).hexdigest()[:8]}", said.role, said.timestamp, said.content)
    made.after = said.id
    for name in ("turn", "model", "status", "injected", "sidechain", "inactive", "file"):
        setattr(made, name, getattr(said, name))
    return made


def _decide_key(session: Session, name: str, choice: Choice) -> None:
    held = values(session, name)
    if len(held) < 2:
        raise NotWaiting(f"no decision waits on {name!r}")
    if isinstance(choice, Pick) and len(choice.numbers) != 1:
        raise NotWaiting(f"{name!r} has one value: several cannot stay")
    if isinstance(choice, Write):
        chosen: Json = choice.value
    else:
        chosen = held[choice.numbers[0] if isinstance(choice, Pick) else 0]
    against = [decided.data_of(session, name, value) for value in held if value is not None]
    _show(session, name, chosen)
    if name == "title" and isinstance(choice, Write):
        session.extra[TITLE_BY] = "user"
    data = decided.data_of(session, name, chosen) if chosen is not None else None
    note(session, name, data, against)


def note(session: Session, name: str, chosen: bytes | None, against: Iterable[bytes]) -> None:
    """Write down that a key's value was decided for, and against others (see `decided.data_of`); none waits then."""
    made = decided.tables(session)
    table = made.setdefault(name, Table())
    listed = {data for data in against if data != chosen}
    revision = max((table.revision(data) for data in table.entries), default=0)
    for data in listed:
        table.take(data, Entry(table.revision(data), over=True))
    if chosen is not None:
        table.take(chosen, Entry(revision + 1))
    session.extra[DECIDED] = decided.written(made)
    rest = {key: left for key, left in alternatives(session).items() if key != name and left}
    session.extra.pop(ALTERNATIVES, None)
    if rest:
        session.extra[ALTERNATIVES] = rest


def _show(session: Session, name: str, value: Json) -> None:
    if name in _TEXTS:
        setattr(session, name, value)
    elif name in Session.__slots__:
        return  # what the provider alone gives is nobody's choice: its loser goes
    elif value is None:
        session.extra.pop(name, None)
    else:
        session.extra[name] = value
