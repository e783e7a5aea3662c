"""What readers of exports do at the end of each conversation, and with records that hold a prompt and its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from html.parser import HTMLParser
from typing import Any

from chasm_git.providers.base import Problem, Reading
from chasm_git.providers.reading import document
from chasm_git.providers.reading.values import as_dict
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Session
from chasm_git.session.native import unfold


def finished(session: Session, builder: Builder, native: Json, problems: Iterable[Problem] = ()) -> Reading:
    """The reading of one conversation; without a session where nobody said anything in it."""
    if not any(message.role != "event" for message in builder.messages):
        return Reading(problems=list(problems))
    session.messages = builder.messages
    session.native = native
    times = (message.timestamp for message in session.messages)
    session.created_at = session.created_at or next((time for time in times if time is not None), None)
    return Reading([session], builder.attachments, list(problems))


def records_of(session: Session, load: Load) -> list[Any]:
    """The records a session's messages were made from. Raises KeyError where an attachment is missing."""
    return [unfold(message, load) for message in session.messages if message.native is not None]


def kept(value: dict[str, Any], key: str, into: dict[str, bytes]) -> dict[str, Json]:
    """As `document.kept`, with the key."""
    return document.kept(value, key, into) | {"list": key}


def given_back(session: Session, load: Load) -> bytes:
    """The object of `kept`, or the bare list of records, in compact JSON."""
    key = as_dict(session.native).get("list")
    return document.given_back(session, key, load) if type(key) is str else jsonio.dumps(records_of(session, load))


_TAG = re.compile(r'<(?:/([a-z]+[1-6]?)|([a-z]+[1-6]?)(?: [a-z-]+="[^"<>]*")*(?: ?/)?)>')
_BLANK_LINES = re.compile(r"\n{3,}")
_BREAKS = frozenset({"p", "br", "div", "li", "tr", "pre", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"})
_INLINE = frozenset({"a", "b", "code", "em", "i", "img", "span", "strong", "sub", "sup", "td", "th", "u"})


def _pieces_of(html: str) -> list[str] | None:
    """The text of HTML in pieces; None for any but the simplest, which only the parser reads."""
    pieces: list[str] = []
    at = 0
    for tag in _TAG.finditer(html):
        pieces.append(html[at : tag.start()])
        at = tag.end()
        closing, name = tag[1], tag[1] or tag[2]
        if name in _BREAKS:
            if closing is None:
                pieces.append("\n- " if name == "li" else "\n")
            if (closing or tag[0].endswith("/>")) and name not in ("br", "li"):
                pieces.append("\n")
        elif name not in _INLINE:
            return None
    pieces.append(html[at:])
    if any("<" in piece for piece in pieces):
        return None
    return [unescape(piece) for piece in pieces] if "&" in html else pieces


class _Text(HTMLParser):
    """Collects what a person reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.pieces.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS and tag not in ("br", "li"):
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def text_of_html(html: str) -> str:
    """The text of a piece of HTML."""
    pieces = _pieces_of(html) if "<" in html or "&" in html else [html]
    if pieces is None:
        parser = _Text()
        parser.feed(html)
        parser.close()
        pieces = parser.pieces
    lines = "\n".join(map(str.rstrip, "".join(pieces).split("\n")))
    return _BLANK_LINES.sub("\n\n", lines).strip()
