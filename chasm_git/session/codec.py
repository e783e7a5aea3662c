"""Session files: the one door. `dumps` writes canonical bytes, `loads` reads them (and any YAML a person made of them).

Fast path and reference path give the same value; property tests hold them to it.
"""

from __future__ import annotations

from typing import Any

from chasm_git.session.blocks import split
from chasm_git.session.decode import NotCanonical, block_fields, mapping
from chasm_git.session.encode import dumps
from chasm_git.session.model import FORMAT_VERSION, Message, Session

__all__ = ["CodecError", "dumps", "is_canonical", "loads", "loads_header", "loads_message", "split"]

_TEXT_FIELDS = ("title", "workspace", "created_at", "parent", "forked_from")
_MESSAGE_TEXTS = ("timestamp", "turn", "model", "status", "file")
_MESSAGE_FLAGS = ("injected", "sidechain", "inactive", "deleted")
_MESSAGE_LISTS = ("variants", "replaced")
_MARK = b"<<<<<<< "


class CodecError(ValueError):
    """A session file that cannot be read; ``str(error)`` names the place and the reason."""

    def __init__(self, reason: str, line: int | None = None, column: int | None = None) -> None:
        place = "" if line is None else f"line {line}, column {column}: " if column is not None else f"line {line}: "
        super().__init__(place + reason)
        self.reason = reason
        self.line = line
        self.column = column


def loads(data: bytes) -> Session:
    """The session of a file. Raises CodecError.

    A message id that stands twice (a line-wise merge does that) is joined as two copies of one message are.
    """
    try:
        head, blocks = split(data)
        fields = _header_fields(head)
        messages = []
        above: str | None = None
        for block in blocks:
            message = message_of(block_fields(block), above)
            messages.append(message)
            above = message.id
    except (NotCanonical, ValueError, IndexError, RecursionError):
        return _loads_reference(data)
    return _joined(_session(fields, messages))


def loads_header(head: bytes) -> Session:
    """The session of a header alone (as `split` gives it), without messages. Raises CodecError."""
    try:
        return _session(_header_fields(head), [])
    except (NotCanonical, ValueError, IndexError, RecursionError):
        return _loads_reference(head + b"messages: []\n")


def loads_message(block: bytes, above: str | None = None) -> Message:
    """The message of one block (as `split` gives it). Raises CodecError where it is not in canonical form."""
    try:
        return message_of(block_fields(block), above)
    except (NotCanonical, ValueError, IndexError, RecursionError) as error:
        raise CodecError(str(error)) from None


def is_canonical(data: bytes) -> bool:
    """Whether a file reads, and is byte for byte what `dumps` writes."""
    try:
        return dumps(loads(data)) == data
    except ValueError:
        return False


def _header_fields(head: bytes) -> dict[str, Any]:
    fields, end = mapping(head, 0, 0)
    if end != len(head):
        raise NotCanonical("header")
    return fields


def _session(fields: dict[str, Any], messages: list[Message]) -> Session:
    version = fields.pop("chasm", None)
    if type(version) is not int:
        raise CodecError("not a session file: it does not say `chasm: 1`", 1)
    if version > FORMAT_VERSION:
        raise CodecError(
            f"written in format {version} by a newer version of chasm-git; this one reads {FORMAT_VERSION}", 1
        )
    identity, provider = fields.pop("id", None), fields.pop("provider", None)
    if type(identity) is not str or type(provider) is not str:
        raise CodecError("a session has an `id` and a `provider`, both text")
    made = Session(identity, provider, messages=messages)
    for name in _TEXT_FIELDS:
        value = fields.pop(name, None)
        if value is not None:
            setattr(made, name, _text(value, name))
    git = fields.pop("git", None)
    if git is not None:
        if type(git) is not dict:
            raise CodecError("`git` is a map")
        made.git = git
    tags = fields.pop("tags", None)
    if tags is not None:
        if type(tags) is not list or not all(type(tag) is str for tag in tags):
            raise CodecError("`tags` is a list of texts")
        made.tags = sorted(set(tags))
    made.native = fields.pop("native", None)
    made.extra = fields
    return made


def message_of(fields: dict[str, Any], above: str | None) -> Message:
    """The message of its fields by their names in the file (the dict is used up). Raises CodecError."""
    identity, role = fields.pop("id", None), fields.pop("role", None)
    if type(identity) is not str:
        raise CodecError("a message has an `id`, a text")
    if type(role) is not str:
        raise CodecError(f"message {identity} has no `role`")
    made = Message(identity, role)
    after = fields.pop("after", above)
    if after is not None and type(after) is not str:
        raise CodecError(f"message {identity}: `after` is the id of a message, or null")
    made.after = after
    content = fields.pop("content", "")
    if type(content) is not str and (type(content) is not list or not all(type(part) is dict for part in content)):
        raise CodecError(f"message {identity}: `content` is a text or a list of parts")
    made.content = content
    made.native = fields.pop("native", None)
    if not fields:
        return made
    for name in _MESSAGE_TEXTS:
        value = fields.pop(name, None)
        if value is not None:
            setattr(made, name, _text(value, name))
    for name in _MESSAGE_FLAGS:
        value = fields.pop(name, False)
        if type(value) is not bool:
            raise CodecError(f"message {identity}: `{name}` is true or false")
        setattr(made, name, value)
    usage = fields.pop("usage", None)
    if usage is not None and type(usage) is not dict:
        raise CodecError(f"message {identity}: `usage` is a map")
    made.usage = usage
    for name in _MESSAGE_LISTS:
        value = fields.pop(name, [])
        if type(value) is not list:
            raise CodecError(f"message {identity}: `{name}` is a list")
        setattr(made, name, value)
    made.extra = fields
    return made


def _text(value: Any, name: str) -> str:
    if type(value) is not str:
        raise CodecError(f"`{name}` is a text")
    return value


def _loads_reference(data: bytes) -> Session:
    at = 0 if data.startswith(_MARK) else data.find(b"\n" + _MARK) + 1
    if at or data.startswith(_MARK):
        reason = "git merged this file as text and left its marks; `chasm resolve --marked` puts both sides together"
        raise CodecError(reason, data.count(b"\n", 0, at) + 1)
    from chasm_git.session import reference

    try:
        fields = reference.load(data)
    except reference.ReferenceError as error:
        raise CodecError(str(error), error.line, error.column) from None
    if type(fields) is not dict:
        raise CodecError("not a session file", 1)
    _check_keys(fields)
    listed = fields.pop("messages", [])
    if type(listed) is not list or not all(type(item) is dict for item in listed):
        raise CodecError("`messages` is a list of maps")
    messages = []
    above: str | None = None
    for item in listed:
        messages.append(message_of(item, above))
        above = messages[-1].id
    return _joined(_session(fields, messages))


def _check_keys(value: Any) -> None:
    """YAML allows any value as a key, JSON only text."""
    if type(value) is dict:
        for name, item in value.items():
            if type(name) is not str:
                raise CodecError(f"the key {name!r} is not a text; put it in quotes")
            _check_keys(item)
    elif type(value) is list:
        for item in value:
            _check_keys(item)
    elif value is not None and type(value) not in (str, int, float, bool):
        raise CodecError(f"a value of type {type(value).__name__} has no place in a session")


def _joined(session: Session) -> Session:
    if len({message.id for message in session.messages}) != len(session.messages):
        from chasm_git.session.merge import join_copies

        session.messages = join_copies(session.messages)
    return session
