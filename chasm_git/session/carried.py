"""A session carried along in an export that shows it another way, so that an import gives the very same session back.

The universal form, and Markdown, leave out what only machines care for: the provider's records (`native`), bookkeeping
records, what belongs to which record of an answer (`turn`, `after`, `file`, `usage` of each), the parts within tool
results, and the bodies a merge or a rewrite replaced. An export therefore carries the session file itself, and the
attachments it names, as one text: base64 of deflated JSON ``{"format": 1, "session": …, "attachments": {name: …}}``.

In JSON it stands at the key `KEY`; in Markdown in a comment at the end, with the hash of the text above it, so that it
shows where somebody edited that text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from typing import NamedTuple

from chasm_git.session import attachments, codec, jsonio
from chasm_git.session.model import Json, Session

KEY = "chasm"
LARGEST = 1 << 30
"""Bytes of a carried session that are unpacked."""

_FORMAT = 1
_WIDTH = 120
_COMMENT = re.compile(
    rb"\n<!-- chasm-session (?:sha256:(?P<digest>[0-9a-f]{64}))?\r?\n(?P<data>[A-Za-z0-9+/=\s]+)-->\s*\Z"
)


class Carried(NamedTuple):
    """What an export carried."""

    session: Session
    attachments: dict[str, bytes]
    is_edited: bool = False
    """Whether the text that shows it was changed after the export."""


class CarriedError(ValueError):
    """What stands where a session should be carried is none; ``str(error)`` says why."""


def pack(session: Session, load: attachments.Load | None) -> str:
    """A session as the text an export carries.

    Args:
        load: gives its attachments, those that are missing are left out; None for none.
    """
    held = {}
    if load is not None:
        for name in sorted(attachments.names_of(session)):
            try:
                held[name] = base64.b64encode(load(name)).decode()
            except KeyError:
                continue  # `verify` names what is missing
    value = {"format": _FORMAT, "session": codec.dumps(session).decode(), "attachments": held}
    return base64.b64encode(zlib.compress(jsonio.dumps(value), 9)).decode()


def unpack(text: str | bytes) -> Carried:
    """The session an export carried. Raises CarriedError."""
    try:
        packed = base64.b64decode(text, validate=True)
        inflater = zlib.decompressobj()
        data = inflater.decompress(packed, LARGEST)
        if inflater.unconsumed_tail or not inflater.eof:
            raise CarriedError("the carried session is cut, or larger than any")
        value = jsonio.loads(data)
        if type(value) is not dict or type(value.get("session")) is not str:
            raise CarriedError("what it carries is no session")
        if type(value.get("format")) is not int or value["format"] > _FORMAT:
            raise CarriedError("written by a newer version of chasm-git")
        return Carried(codec.loads(value["session"].encode()), _attachments(value.get("attachments")))
    except CarriedError:
        raise
    except (binascii.Error, zlib.error, ValueError) as error:
        raise CarriedError(f"the carried session is damaged: {error}") from error


def _attachments(held: Json) -> dict[str, bytes]:
    found = {}
    for name, text in held.items() if type(held) is dict else ():
        data = base64.b64decode(text, validate=True) if type(text) is str else b""
        if name.partition(".")[0] != hashlib.sha256(data).hexdigest():
            raise CarriedError(f"the attachment {name} is not what its name says")
        found[name] = data
    return found


def as_value(session: Session, load: attachments.Load | None) -> dict[str, Json]:
    """What stands at `KEY` of a JSON export."""
    return {"format": _FORMAT, "carried": pack(session, load)}


def from_value(value: Json) -> Carried | None:
    """The session at `KEY` of a JSON value; None where there is none. Raises CarriedError."""
    held = value.get(KEY) if type(value) is dict else None
    if type(held) is not dict or type(held.get("carried")) is not str:
        return None
    return unpack(held["carried"])


def with_comment(text: bytes, session: Session, load: attachments.Load | None) -> bytes:
    """A Markdown text with the session it shows in a comment at its end."""
    packed = pack(session, load)
    lines = "\n".join(packed[at : at + _WIDTH] for at in range(0, len(packed), _WIDTH))
    return text + f"\n<!-- chasm-session sha256:{_digest(text)}\n{lines}\n-->\n".encode()


def from_markdown(data: bytes) -> Carried | None:
    """The session in the comment at the end of a Markdown text; None where there is none. Raises CarriedError."""
    found = _COMMENT.search(data)
    if found is None:
        return None
    carried = unpack(b"".join(found["data"].split()))
    digest = found["digest"]
    is_edited = digest is not None and digest.decode() != _digest(data[: found.start()])
    return carried._replace(is_edited=is_edited)


def _digest(text: bytes) -> str:
    # what editors and transports do to line ends is no edit
    return hashlib.sha256(text.replace(b"\r\n", b"\n").rstrip()).hexdigest()
