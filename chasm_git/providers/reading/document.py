"""Sessions that are one JSON object with a list of messages in it, which the client writes anew on each change.

The list's items become messages, each with its record; the object without the list stands in the session's `native`::

    {"document": {…}        the object without the list (or the file's bytes, see `native.raw_line`)
     "messages_at": 3}      place of the list's key in it
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Message, Session
from chasm_git.session.native import Index, TooDeep, fold, kept_line, raw_line, record_line, unfold

BOM = b"\xef\xbb\xbf"


def load(data: bytes) -> dict[str, Any]:
    """The object of a file. Raises ValueError, with the reason, for anything else."""
    value = jsonio.loads(data.removeprefix(BOM))
    if type(value) is not dict:
        raise ValueError("not a JSON object")
    return value


def listed(value: dict[str, Any], key: str, path: Path, problems: list[Problem], *, fatal: bool = True) -> list[Any]:
    """The list at a key of a file's object; where something else says anything there, that is a problem."""
    found = value.get(key)
    if type(found) is list:
        return found
    if found:
        problems.append(Problem(str(path), f"{key!r} is no list: what it says cannot be read", fatal=fatal))
    return []


def not_understood(messages: list[Message], path: Path) -> list[Problem]:
    """What to say of a session without a conversation: nothing, unless all it holds is of kinds nobody knows."""
    if not messages or any(message.role != "event" for message in messages):
        return []
    count = "the only message" if len(messages) == 1 else f"none of {len(messages)} messages"
    said = "is not" if len(messages) == 1 else "is"
    return [Problem(str(path), f"{count} in it {said} of a kind that is known here")]


def kept(document: dict[str, Any], key: str, into: dict[str, bytes]) -> dict[str, Json]:
    """What `native` keeps of the object whose list stands at `key`; long texts go to `into`, the attachments."""
    rest = {name: value for name, value in document.items() if name != key}
    return {"document": folded(rest, into), "messages_at": [*document].index(key)}


def line_of(item: Any) -> bytes | None:
    """The ``line`` of `Builder.message` for an item of the list: null is an item, though it is no record."""
    return b"null" if item is None else None


def given_back(session: Session, key: str, load: Load) -> bytes:
    """The object a session was read from, in compact JSON. Raises KeyError where an attachment is missing."""
    native = session.native if type(session.native) is dict else {}
    rest = unfolded(native.get("document"), load)
    rest = rest if type(rest) is dict else {}
    pieces = [jsonio.dumps(name) + b":" + jsonio.dumps(value) for name, value in rest.items()]
    lines = [record_line(m, load) for m in session.messages if m.file is None and m.native is not None]
    at = native.get("messages_at")
    pieces.insert(at if type(at) is int else len(pieces), jsonio.dumps(key) + b":[" + b",".join(lines) + b"]")
    return b"{" + b",".join(pieces) + b"}"


def folded(value: Any, into: dict[str, bytes]) -> Json:
    """A value as `native` holds it: long texts in attachments, what looks like our own marks escaped."""
    try:
        return fold(value, Index(), into)
    except TooDeep:
        return raw_line(jsonio.dumps(value), into)


def unfolded(kept: Json, load: Load) -> Any:
    """The value that `folded` made `kept` of. Raises KeyError where an attachment is missing."""
    return unfold(Message("", "event", native=kept), load)


def kept_file(data: bytes, into: dict[str, bytes]) -> Json:
    """How `native` keeps a small file beside the session's own: by its JSON where that gives the bytes back."""
    try:
        value, exact = jsonio.loads_exact(data)
    except ValueError:
        exact = False
    return folded(value, into) if exact else raw_line(data, into)


def file_of(kept: Json, load: Load) -> bytes:
    """The bytes of a file that `kept_file` kept. Raises KeyError where an attachment is missing."""
    line = kept_line(kept, load)
    return line if line is not None else jsonio.dumps(unfolded(kept, load))


def value_of(data: bytes) -> dict[str, Any]:
    """The object in a small file that says something about a session; an empty one where there is none."""
    try:
        return load(data)
    except ValueError:
        return {}
