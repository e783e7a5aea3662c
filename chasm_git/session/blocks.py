"""A session file as bytes: split into messages without parsing, so that work follows the change and not the file.

Every message starts with ``- `` in column 0 and nothing else does, so a split is one search. A *block* is what stands
between two such marks: the message's lines without the mark and without the last line feed. Its first line is the id,
its second the anchor where it has one; what follows (its *body*) is the same wherever the message stands.
"""

from __future__ import annotations

from typing import NamedTuple

from chasm_git.session import jsonio

_MARK = b"\n- "
_START = b"\n- id:"
_LIST = b"\nmessages:"
_EMPTY = b"\nmessages: []\n"
_ANCHOR = b"\n  after: "
_TIME = b"  timestamp: "


def split(data: bytes) -> tuple[bytes, list[bytes]]:
    """The header (the lines above ``messages:``) and the message blocks of a file.

    Raises ValueError where there is no message list in canonical form.
    """
    # a mark with the id behind it is found several times faster than one that ends in a space
    at = data.find(_START)
    if at < 0 or not data.endswith(b"\n"):
        if data.endswith(_EMPTY):
            return data[: 1 - len(_EMPTY)], []
        raise ValueError("no message list" if at < 0 else "the last line has no line feed")
    if not data.endswith(_LIST, 0, at):
        raise ValueError("no message list")
    head = data[: at + 1 - len(_LIST)]
    find = data.find
    blocks = []
    following = find(_START, at + 1)
    while following >= 0:
        blocks.append(data[at + 3 : following])
        at = following
        following = find(_START, at + 1)
    blocks.append(data[at + 3 : -1])
    return head, blocks


def join(header: bytes, blocks: list[bytes]) -> bytes:
    """The file of a header and message blocks (as `split` gives them)."""
    if not blocks:
        return header + _EMPTY[1:]
    return header + _LIST[1:] + _MARK + _MARK.join(blocks) + b"\n"


class Block(NamedTuple):
    """One message as bytes. `id` and `after` are written as in the file (quoted where they have to be)."""

    id: bytes
    after: bytes | None
    body: bytes

    def placed(self, above: bytes | None) -> bytes:
        """The block as it stands below the message `above`."""
        if self.after == above:
            return b"id: %s\n%s" % (self.id, self.body)
        return b"id: %s%s%s\n%s" % (self.id, _ANCHOR, b"null" if self.after is None else self.after, self.body)

    def id_text(self) -> str:
        """The id itself."""
        return text_of(self.id)

    def after_text(self) -> str | None:
        """The anchor as the id it names."""
        return None if self.after is None else text_of(self.after)

    def sort_key(self) -> tuple[str, str]:
        """Orders siblings, as `order.ordered` does with messages: (timestamp, id)."""
        at = self.body.find(b"\n") + 1  # behind the role
        if not at or not self.body.startswith(_TIME, at):
            return "", text_of(self.id)
        end = self.body.find(b"\n", at)
        return text_of(self.body[at + len(_TIME) : end if end >= 0 else None]), text_of(self.id)


def text_of(written: bytes) -> str:
    """The text of a one-line scalar, plain or quoted."""
    return str(jsonio.loads(written)) if written[:1] == b'"' else written.decode()


def parse(blocks: list[bytes]) -> list[Block]:
    """The blocks of a file with their anchors resolved. Raises ValueError for a block without an id in first place."""
    parsed = []
    above: bytes | None = None
    for block in blocks:
        end = block.find(b"\n")
        if not block.startswith(b"id: "):
            raise ValueError("a message does not start with its id")
        identity = block[4:end]
        after = above
        if block.startswith(_ANCHOR, end):
            stop = block.find(b"\n", end + 10)
            after = block[end + 10 : stop]
            if after == b"null":
                after = None
            end = stop
        parsed.append(Block(identity, after, block[end + 1 :]))
        above = identity
    return parsed
