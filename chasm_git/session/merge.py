"""Two versions of a session, merged: by messages, never by lines. Pure; works on bytes and parses only what differs.

`merge` is a join: the result does not depend on which side is ours, absence is never deletion, and what two sides
changed differently is kept twice (`join`), never marked with ``<<<<<<<``. Without a base nothing is lost either.
Canonical files give a canonical file; what a person made of a block that neither side touched stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chasm_git.session import blocks, codec, encode
from chasm_git.session.blocks import Block
from chasm_git.session.forgotten import is_forgotten, merge_forgotten
from chasm_git.session.header import Header, merge_headers
from chasm_git.session.join import join, join_three_way
from chasm_git.session.model import FORMAT_VERSION, Message
from chasm_git.session.order import arrange
from chasm_git.session.reread import reread

_KNOWN_FORMAT = b"chasm: %d\n" % FORMAT_VERSION
_DELETED = b"\n  deleted: true"


class Conflict(NamedTuple):
    """Something two sides changed differently."""

    kind: str
    """``edit`` (of a message both had), ``add`` (both added it, not the same), ``metadata`` (a key of the header):
    both values are kept. ``deletion``: one side forgot a message for good, the other one edited it; it stays
    forgotten. ``unread`` (see `unreadable`): a version that could not be read is kept whole in the header."""
    where: str
    """The message's id, or the key."""


class Merged:
    """The outcome of a merge."""

    __slots__ = ("conflicts", "data", "kept")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.conflicts: list[Conflict] = []
        self.kept: list[str] = []
        """Ids of messages whose shrunken copy from a provider was not taken (`absorb`)."""


class _NotCanonical(codec.CodecError):
    """A side has to be read as a whole."""


class _File:
    """One version: its header and its messages by id, as bytes."""

    __slots__ = ("header", "messages")

    def __init__(self, data: bytes, *, whole: bool = False) -> None:
        try:
            self._read(codec.dumps(codec.loads(data)) if whole else data)
        except codec.CodecError:
            raise
        except ValueError:
            if whole:
                raise
            self._read(codec.dumps(codec.loads(data)))

    def _read(self, data: bytes) -> None:
        self.header, listed = blocks.split(data)
        if not self.header.startswith(_KNOWN_FORMAT):
            codec.loads_header(self.header)  # raises what there is to say
        parsed = blocks.parse(listed)
        self.messages = {block.id: block for block in parsed}
        if len(self.messages) != len(parsed):
            raise ValueError("a message stands twice")


def merge(base: bytes | None, ours: bytes, theirs: bytes) -> Merged:
    """Merge two versions of one session file.

    Args:
        base: what both come from; None or b"" where there is none.
        ours, theirs: either order gives the same bytes.

    Returns:
        Canonical bytes, and the conflicts they hold that the sides did not hold already.

    Raises:
        CodecError: a side cannot be read, or they are two different sessions.
    """
    if ours == theirs or (base and base == theirs):
        return Merged(ours)
    if base and base == ours:
        return Merged(theirs)
    return _merge(base, ours, theirs, provider=False)


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
    return _merge(base, archived, fresh, provider=True)


def join_copies(messages: Iterable[Message]) -> list[Message]:
    """Messages of one file with doubled ids joined; each stands where its first copy stood."""
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.id, []).append(message)
    made = []
    for copies in groups.values():
        message = join(copies) if len(copies) > 1 else copies[0]
        message.after = copies[0].after  # the others' anchors are but the lines they happen to stand below
        made.append(message)
    return made


def _merge(base: bytes | None, ours: bytes, theirs: bytes, *, provider: bool) -> Merged:
    if provider and is_forgotten(ours):
        return Merged(ours)
    gone = merge_forgotten(ours, theirs)
    if gone is not None:
        return Merged(gone)
    try:
        try:
            return _Merge(_base(base), _File(ours), _File(theirs), provider).run()
        except ValueError as error:
            if isinstance(error, codec.CodecError) and not isinstance(error, _NotCanonical):
                raise
            # what bytes alone did not show: a message in another form, or one that is none (reading it says so)
            sides = _File(ours, whole=True), _File(theirs, whole=True)
            return _Merge(_base(base, whole=True), *sides, provider).run()
    except RecursionError:
        raise codec.CodecError("nested too deeply") from None


def _base(data: bytes | None, *, whole: bool = False) -> _File | None:
    """The base; one that cannot be read is none: no base loses nothing."""
    if not data:
        return None
    try:
        return _File(data, whole=whole)
    except codec.CodecError:
        return None


class _Merge:
    """One merge at work."""

    def __init__(self, base: _File | None, ours: _File, theirs: _File, provider: bool) -> None:
        self._ours, self._theirs = ours, theirs
        self._provider = provider
        self._result = Merged(b"")
        self._header = self._merged_header(base)
        self._before: Mapping[bytes, Block] = base.messages if base is not None else {}

    def run(self) -> Merged:
        """Merge message by message."""
        made: dict[bytes, Block] = {}
        ours, theirs = self._ours.messages, self._theirs.messages
        for identity, mine in ours.items():
            its = theirs.get(identity)
            if its is None:
                made[identity] = self._alone(mine)
            elif mine == its:
                made[identity] = mine
            else:
                made[identity] = self._both(mine, its)
        for identity, its in theirs.items():
            if identity not in ours:
                made[identity] = self._alone(its)
        self._result.conflicts.sort()
        self._result.data = blocks.join(self._header, _placed(made))
        return self._result

    def _merged_header(self, base: _File | None) -> bytes:
        ours = Header.parse(self._ours.header)
        if self._ours.header == self._theirs.header:
            return ours.data
        theirs = Header.parse(self._theirs.header)
        one, other = ours.session, theirs.session
        if (one.provider, one.id) != (other.provider, other.id):
            names = " and ".join(sorted(f"{side.provider} {side.id}" for side in (one, other)))
            raise codec.CodecError(f"two different sessions: {names}")
        before = Header.parse(base.header) if base is not None else None
        header, clashes = merge_headers(before, ours, theirs, provider=self._provider)
        self._result.conflicts += [Conflict("metadata", name) for name in clashes]
        return header.data

    def _alone(self, block: Block) -> Block:
        """A message that only one side has: added there, or gone from the other."""
        if self._before.get(block.id) != block:
            self._check(block)
        return block

    def _both(self, mine: Block, its: Block) -> Block:
        """A message whose copies differ."""
        before = self._before.get(mine.id)
        for block in (mine, its):
            if block != before:
                self._check(block)
        body = mine.body if mine.body == its.body else self._body(before, mine, its)
        return Block(mine.id, _anchor(before, mine, its, self._provider), body)

    def _check(self, block: Block) -> None:
        """Have a file read as a whole where this block is not written as we write it.

        What a harvest brings is: there only the ids are looked at, which tell messages apart.
        """
        for written, text in ((block.id, block.id_text()), (block.after, block.after_text())):
            if text is not None and encode.scalar_value(text) != written:
                raise _NotCanonical("an id is written in another way")
        if not self._provider and encode.body(_message(block)) != block.body:
            raise _NotCanonical("a message is written in another way")

    def _body(self, before: Block | None, mine: Block, its: Block) -> bytes:
        if before is not None and _DELETED not in before.body:
            if before.body == its.body:
                return mine.body
            if before.body == mine.body and not self._provider:
                return its.body
        known = _message(before) if before is not None else None
        ours, theirs = _message(mine), _message(its)
        if self._provider:
            message, was_cut, is_conflict = reread(known, ours, theirs)
            if was_cut:
                self._result.kept.append(message.id)
        else:
            message, is_conflict = join_three_way(known, ours, theirs)
        if is_conflict:
            self._result.conflicts.append(Conflict("add" if known is None else "edit", message.id))
        elif not self._provider and known is not None and not known.deleted and ours.deleted != theirs.deleted:
            self._result.conflicts.append(Conflict("deletion", message.id))
        return encode.body(message)


def _message(block: Block) -> Message:
    try:
        return codec.loads_message(block.placed(block.after), block.after_text())
    except codec.CodecError as error:
        raise _NotCanonical(error.reason) from None


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


def _placed(messages: dict[bytes, Block]) -> list[bytes]:
    """The messages in their order, each as it stands below the one above."""
    anchors = {identity: block.after for identity, block in messages.items()}
    order = arrange(anchors, lambda identity: messages[identity].sort_key())
    above: bytes | None = None
    placed = []
    for identity in order:
        placed.append(messages[identity].placed(above))
        above = identity
    return placed
