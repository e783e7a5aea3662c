"""Two versions of a session, merged: by messages, never by lines. Pure; works on bytes and parses only what differs.

`merge` is a join: the result does not depend on which side is ours, absence is never deletion, and what two sides
changed differently is kept twice (`join`), never marked with ``<<<<<<<``. Without a base nothing is lost either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from chasm_git.session import blocks, codec, encode
from chasm_git.session.blocks import Block
from chasm_git.session.header import Header, merge_headers
from chasm_git.session.join import Body, dominates, join
from chasm_git.session.model import Message
from chasm_git.session.order import arrange


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something two sides changed differently; both are kept."""

    kind: str
    """``edit`` (a message) or ``metadata`` (a key of the header)."""
    where: str
    """The message's id, or the key."""


@dataclass(slots=True)
class Merged:
    """The outcome of a merge."""

    data: bytes
    conflicts: list[Conflict] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Ids of messages whose shrunken copy from a provider was not taken (`absorb`)."""


@dataclass(slots=True)
class _File:
    header: Header
    messages: dict[bytes, Block]


def merge(base: bytes | None, ours: bytes, theirs: bytes) -> Merged:
    """Merge two versions of one session file.

    Args:
        base: what both come from; None or b"" where there is none.
        ours, theirs: either order gives the same bytes.

    Returns:
        Canonical bytes, and the conflicts they hold that the sides did not hold already.

    Raises:
        CodecError: a side cannot be read.
    """
    if ours == theirs or (base and base == theirs):
        return Merged(ours)
    if base and base == ours:
        return Merged(theirs)
    return _merge(_read(base) if base else None, _read(ours), _read(theirs), provider=False)


def absorb(base: bytes | None, archived: bytes, fresh: bytes) -> Merged:
    """Merge what a provider holds now into what the archive holds.

    As `merge`, but a provider's silence and shrinking change nothing: header keys it dropped stay, a body it cut down
    stays whole (named in `Merged.kept`), and a body it rewrote is kept in the message's `replaced`.

    Args:
        base: what the provider held at the last harvest.
        archived: the archive's version, with what people and other machines did to it.
        fresh: what the provider holds now.
    """
    if fresh == archived:
        return Merged(archived)
    return _merge(_read(base) if base else None, _read(archived), _read(fresh), provider=True)


def join_copies(messages: Iterable[Message]) -> list[Message]:
    """Messages of one file with doubled ids joined; each stands where its first copy stood."""
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.id, []).append(message)
    return [join(copies) if len(copies) > 1 else copies[0] for copies in groups.values()]


def _read(data: bytes) -> _File:
    for attempt in (data, None):
        try:
            # only a file that is no canonical one is decoded as a whole
            head, listed = blocks.split(data if attempt is not None else encode.dumps(codec.loads(data)))
            parsed = blocks.parse(listed)
        except codec.CodecError:
            raise
        except ValueError:
            continue
        messages = {block.id: block for block in parsed}
        if len(messages) == len(parsed):
            return _File(Header.parse(head), messages)
    raise codec.CodecError("messages cannot be told apart")


def _merge(base: _File | None, ours: _File, theirs: _File, *, provider: bool) -> Merged:
    result = Merged(b"")
    header, clashes = merge_headers(base.header if base else None, ours.header, theirs.header, provider=provider)
    result.conflicts += [Conflict("metadata", name) for name in clashes]
    base_messages = base.messages if base else {}
    made: dict[bytes, Block] = {}
    for identity in {**ours.messages, **theirs.messages}:
        mine, its = ours.messages.get(identity), theirs.messages.get(identity)
        if mine is None or its is None:
            made[identity] = mine or its  # type: ignore[assignment]
            continue
        before = base_messages.get(identity)
        body = mine.body if mine.body == its.body else _body(before, mine, its, provider, result)
        made[identity] = Block(identity, _anchor(before, mine, its, provider), body)
    result.data = blocks.join(header.data, _placed(made))
    return result


def _placed(messages: dict[bytes, Block]) -> list[bytes]:
    anchors = {identity: block.after for identity, block in messages.items()}
    order = arrange(anchors, lambda identity: messages[identity].sort_key())
    above: bytes | None = None
    placed = []
    for identity in order:
        placed.append(messages[identity].placed(above))
        above = identity
    return placed


def _anchor(before: Block | None, mine: Block, its: Block, provider: bool) -> bytes | None:
    """The anchor of first harvest: a provider that lost what was above a message does not move it."""
    if mine.after == its.after:
        return mine.after
    if provider and mine.after is not None:
        return mine.after
    if before is not None and not provider:
        if its.after == before.after:
            return mine.after
        if mine.after == before.after:
            return its.after
    return min(block.after for block in (mine, its) if block.after is not None)


def _body(before: Block | None, mine: Block, its: Block, provider: bool, result: Merged) -> bytes:
    """The body of a message whose copies differ."""
    if before is not None and before.body == its.body:
        return mine.body
    if before is not None and before.body == mine.body and not provider:
        return its.body
    ours, theirs = _decode(mine), _decode(its)
    if provider and (before is None or Body(_decode(before)).data == Body(ours).data):
        return _rewritten(ours, theirs, result)
    # a base that one side still shows was changed by the other one knowingly
    superseded = [Body(_decode(before))] if before is not None else []
    joined = join((ours, theirs), superseded)
    known = max(len(ours.variants), len(theirs.variants))
    if len(joined.variants) > known:
        result.conflicts.append(Conflict("edit", joined.id))
    return encode.body(joined)


def _rewritten(archived: Message, fresh: Message, result: Merged) -> bytes:
    """A message the provider changed and nobody else did: growth is taken, a cut refused, an edit taken with a copy."""
    old, new = Body(archived), Body(fresh)
    fresh.variants, fresh.replaced = archived.variants, archived.replaced
    if not archived.deleted and _differ_in_place_only(old.message, new.message):
        return encode.body(fresh)
    if archived.deleted or dominates(old, new):
        result.kept.append(archived.id)
        return encode.body(archived)
    if not dominates(new, old) and new.data != old.data:
        kept = {Body(archived).data: old.value()}
        fresh.replaced = [*archived.replaced, *(value for value in kept.values() if value not in archived.replaced)]
    return encode.body(fresh)


def _differ_in_place_only(one: Message, other: Message) -> bool:
    """Whether two bodies are one but for the branch they stand on, which is the provider's to say."""
    return all(getattr(one, name) == getattr(other, name) for name in Message.__slots__ if name != "inactive")


def _decode(block: Block) -> Message:
    return codec.loads_message(block.placed(block.after), block.after_text())
