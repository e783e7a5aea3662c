"""A session that was forgotten on purpose: what stays of it is that it was there, so that it does not come back.

Its header says ``deleted: true`` and nothing it said, its messages are tombstones. Whatever it is merged with, and
whatever a provider still has of it, becomes the same.
"""

from __future__ import annotations

from chasm_git.session import codec
from chasm_git.session.join import tombstone
from chasm_git.session.model import Session

DELETED = "deleted"
"""Header key of a session that was forgotten."""

_MARK = b"\ndeleted: true\n"


def forgotten(session: Session) -> Session:
    """What stays of a session when it is forgotten."""
    gone = Session(session.id, session.provider, created_at=session.created_at, extra={DELETED: True})
    gone.messages = [tombstone(message) for message in session.messages]
    return gone


def is_forgotten(data: bytes) -> bool:
    """Whether a session file is that of a forgotten session; False where it cannot be read."""
    if DELETED.encode() not in data[: data.find(b"\nmessages:") + 1]:
        return False
    try:
        return codec.loads_header(codec.split(data)[0]).extra.get(DELETED) is True
    except ValueError:
        return _MARK in data


def merge_forgotten(ours: bytes, theirs: bytes) -> bytes | None:
    """Two versions of a session one of which was forgotten: it stays so. None where neither was.

    Raises CodecError where a side cannot be read.
    """
    gone = [data for data in (ours, theirs) if is_forgotten(data)]
    if not gone:
        return None
    sides = [codec.loads(data) for data in (ours, theirs)]
    if (sides[0].provider, sides[0].id) != (sides[1].provider, sides[1].id):
        names = " and ".join(sorted(f"{side.provider} {side.id}" for side in sides))
        raise codec.CodecError(f"two different sessions: {names}")
    made = forgotten(sides[0])
    made.created_at = min((side.created_at for side in sides if side.created_at is not None), default=None)
    there = {message.id: message for message in made.messages}
    for message in forgotten(sides[1]).messages:
        known = there.setdefault(message.id, message)
        if known is not message:
            known.after = min((one.after for one in (known, message) if one.after is not None), default=None)
    made.messages = list(there.values())
    return codec.dumps(made)
