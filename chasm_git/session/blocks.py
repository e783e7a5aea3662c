"""A session file as bytes: split into messages without parsing, so that work follows the change and not the file.

Every message starts with ``- `` in column 0 and nothing else does, so a split is one search. The id and the anchor are
the first two lines of a block; what follows them (its *body*) is the same wherever the message stands.
"""

from __future__ import annotations

from typing import NamedTuple

from chasm_git.session import jsonio

_LIST = b"\nmessages:\n- "
_EMPTY = b"\nmessages: []\n"
_ANCHOR = b"\n  after: "


def split(data: bytes) -> tuple[bytes, list[bytes]]:
    """The header (up to ``messages:``) and the message blocks of a file; joined they are the file.

    Raises ValueError where there is no message list in canonical form.
    """
    start = data.find(_LIST)
    if start < 0:
        if data.endswith(_EMPTY):
            return data[: -len(_EMPTY) + 1], []
        raise ValueError("no message list")
    blocks = data[start + len(_LIST) :].split(b"\n- ")
    last = blocks.pop()
    if not last.endswith(b"\n"):
        raise ValueError("the last line has no line feed")
    made = [b"- %s\n" % block for block in blocks]
    made.append(b"- " + last)
    return data[: start + 1], made


def join(header: bytes, blocks: list[bytes]) -> bytes:
    """The file of a header and message blocks (as `split` gives them)."""
    if not blocks:
        return header + _EMPTY[1:]
    return b"".join((header, _LIST[1:-2], *blocks))


class Block(NamedTuple):
    """One message as bytes. `id` and `after` are written as in the file (quoted where they have to be)."""

    id: bytes
    after: bytes | None
    body: bytes

    def placed(self, above: bytes | None) -> bytes:
        """The block as it stands below the message `above`."""
        if self.after == above:
            return b"- id: %s\n%s" % (self.id, self.body)
        return b"- id: %s%s%s\n%s" % (self.id, _ANCHOR, b"null" if self.after is None else self.after, self.body)

    def after_text(self) -> str | None:
        """The anchor as the id it names."""
        if self.after is None:
            return None
        return str(jsonio.loads(self.after)) if self.after[:1] == b'"' else self.after.decode()

    @property
    def timestamp(self) -> bytes:
        """The timestamp as written, b"" without one."""
        at = self.body.find(b"\n  timestamp: ", 0, 2048)
        return self.body[at + 14 : self.body.find(b"\n", at + 14)] if at >= 0 else b""


def parse(blocks: list[bytes]) -> list[Block]:
    """The blocks of a file with their anchors resolved. Raises ValueError for a block without an id in first place."""
    parsed = []
    above: bytes | None = None
    for block in blocks:
        end = block.find(b"\n")
        if not block.startswith(b"- id: "):
            raise ValueError("a message does not start with its id")
        identity = block[6:end]
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
