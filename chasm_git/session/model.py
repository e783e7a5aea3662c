"""What every other package speaks of: a session and its messages.

A `Session` is a header and a list of `Message`. A message is one record of the provider's store (one JSON line, one
request, one row): nothing is folded together here, so that every record can be given back. The conversation as a
person thinks of it (one turn per model answer, tool results beside their calls) is made from this by `universal`.

Values in `content`, `native` and the other free-form fields are JSON values: None, bool, int, finite float, str,
list, dict with str keys. The order of a dict's keys is part of its value. FORMAT.md says how all this is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any
"""A JSON value (a recursive alias buys nothing here: every consumer narrows with isinstance)."""

Part: TypeAlias = dict[str, Json]
"""One typed piece of a message's content. ``type`` says which; the other keys are:

========== =====================================================================================
text        text
thinking    text; signature and other opaque matter stay in `native`
tool_call   id, name, arguments (a JSON value; a plain string where the tool takes free text)
tool_result id (of the call), content (a string or a list of parts), is_error (only when true)
reference   uri, name?, range? ([first line, last line], from 1): a file or place the message points to
image       media_type, data (base64 text, or a reference to an attachment), or uri; name?
file        name?, media_type?, data or uri
edit        uri, and what is known of the change: edits? (a list, as the provider writes it), diff?, kind?
            (``create``, ``delete``, ``rename``), old_uri?
error       text, code?
========== =====================================================================================

Any string in a part may instead be a *reference object* ``{"$attachment": NAME, "bytes": N, ...}``: see `attachments`.
"""

Role: TypeAlias = Literal["user", "assistant", "system", "tool", "event"]
"""``user`` is the human (or injected context, see `Message.injected`), ``tool`` carries tool results only, ``event``
is a record without conversation in it (bookkeeping, titles, snapshots, unknown record types)."""

FORMAT_VERSION = 1


@dataclass(slots=True)
class Message:
    """One record of a session.

    `id` is unique within the session and the same on every read of the same record. `after` is the id of the message
    above it when it was first harvested, None for the first one: the archive derives the order from it (see `order`).
    """

    id: str
    role: str
    timestamp: str | None = None
    """UTC, ``YYYY-MM-DDTHH:MM:SS.mmmZ``, or None where the provider stores none."""
    content: str | list[Part] = ""
    after: str | None = None
    turn: str | None = None
    """Groups the records of one model answer (one API message); None = a turn of its own."""
    model: str | None = None
    status: str | None = None
    """``partial``, ``interrupted`` or ``failed``; None = complete."""
    injected: bool = False
    """Stored as the user's by the provider, but not typed by a person: environment blocks, summaries, reminders."""
    sidechain: bool = False
    """Belongs to a sub-agent whose records the provider stores inline, in its parent's file."""
    inactive: bool = False
    """Off the conversation as it stands now: an abandoned branch, an undone request."""
    file: str | None = None
    """Name of the session's side file this record comes from, relative to the session's own file; None = that file."""
    usage: dict[str, Json] | None = None
    """Tokens as the provider counts them: ``input_tokens``, ``output_tokens``, and what else it names."""
    native: Json = None
    """What the provider's record holds beyond the fields above: see `native`. None = there was no record."""
    variants: list[Json] = field(default_factory=list)
    """Bodies of concurrent edits that lost to the one shown; each one a conflict for a person to end."""
    replaced: list[Json] = field(default_factory=list)
    """Earlier bodies that the provider itself rewrote, or a person decided against. Kept, never a conflict."""
    deleted: bool = False
    """A tombstone: id, role, after and timestamp stay, the rest was forgotten on purpose."""
    extra: dict[str, Json] = field(default_factory=dict)
    """Keys of the file this version does not know. Carried along untouched."""

    def parts(self) -> Iterator[Part]:
        """The content as typed parts, whichever way it is stored."""
        if isinstance(self.content, str):
            if self.content:
                yield {"type": "text", "text": self.content}
        else:
            yield from self.content


@dataclass(slots=True)
class Session:
    """A conversation with one assistant, as its provider keeps it."""

    id: str
    provider: str
    title: str | None = None
    """The provider's title for it (given by its user or generated); None = the provider has none."""
    workspace: str | None = None
    """Absolute path, or URI, of the folder it was held in, as the provider wrote it."""
    created_at: str | None = None
    """Time of the first message, same form as `Message.timestamp`."""
    parent: str | None = None
    """Id of the session that started this one as a sub-agent."""
    forked_from: str | None = None
    """Id of the session this one branched off."""
    git: dict[str, Json] | None = None
    """``branch``, ``commit``, ``remote`` of the workspace, as far as the provider knew them."""
    tags: list[str] = field(default_factory=list)
    """A person's tags: sorted, without doubles."""
    native: Json = None
    """What the provider keeps per session outside its records."""
    extra: dict[str, Json] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
