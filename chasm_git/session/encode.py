"""Sessions to canonical bytes. One value has one form; see FORMAT.md for the rules and `decode` for the way back."""

from __future__ import annotations

import re
from typing import Any

from chasm_git.session import jsonio
from chasm_git.session.blocks import join
from chasm_git.session.model import FORMAT_VERSION, Message, Session
from chasm_git.session.order import ordered
from chasm_git.session.scalars import is_long_key, key, literal, one_line, quoted, scalar

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_FLAGS = ("injected", "sidechain", "inactive")


def dumps(session: Session) -> bytes:
    """The session file of a session: header, then its messages in their derived order.

    Raises ValueError for values JSON cannot hold (NaN, integers beyond 64 bits, keys that are no strings).
    """
    made = []
    above: str | None = None
    for message in ordered(session.messages):
        made.append(block(message, above))
        above = message.id
    return join(header(session), made)


def header(session: Session) -> bytes:
    """Everything above ``messages:``."""
    out: list[bytes] = [b"chasm: %d\n" % FORMAT_VERSION]
    fields: dict[str, Any] = {
        "id": session.id,
        "provider": session.provider,
        "title": session.title,
        "workspace": session.workspace,
        "created_at": session.created_at,
        "parent": session.parent,
        "forked_from": session.forked_from,
        "git": session.git,
        "tags": sorted(set(session.tags)) or None,
        "native": session.native,
    }
    for name, value in fields.items():
        if value is not None:
            _entry(out, key(name), value, b"", b"  ")
    for name in sorted(session.extra):
        _item(out, name, session.extra[name], b"", b"", b"  ")
    return b"".join(out)


def block(message: Message, above: str | None) -> bytes:
    """The block (see `blocks`) of a message that stands below the message `above` (None: the first one)."""
    out = [b"id: ", scalar_value(message.id), b"\n"]
    if message.after != above:
        out += (b"  after: ", b"null" if message.after is None else scalar_value(message.after), b"\n")
    out.append(body(message))
    return b"".join(out)


def body(message: Message) -> bytes:
    """The lines of a message below its id and anchor, without the last line feed: the same wherever it stands."""
    out = [b"  role: ", scalar_value(message.role), b"\n"]
    if message.timestamp is not None:
        out += (b"  timestamp: ", _time(message.timestamp), b"\n")
    if message.turn is not None:
        out += (b"  turn: ", scalar_value(message.turn), b"\n")
    if message.model is not None:
        out += (b"  model: ", scalar_value(message.model), b"\n")
    if message.status is not None:
        out += (b"  status: ", scalar_value(message.status), b"\n")
    out += [b"  %s: true\n" % name.encode() for name in _FLAGS if getattr(message, name)]
    if message.file is not None:
        out += (b"  file: ", scalar_value(message.file), b"\n")
    if message.deleted:
        out.append(b"  deleted: true\n")
    if message.content != "":
        _entry(out, b"  content:", message.content, b"  ", b"  ")
    if message.usage is not None:
        _entry(out, b"  usage:", message.usage, b"  ", b"  ")
    for name in sorted(message.extra):
        _item(out, name, message.extra[name], b"  ", b"  ", b"  ")
    if message.native is not None:
        _entry(out, b"  native:", message.native, b"  ", b"  ")
    if message.variants:
        _entry(out, b"  variants:", message.variants, b"  ", b"  ")
    if message.replaced:
        _entry(out, b"  replaced:", message.replaced, b"  ", b"  ")
    return b"".join(out)[:-1]


def _time(text: str) -> bytes:
    return b'"%s"' % text.encode() if _TIME.fullmatch(text) else scalar_value(text)


def scalar_value(text: str) -> bytes:
    """An id, a role, a model: always on its line, line feeds as escapes."""
    return scalar(text) if "\n" not in text else quoted(text)


def _entry(out: list[bytes], name: bytes, value: Any, pad: bytes, list_pad: bytes) -> None:
    """Write ``name`` and its value. `pad` is the column of the map, `list_pad` that of a list below it."""
    kind = type(value)
    if kind is str:
        if "\n" in value:
            held = literal(value, pad + b"  ")
            if held is not None:
                out += (name, b" ", held[0], b"\n", held[1], b"\n")
                return
            out += (name, b" ", quoted(value), b"\n")
            return
        out += (name, b" ", scalar(value), b"\n")
        return
    if kind is dict or kind is list:
        line = one_line(value)
        if line is not None:
            out += (name, b" ", line, b"\n")
        elif kind is dict:
            out += (name, b"\n")
            _map(out, value, pad + b"  ", pad + b"  ")
        else:
            out += (name, b"\n")
            _list(out, value, list_pad, list_pad)
        return
    out += (name, b" ", jsonio.dumps(value), b"\n")


def _map(out: list[bytes], value: dict[str, Any], pad: bytes, lead: bytes) -> None:
    """A map in block style at column `pad`; `lead` stands before its first key (the list marks it is the item of)."""
    for name, item in value.items():
        _item(out, name, item, lead, pad, pad)
        lead = pad


def _item(out: list[bytes], name: str, value: Any, lead: bytes, pad: bytes, list_pad: bytes) -> None:
    """One key of a map at column `pad`, with any name."""
    if is_long_key(name):
        out += (lead, b"? ", quoted(name), b"\n")
        _entry(out, pad + b":", value, pad, list_pad)
    else:
        _entry(out, lead + key(name), value, pad, list_pad)


def _list(out: list[bytes], value: list[Any], pad: bytes, lead: bytes) -> None:
    """A list in block style at column `pad`."""
    inner = pad + b"  "
    for item in value:
        kind = type(item)
        if kind is dict or kind is list:
            line = one_line(item)
            if line is not None:
                out += (lead, b"- ", line, b"\n")
            elif kind is dict:
                _map(out, item, inner, lead + b"- ")
            else:
                _list(out, item, inner, lead + b"- ")
        else:
            _entry(out, lead + b"-", item, pad, pad)
        lead = pad
