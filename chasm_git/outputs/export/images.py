"""The images of a session: as data, to stand in a page, for nothing may be fetched; or where they lie beside it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from chasm_git.session.attachments import Load, is_reference
from chasm_git.session.model import Json, Session
from chasm_git.session.readable import name_of

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


class Images:
    """Gives the images of a session by the names the universal form calls them by."""

    def __init__(self, session: Session, load: Load | None) -> None:
        self._load = load
        self._found: dict[str, list[Json]] = {}
        for message in session.messages:
            if not message.deleted:
                self._collect(message.parts())

    def _collect(self, parts: Iterable[Json]) -> None:
        for part in parts:
            if type(part) is not dict:
                continue
            if part.get("type") == "image":
                listed = self._found.setdefault(name_of(part), [])
                if part.get("data") not in listed:
                    listed.append(part.get("data"))
            elif type(part.get("content")) is list:
                self._collect(part["content"])

    def url(self, name: str) -> str | None:
        """The ``data:`` URL of an image; None where it is not there, or no image a page shows as one.

        Of several with one name each is given once, in the order of the session.
        """
        listed = self._found.get(name)
        return self.address(listed.pop(0) if len(listed) > 1 else listed[0]) if listed else None

    def address(self, stored: Json) -> str | None:
        """The same for what a session holds as the data of an image."""
        data = self._bytes(stored)
        found = media_type(data)
        return f"data:{found};base64,{base64.b64encode(data).decode()}" if found is not None else None

    def attachment(self, name: str) -> str | None:
        """The attachment an image is; None where it is none. Of several with one name as for `url`."""
        listed = self._found.get(name)
        if not listed:
            return None
        data = listed.pop(0) if len(listed) > 1 else listed[0]
        return str(data["$attachment"]) if is_reference(data) else None

    def _bytes(self, data: Json) -> bytes:
        try:
            if is_reference(data):
                return self._load(data["$attachment"]) if self._load is not None else b""
            return base64.b64decode(data) if isinstance(data, str) else b""
        except (KeyError, binascii.Error, ValueError):
            return b""  # its name is shown


def media_type(data: bytes) -> str | None:
    """What kind of image it is, None for none a page shows.

    By its first bytes: what a session says of it is anybody's word.
    """
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
