"""Programs whose exports hold conversations that are each one object with a list of messages in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.reading import document
from chasm_git.providers.reading.branches import abandoned
from chasm_git.providers.reading.conversation import finished, given_back, kept
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.values import as_dict, identity, scoped_id
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Session


class Listed(Export):
    """Reads such conversations one by one; the messages stay in their order."""

    within: ClassVar[tuple[str, ...]] = ()
    """Keys of the lists that conversations may stand in; they may also stand alone, or in a bare list."""
    list_key: ClassVar[str] = "messages"
    """Where a conversation's messages stand."""

    def session_of(self, value: dict[str, Any]) -> Session | None:
        """The session of a conversation, without its messages; None where the object is none.

        Its id is empty where it has none.
        """
        raise NotImplementedError

    def fields_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """Role, content and the like of a message, for `Builder.message`."""
        raise NotImplementedError

    def id_of(self, record: dict[str, Any]) -> str | None:
        """What a message is called; None where it has no name."""
        return identity(record.get("id"))

    def above(self, record: dict[str, Any]) -> str | None:
        """The message above one, where conversations are trees."""
        return None

    def leaf(self, value: dict[str, Any], above: dict[str, str | None]) -> str | None:
        """Where a tree stands; None where conversations are no trees."""
        return None

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            key = next((name for name in self.within if _has_key(file, name)), None)
            for element in elements(stream, key):
                found = list(_objects(element.value, self.list_key))
                for value in found:
                    session = self.session_of(value)
                    if session is None:
                        yield Reading(problems=[file.problem("no conversation", element.number)])
                        continue
                    session.id = session.id or record_id([session.created_at, session.title, *value[self.list_key][:1]])
                    yield self.read_conversation(value, session, self.list_key)
                if not found:
                    yield Reading(problems=[file.problem(element.error or "no conversation", element.number)])

    def read_conversation(self, value: dict[str, Any], session: Session, key: str) -> Reading:
        """The reading of one conversation, whose messages stand at a key."""
        builder = Builder()
        above: dict[str, str | None] = {}
        for item in value[key]:
            record = as_dict(item)
            own = self.id_of(record)
            if own is not None:
                above[own] = self.above(record)
            builder.message(
                item, id=own or scoped_id(session.id, item), line=document.line_of(item), **self.fields_of(record)
            )
        if (leaf := self.leaf(value, above)) is not None:
            off = abandoned(above, leaf)
            for message in builder.messages:
                message.inactive = message.id in off
        return finished(session, builder, kept(value, key, builder.attachments))

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The conversation's object. See `Provider.export`."""
        return {"conversation.json": given_back(session, load)}


def _has_key(file: ExportFile, name: str) -> bool:
    """Whether a file is an object with a list at this key, as far as its beginning says."""
    from chasm_git.providers.reading.json_shape import SAMPLE, shape_of

    with file.bundle.open(file.name) as stream:
        shape = shape_of(stream.read(SAMPLE))
    return not shape.is_list and name in shape.top


def _objects(value: Any, key: str, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The objects with a list at a key: a value itself, or what it is wrapped in."""
    if type(value) is dict and type(value.get(key)) is list:
        yield value
    elif depth < 3:
        for item in value.values() if type(value) is dict else value if type(value) is list else ():
            yield from _objects(item, key, depth + 1)
