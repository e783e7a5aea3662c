"""Large and binary values, kept beside the session files instead of in them.

An attachment is content-addressed: its name is ``<sha256>.<ext>``, its place ``attachments/<first two>/<name>``. In
the session stands a *reference object* in the place of the string it stands for::

    {"$attachment": "9f86d0….txt", "bytes": 70312, "preview": "first lines…"}      text, UTF-8
    {"$attachment": "9f86d0….png", "bytes": 52100, "encoding": "base64"}           binary; the string was its base64

The first key is always ``$attachment``. A provider's own dict that starts with a key of ours is escaped (`native`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chasm_git.session.model import Session

TEXT_LIMIT = 64 * 1024
"""UTF-8 bytes above which a text leaves the file."""

PREVIEW_CHARS = 600
PREVIEW_LINES = 8

Load = Callable[[str], bytes]
"""Gives the bytes of an attachment by its name; raises KeyError where it is missing."""

_EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
    "application/pdf": "pdf",
}


def path_of(name: str) -> str:
    """The place of attachment `name` in the archive's tree."""
    return f"attachments/{name[:2]}/{name}"


def is_reference(value: Any) -> bool:
    """Whether a JSON value stands for an attachment."""
    return type(value) is dict and next(iter(value), None) == "$attachment"


def store_text(text: str, into: dict[str, bytes]) -> dict[str, Any]:
    """Put a text among the attachments; returns the reference object that takes its place.

    Raises UnicodeEncodeError for text that UTF-8 cannot hold (lone surrogates): such text stays where it is.
    """
    data = text.encode()
    name = hashlib.sha256(data).hexdigest() + ".txt"
    into[name] = data
    preview = "\n".join(text[:PREVIEW_CHARS].split("\n")[:PREVIEW_LINES])
    return {"$attachment": name, "bytes": len(data), "preview": preview}


def store_base64(text: str, media_type: str | None, into: dict[str, bytes]) -> dict[str, Any] | None:
    """Put what `text` is the base64 of among the attachments; None where encoding does not give the text back."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if base64.b64encode(data).decode() != text:
        return None
    name = hashlib.sha256(data).hexdigest() + "." + _EXTENSIONS.get(media_type or "", "bin")
    into[name] = data
    return {"$attachment": name, "bytes": len(data), "encoding": "base64"}


def load_string(reference: dict[str, Any], load: Load) -> str:
    """The string a reference object stands for. Raises KeyError where the attachment is missing."""
    data = load(reference["$attachment"])
    if reference.get("encoding") == "base64":
        return base64.b64encode(data).decode()
    return data.decode()


def names_of(session: Session) -> set[str]:
    """Names of all attachments a session refers to, in whatever part of it."""
    values = [session.native, session.git, session.extra]
    for message in session.messages:
        values += (message.content, message.native, message.usage, message.variants, message.replaced, message.extra)
    return names_in(values)


def names_in(value: Any) -> set[str]:
    """Names of all attachments a JSON value refers to."""
    found: set[str] = set()
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            if is_reference(item):
                if type(item["$attachment"]) is str:
                    found.add(item["$attachment"])
                continue
            if "$escaped" in item and next(iter(item)) == "$escaped" and type(item["$escaped"]) is dict:
                item = item["$escaped"]  # a provider's own dict, which may look like a reference
            stack.extend(item.values())
        elif type(item) is list:
            stack.extend(item)
    return found
