"""Meetings that chance seldom arranges: two versions each, and what they come from."""

from chasm_git.session import codec
from chasm_git.session.model import Message, Session


def said(content="", role="user", **fields):
    """One message, as its file."""
    return codec.dumps(Session("s", "codex", messages=[Message("a", role, content=content, **fields)]))


def headed(title=None, **extra):
    """A header, as its file."""
    return codec.dumps(Session("s", "codex", title=title, extra=extra))


def body(content):
    return {"role": "user", "content": content}


_MERGES = [
    (None, said(role="event", native={"l": [1], "m": "more"}), said(role="event", native={"l": [1, 2]})),
    (None, said("y"), said("xy")),
    (None, said("ab", extra={"new": 1}), said("abc")),
    (None, said("It is", "assistant", status="partial"), said("It", "assistant")),
    (said("q"), said("x", replaced=[body("q")]), said("z", replaced=[body("q"), body("x")])),
    (said("q"), said("x"), said("z", variants=[body("q")])),
    (None, headed(notes="t"), headed(notes="t1")),
    (None, headed(zoom=1), headed(zoom=2, decided={"zoom": [{"value": 1, "over": True}]})),
    (headed("t"), headed("mine", title_by="user"), headed("generated")),
]
_HARVESTS = [
    (headed("t", zoom=1), headed("t", zoom=1, notes="n"), headed()),
    (said("first"), said("other", replaced=[body("first")]), said("first")),
    (said("a"), said("a"), said("ab")),
    (said("a", native={"k": 1, "l": 2}), said("a", native={"k": 1, "l": 2}), said("a", native={"k": 1})),
]

MERGES = [(base, ours, theirs, ours) for base, ours, theirs in _MERGES]
MERGES.append((headed("t2"), headed("t"), headed(), headed("t2", alternatives={"title": ["t1"]})))
HARVESTS = [(base, archived, archived, fresh) for base, archived, fresh in _HARVESTS]
