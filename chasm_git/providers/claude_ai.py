"""Claude.ai: the data export that Anthropic mails, a zip::

    conversations.json          all conversations, in one list
    projects.json, projects/…   projects with their instructions and documents
    design_chats/*.json         conversations of Claude Design
    users.json, memories.json   the account: not read

A conversation is a list of messages that, since 2026, say which one they answer. The export says neither the model nor
which branch stands: the latest message is taken to stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.formats.claude_ai_blocks import fields_of
from chasm_git.providers.formats.claude_ai_design import design_fields
from chasm_git.providers.reading import document
from chasm_git.providers.reading.branches import abandoned
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.values import as_dict, identity, scoped_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Session
from chasm_git.session.times import iso

_CHAT, _DESIGN, _PROJECT = "chat_messages", "messages", "docs"
_INSTRUCTIONS = "prompt_template"


class ClaudeAI(Export):
    """Conversations and projects of an Anthropic data export."""

    name = "claude-ai"
    title = "Claude.ai"
    note = "data exports: conversations, projects, design chats (chasm harvest import)"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        if _CHAT in shape.top:
            return 0.95
        if {"uuid", _PROJECT} <= shape.top and (_INSTRUCTIONS in shape.top or "creator" in shape.top):
            return 0.95
        return 0.9 if {"uuid", "project", _DESIGN} <= shape.top else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                value = as_dict(element.value)
                key = next((name for name in (_CHAT, _PROJECT, _DESIGN) if type(value.get(name)) is list), None)
                if element.error is not None or key is None:
                    reason = element.error or "no conversation"
                    yield Reading(problems=[file.problem(reason, element.number)])
                else:
                    yield _read(value, key)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The conversation's, or the project's, object. See `Provider.export`."""
        key = as_dict(session.native).get("list")
        return {"conversation.json": document.given_back(session, key if type(key) is str else _CHAT, load)}


def _read(value: dict[str, Any], key: str) -> Reading:
    identifier = identity(value.get("uuid")) or record_id([value.get("created_at"), value.get("name")])
    session = Session(identifier, ClaudeAI.name, title=text(value.get("name")) or text(value.get("title")))
    builder = Builder()
    kept = dict(value)
    if key == _PROJECT:
        _instructions(session, builder, kept)
    records = value[key]
    off = _off(records, value.get("current_leaf_message_uuid")) if key == _CHAT else set()
    for number, record in enumerate(records):
        if key == _PROJECT:
            _doc(session, builder, record)
        else:
            fields = fields_of(record) if key == _CHAT else design_fields(record)
            own = identity(as_dict(record).get("uuid")) or scoped_id(session.id, record)
            builder.message(record, id=own, inactive=number in off, **fields)
    if not any(message.role != "event" for message in builder.messages):
        return Reading()
    session.messages = builder.messages
    session.created_at = iso(value.get("created_at")) or next((m.timestamp for m in builder.messages), None)
    session.native = document.kept(kept, key, builder.attachments) | ({} if key == _CHAT else {"list": key})
    return Reading([session], builder.attachments)


def _instructions(session: Session, builder: Builder, project: dict[str, Any]) -> None:
    """A project's instructions, as what they are to the model; they stay in the project's own record too."""
    said = text(project.get(_INSTRUCTIONS))
    if said is not None:
        when = iso(project.get("created_at"))
        own = f"{session.id}-instructions"
        builder.message(None, id=own, role="system", injected=True, timestamp=when, content=said)


def _doc(session: Session, builder: Builder, doc: Any) -> None:
    record = as_dict(doc)
    name, said = text(record.get("filename")), text(record.get("content"))
    content: list[dict[str, Any]] = [{"type": "text", "text": said}] if said is not None else []
    if name is not None:
        content.insert(0, {"type": "file", "name": name})
    own = identity(record.get("uuid")) or scoped_id(session.id, doc)
    when = iso(record.get("created_at"))
    role = "system" if content else "event"
    builder.message(doc, id=own, role=role, injected=bool(content), timestamp=when, content=content or "")


def _off(records: list[Any], leaf: Any) -> set[int]:
    """Places of the messages on abandoned branches; none where the messages do not say what they answer.

    Args:
        leaf: the last message of the branch that stands, where that is known.
    """
    numbers: dict[str, int] = {}
    for number, record in enumerate(records):
        if (key := identity(as_dict(record).get("uuid"))) is not None:
            numbers.setdefault(key, number)
    above: dict[str, str | None] = {}
    is_tree = False
    latest: tuple[str, int, str] | None = None
    for key, number in numbers.items():
        parent = text(records[number].get("parent_message_uuid"))
        is_tree |= parent is not None
        above[key] = parent if parent in numbers else None
        mark = (iso(records[number].get("created_at")) or "", number, key)
        latest = mark if latest is None or mark > latest else latest
    if not is_tree or latest is None:
        return set()
    return {numbers[key] for key in abandoned(above, leaf if leaf in above else latest[2])}
