"""Services that give a flat list of messages, each with the name of its conversation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.reading.conversation import finished, given_back
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.values import as_dict, identity, scoped_id
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Session


class Grouped(Export):
    """Reads a list of messages, or one within an object, and sorts them into conversations by time."""

    list_key: ClassVar[str]
    """Where the list stands in the object."""
    group_key: ClassVar[str]
    """The key of a message that names its conversation."""

    def time_of(self, record: dict[str, Any]) -> str | None:
        """When a message was written."""
        raise NotImplementedError

    def fields_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """Role, content and the like of a message, for `Builder.message`."""
        raise NotImplementedError

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        groups: dict[str, list[dict[str, Any]]] = {}
        with file.bundle.open(file.name) as stream:
            for element in elements(stream, self.list_key):
                key = identity(as_dict(element.value).get(self.group_key))
                if key is None:
                    yield Reading(problems=[file.problem(element.error or "no message", element.number)])
                else:
                    groups.setdefault(key, []).append(element.value)
        for key, records in groups.items():
            session = Session(key, self.name)
            builder = Builder()
            timed = [(self.time_of(record), record) for record in records]
            for time, record in sorted(timed, key=lambda one: one[0] or ""):
                own = identity(record.get("id")) or scoped_id(key, record)
                builder.message(record, id=own, timestamp=time, **self.fields_of(record))
            yield finished(session, builder, {"list": None})

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The conversation's messages, in a list. See `Provider.export`."""
        return {"messages.json": given_back(session, load)}
