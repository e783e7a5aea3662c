"""Conversations of any program as JSON, or JSON lines: our own universal form, OpenAI's ``messages``, ShareGPT's.

::

    {"id", "title", "provider", "messages": [{"role", "content", "tool_calls"…}]}    one, a list of them, or one a line
    {"conversations": [{"from": "human", "value": "…"}]}                             the same by ShareGPT's names
    [{"role", "content"}, …]                                                         the messages alone

What `chasm export` wrote as JSON or JSON lines carries the session along (`session.carried`): it is the same again.
Without that it is a view of the session. Where the archive has it already, only messages it lacks are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.exported import completed
from chasm_git.providers.formats.universal_message import fields_of
from chasm_git.providers.reading.conversation import finished, given_back, kept
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.values import as_dict, identity, scoped_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.carried import CarriedError, from_value
from chasm_git.session.model import Session
from chasm_git.session.times import iso

_LISTS = ("messages", "conversations")
_ASSET = re.compile(r"(?:^|/)file[-_][A-Za-z0-9]{6,}")
_SAYS = frozenset({"role", "from"})
FORM = "universal"


class UniversalJson(Export):
    """Conversations that any program wrote as JSON."""

    name = "universal"
    title = "Universal JSON"
    note = "JSON and JSON lines with messages in them: of `chasm export`, of OpenAI's and ShareGPT's shape"
    is_view = True

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        if _ASSET.search(name):
            return 0.0
        if {"messages", "provider", "metadata", "updated_at"} <= shape.top or "chasm_export" in shape.top:
            return 0.8
        if {"session", "provider", "chasm"} <= shape.top:
            return 0.8
        if {"session", "provider", "role", "content"} <= shape.top:
            return 0.6
        if "messages" in shape.top and "role" in shape.all:
            return 0.5
        if "conversations" in shape.top and {"from", "value"} <= shape.all:
            return 0.5
        return 0.4 if shape.is_list and {"role", "content"} <= shape.top else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        alone: list[Any] = []
        lines = _Lines()
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                value = as_dict(element.value)
                if (held := _carried(value, file, element.number)) is not None:
                    lines.carried.add(str(value.get("session")))
                    yield from held
                    continue
                if _SAYS & value.keys() and identity(value.get("session")) is not None:
                    lines.add(value)
                    continue
                key = next((name for name in _LISTS if type(value.get(name)) is list), None)
                if key is not None:
                    yield _read(value, key)
                elif _SAYS & value.keys():
                    alone.append(value)
                else:
                    yield Reading(problems=[file.problem(element.error or "no conversation", element.number)])
        if alone:
            yield _read({"messages": alone}, "messages", is_bare=True)
        for whole in lines.sessions.values():
            yield _read(whole, "messages")

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The conversation's object. See `Provider.export`."""
        return {"conversation.json": given_back(session, load)}


class _Lines:
    """Sessions written one message a line, each line with the session it belongs to."""

    def __init__(self) -> None:
        self.carried: set[str] = set()
        """Sessions that a line carried whole."""
        self.sessions: dict[str, dict[str, Any]] = {}

    def add(self, line: dict[str, Any]) -> None:
        """Take in a line, unless its session is there already."""
        about = ("session", "provider", "title", "workspace")
        name = line["session"]
        if name not in self.carried:
            whole = {"id": name, **{key: line.get(key) for key in about[1:]}, "metadata": {}, "messages": []}
            message = {key: item for key, item in line.items() if key not in about}
            self.sessions.setdefault(name, whole)["messages"].append(message)


def _carried(value: dict[str, Any], file: ExportFile, number: int) -> list[Reading] | None:
    """The sessions that a JSON value carries along; None where it carries none."""
    listed = value["sessions"] if "chasm_export" in value and type(value.get("sessions")) is list else [value]
    made: list[Reading] = []
    for item in listed:
        try:
            found = from_value(item)
        except CarriedError as error:
            made.append(Reading(problems=[file.problem(str(error), number)]))
            continue
        if found is not None:
            made.append(completed(found, file))
    return made or None


def _read(value: dict[str, Any], key: str, is_bare: bool = False) -> Reading:
    records = value[key]
    names = ("id", "conversation_id", "conversationId", "session_id", "uuid")
    own = next((found for name in names if (found := identity(value.get(name))) is not None), None)
    title = text(value.get("title")) or text(value.get("name"))
    session = Session(own or record_id([title, records[:1]]), _provider(value), title=title)
    builder = Builder()
    for record in records:
        named = identity(as_dict(record).get("id")) or scoped_id(session.id, _timeless(record))
        builder.message(record, id=named, **fields_of(record))
    session.workspace = text(value.get("workspace"))
    session.parent, session.forked_from = identity(value.get("parent")), identity(value.get("forked_from"))
    session.git = git if type(git := value.get("git")) is dict and _is_plain(git) else None
    tags = value.get("tags")
    session.tags = sorted({tag for tag in tags if text(tag)}) if type(tags) is list and _texts(tags) else []
    session.created_at = iso(value.get("created_at")) or iso(value.get("create_time"))
    native = {"list": None} if is_bare else kept(value, key, builder.attachments)
    return finished(session, builder, {"form": FORM} | native)


def _timeless(record: Any) -> Any:
    """What makes a message without an id the one it is."""
    if type(record) is not dict or "timestamp" not in record:
        return record
    return {name: item for name, item in record.items() if name != "timestamp"} or record


def _texts(values: list[Any]) -> bool:
    return all(type(value) is str and value.isprintable() for value in values)


def _is_plain(value: dict[str, Any]) -> bool:
    return all(item is None or type(item) is str for item in value.values())


def _provider(value: dict[str, Any]) -> str:
    """The provider our own export names; a document of another program's is of no provider."""
    from chasm_git.providers import registry

    named = value.get("provider")
    known = type(named) is str and (named in registry.BUILT_IN or named in registry.EXPORTS)
    return str(named) if known and "metadata" in value else UniversalJson.name
