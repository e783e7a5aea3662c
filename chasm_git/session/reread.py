"""A message read again from its provider: what the archive makes of what the provider says now.

A provider knows its own records, but it also prunes, cuts and rewrites them. So growth is taken, a cut is refused, and
a text it put in the place of another one is shown while the older one stays in `replaced`. What people or other
machines made of the message meanwhile is not the provider's to change: then both are shown.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from chasm_git.session import jsonio
from chasm_git.session.body import Body, contains, dominates
from chasm_git.session.join import State, join
from chasm_git.session.model import Message

_OWN_WORDS = ("role", "timestamp", "content", "turn", "model", "status", "injected", "sidechain", "inactive", "file")
_POINTS_TO_CONTENT = re.compile(rb'"\$\w*":"content').search


class Reread(NamedTuple):
    """The outcome."""

    message: Message
    was_cut: bool
    """Whether the provider's copy holds less than the archive's, and was not taken."""
    is_new_conflict: bool


def reread(before: Message | None, archived: Message, fresh: Message) -> Reread:
    """The archive's message after a harvest. Raises CodecError for variants that are none.

    Args:
        before: what the provider said at the last harvest; None where that is not known.
        archived: what the archive holds.
        fresh: what the provider says now.
    """
    if archived.deleted or fresh.deleted:
        made = join((archived, fresh))
        made.after = archived.after
        return Reread(made, False, False)
    held, new = State.of(archived), State.of(fresh)
    known = State.of(before) if before is not None and not before.deleted else None
    said = {body.data for body in known.shown} if known is not None else set()
    state = State(held.shown, (*held.replaced, *new.replaced))
    was_cut = False
    for body in new.shown:
        if body.data not in said:
            state, is_less = _taken(state, known, new, body)
            was_cut = was_cut or is_less
    keys = state.keys()
    is_new = len(keys) > 1 and not keys <= held.keys() and not keys <= new.keys()
    return Reread(state.message(archived.after), was_cut, is_new)


def _taken(state: State, known: State | None, new: State, body: Body) -> tuple[State, bool]:
    """The state with a body the provider shows now, and whether it was left out because it is less."""
    shown, replaced = state.shown, state.replaced
    last = {one.kin for one in known.shown} if known is not None else set()
    same = next((one for one in shown if one.kin == body.kin), None)
    if same is not None:
        return _record_taken(state, known, same, body.revised(same.revision))
    if body.kin in last:
        return state, False  # the words are no news; the archive has others knowingly
    if known is not None and any(dominates(one, body) for one in known.shown):
        return state, True
    if any(one.kin == body.kin for one in replaced):
        if known is None:
            return state, False  # it may be older than what replaced it
        body = body.revised(1 + max(one.revision for one in state.bodies))
    elif any(dominates(one, body) for one in state.bodies):
        return state, any(dominates(one, body) for one in shown)
    if any(dominates(body, one) for one in shown):
        return State((*shown, body), replaced), False
    if known is None:
        return State((*shown, body), replaced), False
    if all(one.kin in last for one in shown):
        if len(shown) == 1 and any(_is_same_record(one, body) for one in known.shown):
            return State((body,), replaced), False  # the same record, read in another way
        return State((body,), (*replaced, *shown)), False
    now = {one.kin for one in new.shown}
    gone = [one for one in known.shown if one.kin not in now]
    return State((*shown, body), (*replaced, *gone)), False


def _record_taken(state: State, known: State | None, same: Body, body: Body) -> tuple[State, bool]:
    """As `_taken`, where only the record around the words is new."""
    if body.data == same.data:
        return state, False
    if known is None:
        body = max(body, same, key=Body.rank).standing(body.message.inactive)
    elif _is_less(body.message, same.message):
        return state, True
    return State((body if one is same else one for one in state.shown), state.replaced), False


def _is_less(shorter: Message, longer: Message) -> bool:
    """Whether all that happened to a message is that something of its record is gone."""
    if any(getattr(shorter, name) != getattr(longer, name) for name in _OWN_WORDS):
        return False
    one, other = [shorter.native, shorter.usage], [longer.native, longer.usage]
    return contains(other, one) and not contains(one, other)


def _is_same_record(one: Body, other: Body) -> bool:
    """Whether two messages are one record of the provider, normalized by two versions of its reader.

    A record that does not hold the words says nothing about them: somebody may have changed them elsewhere.
    """
    from chasm_git.session.native import unfold

    records = []
    for message in (one.message, other.message):
        if message.content and not _POINTS_TO_CONTENT(jsonio.dumps(message.native)):
            return False
        try:
            record = unfold(message, str.encode)
        except KeyError:
            return False
        if record is None:
            return False
        records.append(jsonio.dumps(record))
    return records[0] == records[1]
