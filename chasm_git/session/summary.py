"""A line about a session, from its file's bytes: for lists of thousands, where reading every file would take minutes.

Only the header and the first few lines of each message are looked at. The count of messages is that of `universal`
(one answer is one message, tool results and bookkeeping are none), but for results without a call and for errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chasm_git.session import blocks, codec
from chasm_git.session.forgotten import DELETED
from chasm_git.session.header import alternatives
from chasm_git.session.model import Message, Session
from chasm_git.session.readable import display_title, first_line

_HEAD = re.compile(
    rb"id: [^\n]*"
    rb"(?:\n  after: [^\n]*)?"
    rb"\n  role: ([^\n]*)"
    rb"(?:\n  timestamp: ([^\n]*))?"
    rb"(?:\n  turn: ([^\n]*))?"
    rb"(?:\n  model: [^\n]*)?"
    rb"(?:\n  status: [^\n]*)?"
    rb"(\n  injected: true)?"
    rb"(\n  sidechain: true)?"
    rb"(\n  inactive: true)?"
    rb"(?:\n  file: ([^\n]*))?"
    rb"(\n  deleted: true)?"
)
_VARIANTS = b"\n  variants:"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of a session."""

    id: str
    provider: str
    title: str | None
    """As `readable.display_title`."""
    workspace: str | None
    created_at: str | None
    updated_at: str | None
    """Time of the latest message."""
    messages: int
    parent: str | None
    tags: tuple[str, ...]
    conflicts: bool
    """Whether a decision waits: a message has variants, a header key alternatives."""
    forgotten: bool = False
    """Whether the session was forgotten: a list leaves it out."""
    forked_from: str | None = None
    """Id of the session it branched off from."""


def summarize(data: bytes) -> Summary:
    """The summary of a session file. Raises CodecError where it cannot be read."""
    try:
        head, listed = blocks.split(data)
        return summarize_blocks(codec.loads_header(head), listed)
    except (codec.CodecError, ValueError):  # not in canonical form, by hand mostly: read it all
        head, listed = blocks.split(codec.dumps(codec.loads(data)))
        return summarize_blocks(codec.loads_header(head), listed)


def summarize_blocks(session: Session, listed: list[bytes]) -> Summary:
    """The summary of a header and message blocks (as `blocks.split` gives them).

    Raises CodecError, or ValueError where a message is not in canonical form.
    """
    title = session.title if session.title and session.title.strip() else None
    messages = 0
    latest = b""
    conflicts = any(alternatives(session).values())
    answers: set[tuple[bytes | bool | None, ...]] = set()
    for block in listed:
        found = _HEAD.match(block)
        if found is None:
            raise ValueError("a message is not in canonical form")
        role, timestamp, turn, injected, sidechain, inactive, file, deleted = found.groups()
        if timestamp is not None and timestamp > latest:
            latest = timestamp
        conflicts = conflicts or _VARIANTS in block
        if deleted or role in (b"event", b"tool"):
            continue
        if role == b"assistant" and turn is not None:
            key = (turn, sidechain, inactive, file)
            if key in answers:
                continue
            answers.add(key)
        elif role == b"user" and not injected:
            answers = {key for key in answers if key[1] != sidechain}
            if title is None and not sidechain:
                title = first_line(codec.loads_message(block))
        messages += 1
    return Summary(
        session.id,
        session.provider,
        title,
        session.workspace,
        session.created_at,
        blocks.text_of(latest) if latest else None,
        messages,
        session.parent,
        tuple(session.tags),
        conflicts,
        session.extra.get(DELETED) is True,
        session.forked_from,
    )


def summary_of(session: Session) -> Summary:
    """The summary of a session that is read already; the same as `summarize` makes of its file."""
    return Summary(
        session.id,
        session.provider,
        display_title(session),
        session.workspace,
        session.created_at,
        max((message.timestamp for message in session.messages if message.timestamp is not None), default=None),
        count_messages(session.messages),
        session.parent,
        tuple(session.tags),
        any(message.variants for message in session.messages) or any(alternatives(session).values()),
        session.extra.get(DELETED) is True,
        session.forked_from,
    )


def count_messages(messages: Iterable[Message]) -> int:
    """How many messages a list shows for a session that is read already; the same as `summarize` counts."""
    return sum(1 for _ in counted(messages))


def counted(messages: Iterable[Message]) -> Iterator[Message]:
    """The messages a list counts: one for each answer (its first record), none for bookkeeping and tool results."""
    answers: set[tuple[object, ...]] = set()
    for message in messages:
        if message.deleted or message.role in ("event", "tool"):
            continue
        if message.role == "assistant" and message.turn is not None:
            key = (message.turn, message.sidechain, message.inactive, message.file)
            if key in answers:
                continue
            answers.add(key)
        elif message.role == "user" and not message.injected:
            answers = {key for key in answers if key[1] != message.sidechain}
        yield message
