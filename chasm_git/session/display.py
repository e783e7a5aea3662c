"""A session file, or one message, as a person is shown it where files are compared and listed.

Pure. Never fails: what cannot be read is shown as it is, with the reason.
"""

from __future__ import annotations

from chasm_git.session import codec
from chasm_git.session.conversation import as_text
from chasm_git.session.model import Message
from chasm_git.session.readable import first_line, visible


def file_text(data: bytes) -> str:
    """The conversation in a session file; the file itself below the reason, where it cannot be read."""
    if not data:
        return ""
    try:
        return as_text(codec.loads(data))
    except codec.CodecError as error:
        reason = f"not a readable session file: {error}"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # the file parses, but a value in it is of a kind no session of ours has
        reason = f"not shown as a conversation: {type(error).__name__}: {error}"
    text = visible(data.decode("utf-8", "replace"))
    return f"!! {visible(reason).splitlines()[0]}\n{text}"


def gist(message: Message) -> str:
    """What a message says or does, in a line."""
    if message.deleted:
        return "(forgotten)"
    said = first_line(message)
    if said is not None:
        return said
    for part in message.parts() if isinstance(message.content, list) else ():
        kind = part.get("type")
        if kind == "tool_call":
            return f">> {part.get('name')}"
        if kind == "tool_result":
            return "<< error" if part.get("is_error") else "<< result"
        return f"({kind})"
    return ""
