"""Copies of one message, joined: a semilattice, so that neither side nor order matters.

A message holds a set of bodies: the one shown, its `variants`, its `replaced`. Joining is set union; then

- a body that another one extends is dropped (a streamed answer that grew, a tool result that arrived);
- a body somebody knowingly replaced is never shown again;
- of what is left the greatest is shown, the rest are variants: each one a conflict.

A tombstone absorbs everything: what was forgotten on purpose does not come back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chasm_git.session import encode
from chasm_git.session.model import Json, Message

_STATUS_RANK = {"partial": 0, "interrupted": 1, "failed": 2, None: 3}
_TEXT_KEYS = {"text": "text", "thinking": "text", "error": "text"}


class Body:
    """A message's value without its place and its history; equal bytes = equal bodies."""

    __slots__ = ("data", "message")

    def __init__(self, message: Message) -> None:
        bare = Message(message.id, message.role)
        for name in Message.__slots__:
            setattr(bare, name, getattr(message, name))
        bare.variants, bare.replaced, bare.after = [], [], None
        self.message = bare
        self.data = encode.body(bare)

    def rank(self) -> tuple[int, int, bytes]:
        """Greater is shown: complete before partial, longer before shorter, then any order that all machines share."""
        return _STATUS_RANK.get(self.message.status, 3), len(self.data), self.data

    def value(self) -> dict[str, Json]:
        """As it stands in `variants` and `replaced`: the message's fields by their names in the file."""
        from chasm_git.session.decode import mapping

        return mapping(self.data[2:] + b"\n", 0, 2)[0]


def from_value(identity: str, value: Json) -> Body:
    """The body that stands in a message's `variants` or `replaced`. Raises ValueError for a value that is none."""
    from chasm_git.session.codec import message_of

    if type(value) is not dict:
        raise ValueError(f"message {identity}: a variant is a map")
    return Body(message_of({**value, "id": identity}, None))


def join(copies: Iterable[Message], superseded: Iterable[Body] = ()) -> Message:
    """One message from copies of it. `after` is the first copy's: anchors are joined by the caller.

    Args:
        copies: at least one, all with the same id.
        superseded: bodies that the caller knows to be replaced by what the copies show (the merge base's).
    """
    shown: dict[bytes, Body] = {}
    replaced: dict[bytes, Body] = {}
    listed = list(copies)
    tombstones = [copy for copy in listed if copy.deleted]
    if tombstones:
        return min(tombstones, key=lambda copy: Body(copy).data)
    for copy in listed:
        for body in (Body(copy), *(from_value(copy.id, value) for value in copy.variants)):
            shown[body.data] = body
        for value in copy.replaced:
            body = from_value(copy.id, value)
            replaced[body.data] = body
    hidden = {*replaced, *(body.data for body in superseded)}
    left = [body for data, body in shown.items() if data not in hidden] or list(shown.values())
    kept = _maximal(left)
    winner = max(kept, key=Body.rank)
    made = Body(winner.message).message
    made.after = listed[0].after
    made.variants = _values(body for body in kept if body is not winner)
    made.replaced = _values(body for data, body in replaced.items() if data != winner.data)
    return made


def _values(bodies: Iterable[Body]) -> list[Json]:
    return [body.value() for body in sorted(bodies, key=lambda body: body.data)]


def _maximal(bodies: list[Body]) -> list[Body]:
    """Those that no other one dominates."""
    if len(bodies) == 1:
        return bodies
    return [one for one in bodies if not any(other is not one and dominates(other, one) for other in bodies)]


def dominates(one: Body, other: Body) -> bool:
    """Whether nothing of `other` is lost when `one` is shown in its place. A strict partial order."""
    if one.data == other.data:
        return False
    forth, back = extends(one.message, other.message), extends(other.message, one.message)
    if forth and back:  # the same conversation; only the record around it differs
        return one.rank() > other.rank()
    return forth


def extends(longer: Message, shorter: Message) -> bool:
    """Whether `longer` holds all that `shorter` says: the same, grown, or filled in."""
    if longer.role != shorter.role or _rank(longer) < _rank(shorter):
        return False
    if longer.content == "" == shorter.content:
        return contains(longer.native, shorter.native)
    if isinstance(longer.content, str) and isinstance(shorter.content, str):
        return longer.content.startswith(shorter.content)
    mine, its = list(longer.parts()), list(shorter.parts())
    if len(mine) < len(its):
        return False
    last = len(its) - 1
    return all(_part_extends(mine[n], part, n == last) for n, part in enumerate(its))


def _rank(message: Message) -> int:
    return _STATUS_RANK.get(message.status, 3)


def _part_extends(longer: dict[str, Any], shorter: dict[str, Any], is_last: bool) -> bool:
    if longer == shorter:
        return True
    if longer.get("type") != shorter.get("type"):
        return False
    key = _TEXT_KEYS.get(str(shorter.get("type")))
    if key is not None:
        mine, its = longer.get(key), shorter.get(key)
        return is_last and isinstance(mine, str) and isinstance(its, str) and mine.startswith(its)
    return contains(longer, shorter)


def contains(longer: Json, shorter: Json) -> bool:
    """Whether every value of `shorter` stands in `longer` too; null and "" are filled in by anything."""
    if shorter is None or shorter == "":
        return True
    if type(shorter) is dict:
        return type(longer) is dict and all(
            name in longer and contains(longer[name], item) for name, item in shorter.items()
        )
    if type(shorter) is list:
        return (
            type(longer) is list
            and len(longer) >= len(shorter)
            and all(contains(mine, its) for mine, its in zip(longer, shorter, strict=False))
        )
    return type(longer) is type(shorter) and bool(longer == shorter)
