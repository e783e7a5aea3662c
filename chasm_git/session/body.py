"""What a message says, apart from where it stands; and when one such body holds all that another one says.

A streamed answer that grew, a tool result that arrived, a record filled in: the longer body *extends* the shorter one,
and nothing is lost when it takes its place. `dominates` is a strict partial order (tests hold it to that): joining by
it gives the same result in every order.
"""

from __future__ import annotations

from typing import Any

from chasm_git.session import encode, jsonio
from chasm_git.session.model import Json, Message

REVISION = "revision"
"""Message key: how often a person (or a provider that went back to an older text) decided for this body."""

_COMPLETE = 3
_STATUS_RANK = {"partial": 0, "interrupted": 1, "failed": 2, None: _COMPLETE}
_GROWING = frozenset({"text", "thinking", "error"})
"""Parts whose text may grow at its end."""


class Body:
    """A message without its place and its history. Equal `data`: equal bodies. Equal `kin`: the same words."""

    __slots__ = ("_kin", "data", "message")

    def __init__(self, message: Message) -> None:
        bare = Message(message.id, message.role)
        for name in Message.__slots__:
            setattr(bare, name, getattr(message, name))
        bare.variants, bare.replaced, bare.after = [], [], None
        self.message = bare
        self.data = encode.body(bare)
        self._kin: bytes | None = None

    @property
    def revision(self) -> int:
        """0 for a body nobody decided about."""
        value = self.message.extra.get(REVISION)
        return value if type(value) is int and value > 0 else 0

    @property
    def kin(self) -> bytes:
        """The same for bodies that extend each other: what differs is the record around their words."""
        if self._kin is None:
            message = self.message
            parts = _plainest(list(message.parts()))
            around = None if parts else _plainest(message.native)
            values = [message.role, _status(message), parts, around, _plainest(_extra(message))]
            self._kin = jsonio.dumps(values)
        return self._kin

    def rank(self) -> tuple[int, int, int, bytes]:
        """Greater is shown: decided, complete, longer, and then any order that all machines share."""
        return self.revision, _status(self.message), len(self.data), self.data

    def value(self) -> dict[str, Json]:
        """As it stands in `variants` and `replaced`: the message's fields by their names in the file."""
        from chasm_git.session.decode import mapping

        return mapping(self.data[2:] + b"\n", 0, 2)[0]

    def revised(self, revision: int) -> Body:
        """The same words, decided for once more."""
        made = Body(self.message)  # which copies the message, not what it holds
        made.message.extra = {name: value for name, value in made.message.extra.items() if name != REVISION}
        if revision > 0:
            made.message.extra[REVISION] = revision
        return Body(made.message)

    def standing(self, inactive: bool) -> Body:
        """The same record, on the conversation as it stands now or off it."""
        if self.message.inactive == inactive:
            return self
        made = Body(self.message)
        made.message.inactive = inactive
        return Body(made.message)


def from_value(identity: str, value: Json) -> Body:
    """The body that stands in a message's `variants` or `replaced`. Raises CodecError for a value that is none."""
    return Body(message_from(identity, value))


def message_from(identity: str, value: Json) -> Message:
    """As `from_value`, with what the value itself says of variants. Raises CodecError."""
    from chasm_git.session.codec import CodecError, message_of

    if type(value) is not dict:
        raise CodecError(f"message {identity}: a variant is a map")
    return message_of({**value, "id": identity}, None)


def dominates(one: Body, other: Body) -> bool:
    """Whether nothing of `other` is lost when `one` is shown in its place. A strict partial order."""
    if one.data == other.data or not extends(one.message, other.message):
        return False
    return one.rank() > other.rank() if extends(other.message, one.message) else True


def extends(longer: Message, shorter: Message) -> bool:
    """Whether `longer` holds all that `shorter` says: the same, grown, or filled in."""
    if longer.role != shorter.role or _status(longer) < _status(shorter):
        return False
    if not contains(_extra(longer), _extra(shorter)):
        return False
    if not shorter.content:
        if longer.content:
            return shorter.role != "event"  # an event's record is all there is of it
        return contains(longer.native, shorter.native)
    if type(longer.content) is str and type(shorter.content) is str:
        return longer.content.startswith(shorter.content)
    mine, its = list(longer.parts()), list(shorter.parts())
    if len(mine) < len(its):
        return False
    last = len(its) - 1
    return all(_part_extends(mine[number], part, number == last) for number, part in enumerate(its))


def contains(longer: Json, shorter: Json) -> bool:
    """Whether every value of `shorter` stands in `longer` too; null and "" are filled in by anything."""
    if shorter is None or shorter == "":
        return True
    if type(longer) is not type(shorter):
        return False
    if type(shorter) is dict:
        return all(name in longer and contains(longer[name], item) for name, item in shorter.items())
    if type(shorter) is list:
        return len(longer) >= len(shorter) and all(map(contains, longer, shorter))
    if type(shorter) is float:
        return repr(longer) == repr(shorter)  # -0.0 is another value than 0.0
    return bool(longer == shorter)


def _part_extends(longer: dict[str, Any], shorter: dict[str, Any], is_last: bool) -> bool:
    if is_last and str(shorter.get("type")) in _GROWING:
        mine, its = longer.get("text"), shorter.get("text")
        if type(mine) is str and type(its) is str:
            return mine.startswith(its) and contains(longer, {**shorter, "text": None})
    return contains(longer, shorter)


def _status(message: Message) -> int:
    return _STATUS_RANK.get(message.status, _COMPLETE)


def _extra(message: Message) -> dict[str, Json]:
    """Keys of a newer version: what they mean is not known, so none is dropped."""
    if REVISION not in message.extra:
        return message.extra
    return {name: value for name, value in message.extra.items() if name != REVISION}


def _plainest(value: Json) -> Json:
    """One form for values that contain each other."""
    if value is None or value == "":
        return ""
    if type(value) is dict:
        return {name: _plainest(value[name]) for name in sorted(value)}
    if type(value) is list:
        return [_plainest(item) for item in value]
    return value
