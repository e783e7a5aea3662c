"""Who decides what both sides changed differently, where a person has said so beforehand. Pure.

A strategy is applied once, to the conflicts a merge has just made, by the same decisions that a person makes
(`resolve`): what loses stays readable, and every machine that merges later knows the decision. Machines that share a
remote make one merge after the other, so the first decision simply arrives at the others. Where two machines have
decided apart from each other and differently, sides do not count any more, or they could go on correcting each other
for ever: the version shown stays, and that one is the same on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chasm_git.session import codec, decided, jsonio, resolve
from chasm_git.session.join import State
from chasm_git.session.merge import Conflict
from chasm_git.session.model import Json, Session
from chasm_git.session.resolve import Both, Choice, Decision, Pick

STRATEGIES = ("auto", "keep-both", "local-wins", "remote-wins", "most-recent", "manual")
"""``auto`` leaves every conflict to a person, both versions kept; ``manual`` the same, and nothing is published."""

_BY_SIDE = {"local-wins": 0, "remote-wins": 1}


class Settled(NamedTuple):
    """What is left of a merge's conflicts."""

    data: bytes
    waiting: list[Conflict]
    decided: list[Conflict]


def settled(
    data: bytes,
    conflicts: Sequence[Conflict],
    ours: bytes,
    theirs: bytes,
    strategy: str,
    times: tuple[float, float] = (0.0, 0.0),
) -> Settled:
    """Decide the conflicts of a merge.

    Args:
        data, conflicts: what the merge gave.
        ours, theirs: what was merged.
        strategy: one of `STRATEGIES`.
        times: when each side last changed, for ``most-recent``; equal where that is not known.

    Raises CodecError.
    """
    if strategy in ("auto", "manual") or not conflicts:
        return Settled(data, list(conflicts), [])
    session = codec.loads(data)
    work = _Settling(session, (codec.loads(ours), codec.loads(theirs)), strategy, times)
    waiting, done, decisions = [], [], []
    for conflict in conflicts:
        decision = work.decision(conflict)
        if decision is not None:
            decisions.append(decision)
            done.append(conflict)
        else:
            waiting.append(conflict)
    if not decisions:
        return Settled(data, waiting, [])
    resolve.resolve(session, decisions)
    return Settled(codec.dumps(session), waiting, done)


class _Settling:
    """One merge's conflicts."""

    def __init__(
        self, merged: Session, sides: tuple[Session, Session], strategy: str, times: tuple[float, float]
    ) -> None:
        self._merged = merged
        self._sides = sides
        self._strategy = strategy
        self._times = times
        self._messages = {message.id: message for message in merged.messages}
        self._before = [{message.id: message for message in side.messages} for side in sides]

    def decision(self, conflict: Conflict) -> Decision | None:
        """What the strategy says of a conflict; None: it is no strategy's."""
        if conflict.kind == "metadata":
            choice = self._of_key(conflict.where)
            return Decision("key", conflict.where, choice) if choice is not None else None
        if conflict.kind in ("edit", "add"):
            choice = self._of_message(conflict.where)
            return Decision("message", conflict.where, choice) if choice is not None else None
        return None

    def _of_message(self, identity: str) -> Choice | None:
        bodies = resolve.versions(self._messages[identity])
        if len(bodies) < 2:
            return None
        if self._strategy == "keep-both":
            return Both()
        if all(body.revision for body in bodies):
            return Pick()
        said = [self._said(side, identity) for side in range(2)]
        if self._strategy == "most-recent":
            times = [
                max((self._times[side] for side in range(2) if body.kin in said[side]), default=0.0) for body in bodies
            ]
            return Pick((resolve.latest(bodies, times),))
        wanted = said[_BY_SIDE[self._strategy]]
        kept = tuple(number for number, body in enumerate(bodies) if body.kin in wanted)
        return Pick(kept or (0,)) if len(kept) < len(bodies) else None

    def _said(self, side: int, identity: str) -> set[bytes]:
        message = self._before[side].get(identity)
        return {body.kin for body in State.of(message).shown} if message is not None else set()

    def _of_key(self, name: str) -> Choice | None:
        held = resolve.values(self._merged, name)
        if len(held) < 2:
            return None
        if self._strategy == "keep-both":
            return Both()
        table = decided.tables(self._merged).get(name)
        if table is not None and all(table.revision(decided.data_of(self._merged, name, value)) for value in held):
            return Pick()
        side = _BY_SIDE.get(self._strategy)
        if side is None:
            side = 0 if self._times[0] > self._times[1] else 1
            if self._times[0] == self._times[1]:
                return Pick()
        return Pick((_place(held, resolve.shown(self._sides[side], name)),))


def _place(held: Sequence[Json], value: Json) -> int:
    """Where a value stands; the one shown, where it is none of them."""
    wanted = jsonio.dumps(value)
    return next((number for number, one in enumerate(held) if jsonio.dumps(one) == wanted), 0)
