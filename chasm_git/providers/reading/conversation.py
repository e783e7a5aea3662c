"""What readers of exports do at the end of each conversation, and with records that hold a prompt and its answer."""

from __future__ import annotations

from collections.abc import Iterable
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


class _Text(HTMLParser):
    """Collects what a person reads."""

    _BREAKS = frozenset({"p", "br", "div", "li", "tr", "pre", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._BREAKS:
            self.pieces.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BREAKS and tag not in ("br", "li"):
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def text_of_html(html: str) -> str:
    """The text of a piece of HTML."""
    pieces = [html]
    if "<" in html or "&" in html:
        parser = _Text()
        parser.feed(html)
        parser.close()
        pieces = parser.pieces
    lines = [line.rstrip() for line in "".join(pieces).split("\n")]
    made: list[str] = []
    for line in lines:
        if line or (made and made[-1]):
            made.append(line)
    return "\n".join(made).strip()
