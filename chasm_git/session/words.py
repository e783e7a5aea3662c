"""A person's own words about a session: title, tags and notes, kept in its header.

They are what merges and harvests treat with most care (see `header`): a title a person gave beats every generated one,
a tag or a note stays until a person takes it away. Whoever edits the file by hand writes the same keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from chasm_git.session import blocks, codec, decided, encode, resolve
from chasm_git.session.header import NOTES, TITLE_BY, alternatives
from chasm_git.session.model import Session
from chasm_git.session.readable import notes_of

LONGEST_TAG = 100
LONGEST_TITLE = 1000

_USER = "user"
_SPACE = re.compile(r"\s+")


def edited(data: bytes, change: Callable[[Session], None]) -> bytes:
    """A session file with its header changed; the messages stay the bytes they are. Raises CodecError.

    Args:
        change: changes the session it is given, which has no messages.
    """
    try:
        head, listed = blocks.split(data)
        session = codec.loads_header(head)
    except (codec.CodecError, ValueError):  # not in canonical form: by hand, mostly
        session = codec.loads(data)
        listed = blocks.split(codec.dumps(session))[1]
    change(session)
    return blocks.join(encode.header(session), listed)


def clean_tag(text: str) -> str:
    """A tag as it is kept: blanks at its ends dropped, those within one each.

    Raises ValueError for what is none: empty, too long, with control characters, or with a sign or a comma where it
    would be read as something else.
    """
    tag = _SPACE.sub(" ", text.strip())
    if not tag:
        raise ValueError("a tag is not empty")
    if len(tag) > LONGEST_TAG:
        raise ValueError(f"a tag has at most {LONGEST_TAG} characters")
    if not tag.isprintable() or "," in tag or tag[0] in "+-":
        raise ValueError(f"{tag!r} is no tag: it begins with a sign, or holds a comma or a control character")
    return tag


def retag(session: Session, add: Iterable[str], remove: Iterable[str]) -> None:
    """Give a session tags, and take some away."""
    session.tags = sorted({*session.tags, *add} - set(remove))


def clean_title(text: str) -> str:
    """A title as it is kept, on one line. Raises ValueError for an empty one, or one that is too long."""
    title = _SPACE.sub(" ", text.strip())
    if not title or not any(char.isprintable() and not char.isspace() for char in title):
        raise ValueError("a title is not empty")
    if len(title) > LONGEST_TITLE:
        raise ValueError(f"a title has at most {LONGEST_TITLE} characters")
    return title


def retitle(session: Session, title: str | None, *, by_user: bool = True) -> None:
    """Give a session its title; that settles what a merge had left to decide about it.

    Args:
        title: None for none.
        by_user: whether it is a person's: then no provider's title takes its place.
    """
    before = _candidates(session, "title")
    session.title = title
    session.extra.pop(TITLE_BY, None)
    if by_user and title is not None:
        session.extra[TITLE_BY] = _USER
    _settle(session, "title", before)


def move(session: Session, workspace: str | None) -> None:
    """Say where a session belongs; that settles what a merge had left to decide about it."""
    before = _candidates(session, "workspace")
    session.workspace = workspace
    _settle(session, "workspace", before)


def note_of(session: Session) -> str:
    """A session's notes as one text."""
    return "\n\n".join(note.strip("\n") for note in notes_of(session))


def annotate(session: Session, note: str) -> None:
    """Put a text in the place of all notes; an empty one takes them away."""
    text = note.strip()
    if text:
        session.extra[NOTES] = text
    else:
        session.extra.pop(NOTES, None)


def _candidates(session: Session, key: str) -> list[bytes]:
    return [decided.data_of(session, key, value) for value in resolve.values(session, key) if value is not None]


def _settle(session: Session, key: str, before: list[bytes]) -> None:
    """Where others have a say in a key, write down that its value was decided for, and against those `before`."""
    if len(before) > 1 or key in alternatives(session) or key in decided.tables(session):
        now = decided.data_of(session, key, value) if (value := resolve.shown(session, key)) is not None else None
        resolve.note(session, key, now, before)
