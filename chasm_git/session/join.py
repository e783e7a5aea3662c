"""Copies of one message, joined: a semilattice, so that neither side nor order matters.

The state of a message is a set of bodies, each of them shown or replaced (somebody knowingly put another one in its
place). Two states are joined so:

- a body is there if it is in either; replaced, if it is in either;
- a body that another one extends is dropped (a streamed answer that grew, a tool result that arrived);
- bodies with the same words count as one.

In the file the greatest of the shown bodies is the message, the others are its `variants`, a conflict each; those
replaced are its `replaced`. Where every body was replaced by another one (two people decided differently), all are
shown again.

A base tells more: a body it shows and one side no longer has was replaced there by hand. A tombstone absorbs
everything: what was forgotten on purpose does not come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from chasm_git.session.body import Body, dominates, from_value, message_from
from chasm_git.session.model import Json, Message

__all__ = ["Body", "Joined", "State", "dominates", "from_value", "join", "join_three_way", "tombstone"]

_SHOWN, _REPLACED = 1, 2
_ABSENT = 0

_Key = tuple[bytes, int]


class Joined(NamedTuple):
    """The outcome of a join."""

    message: Message
    is_new_conflict: bool
    """Whether it shows bodies side by side that no side did."""


class State:
    """The bodies of one message: no two with the same words, none that another one extends."""

    __slots__ = ("_entries",)

    def __init__(self, shown: Iterable[Body], replaced: Iterable[Body]) -> None:
        entries: dict[_Key, tuple[Body, int]] = {}
        for flag, bodies in ((_SHOWN, shown), (_REPLACED, replaced)):
            for body in bodies:
                key = body.kin, body.revision
                before = entries.get(key)
                if before is not None:
                    body = max(body, before[0], key=Body.rank)
                entries[key] = body, flag
        if len(entries) > 1:
            every = [body for body, _ in entries.values()]
            entries = {
                key: (body, flag)
                for key, (body, flag) in entries.items()
                if not any(dominates(other, body) for other in every)
            }
        self._entries = entries

    @classmethod
    def of(cls, message: Message) -> State:
        """The state a message of a file stands for. Raises CodecError for variants that are none."""
        return cls(_bodies(message, replaced=False), _bodies(message, replaced=True))

    @property
    def shown(self) -> list[Body]:
        """The bodies to be seen: never none."""
        listed = [body for body, flag in self._entries.values() if flag == _SHOWN]
        return listed or [body for body, _ in self._entries.values()]

    @property
    def replaced(self) -> list[Body]:
        """The bodies somebody put another one in the place of."""
        return [body for body, flag in self._entries.values() if flag == _REPLACED]

    @property
    def bodies(self) -> list[Body]:
        """All of them."""
        return [body for body, _ in self._entries.values()]

    def keys(self) -> set[_Key]:
        """What tells the shown bodies apart."""
        return {(body.kin, body.revision) for body in self.shown}

    def get(self, key: _Key) -> tuple[Body | None, int]:
        """The body with these words, and how it stands here."""
        return self._entries.get(key, (None, _ABSENT))

    def message(self, after: str | None) -> Message:
        """The message as it is written, below the anchor `after`."""
        shown = self.shown
        winner = max(shown, key=Body.rank)
        made = Body(winner.message).message
        made.after = after
        made.variants = _values(body for body in shown if body is not winner)
        made.replaced = _values(self.replaced)
        return made

    def joined(self, other: State) -> State:
        """The join of two states."""
        return State((*self._flagged(_SHOWN), *other._flagged(_SHOWN)), (*self.replaced, *other.replaced))

    def joined_three_way(self, base: State, other: State) -> State:
        """The join of two states that come from the same one."""
        decided = [body for body, flag in base._entries.values() if flag == _SHOWN]
        # a body of a conflict that is gone was decided against: that is worth remembering
        sides = [side._with_decided(decided) if len(decided) > 1 else side for side in (self, other)]
        shown: list[Body] = []
        replaced: list[Body] = []
        for key in {**sides[0]._entries, **sides[1]._entries}:
            (mine, ours), (its, theirs), (before, known) = (state.get(key) for state in (*sides, base))
            flag = theirs if ours == known else ours if theirs == known else max(ours, theirs)
            body = _body_three_way(before, mine, its)
            if flag != _ABSENT and body is not None:
                (shown if flag == _SHOWN else replaced).append(body)
        return State(shown, replaced)

    def _flagged(self, wanted: int) -> list[Body]:
        return [body for body, flag in self._entries.values() if flag == wanted]

    def _with_decided(self, conflict: list[Body]) -> State:
        gone = [
            body
            for body in conflict
            if (body.kin, body.revision) not in self._entries
            and not any(dominates(other, body) for other in self.bodies)
        ]
        return State(self._flagged(_SHOWN), (*self.replaced, *gone)) if gone else self


def join(copies: Iterable[Message]) -> Message:
    """One message from copies of it: at least one, all with the same id. Raises CodecError."""
    listed = list(copies)
    after = min((copy.after for copy in listed if copy.after is not None), default=None)
    if any(copy.deleted for copy in listed):
        return _tombstones(listed, after)
    state = State.of(listed[0])
    for copy in listed[1:]:
        state = state.joined(State.of(copy))
    return state.message(after)


def join_three_way(before: Message | None, ours: Message, theirs: Message) -> Joined:
    """The join of two copies of a message that come from `before` (None: not known). Raises CodecError.

    The anchor is that of `ours`: anchors are merged by the caller.
    """
    if ours.deleted or theirs.deleted:
        return Joined(_tombstones([ours, theirs], ours.after), False)
    mine, its = State.of(ours), State.of(theirs)
    if before is None or before.deleted:
        state = mine.joined(its)
    else:
        state = mine.joined_three_way(State.of(before), its)
    keys = state.keys()
    return Joined(state.message(ours.after), len(keys) > 1 and not keys <= mine.keys() and not keys <= its.keys())


def tombstone(message: Message) -> Message:
    """What stays of a message that is forgotten: its place."""
    return Message(message.id, message.role, message.timestamp, after=message.after, deleted=True)


def _tombstones(copies: list[Message], after: str | None) -> Message:
    made = min((tombstone(copy) for copy in copies if copy.deleted), key=lambda copy: Body(copy).data)
    made.after = after
    return made


def _bodies(message: Message, *, replaced: bool) -> Iterator[Body]:
    """The bodies of a message as a file has it, shown or replaced; also those a body brought along."""
    if not replaced:
        yield Body(message)
    for listed, is_history in ((message.variants, False), (message.replaced, True)):
        for value in listed:
            inner = message_from(message.id, value)
            if is_history:
                if replaced:
                    yield Body(inner)
                    yield from _every(inner)
            else:
                yield from _bodies(inner, replaced=replaced)


def _every(message: Message) -> Iterator[Body]:
    for value in (*message.variants, *message.replaced):
        inner = message_from(message.id, value)
        yield Body(inner)
        yield from _every(inner)


def _body_three_way(before: Body | None, mine: Body | None, its: Body | None) -> Body | None:
    """Of two bodies with the same words the one that was changed; the greater, where both were."""
    if mine is None or its is None:
        return mine or its
    if before is not None:
        if mine.data == before.data:
            return its
        if its.data == before.data:
            return mine
    return max(mine, its, key=Body.rank)


def _values(bodies: Iterable[Body]) -> list[Json]:
    return [body.value() for body in sorted(bodies, key=lambda body: body.data)]
