"""Grok: the data export of xAI, a zip with ``prod-grok-backend.json``: conversations, each with its responses.

The other files of the zip hold the account and its payments: they are not read. Times are MongoDB's. Which branch
stands is not said reliably: the latest response is taken to stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.reading import document
from chasm_git.providers.reading.branches import abandoned
from chasm_git.providers.reading.conversation import finished, kept
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Part, Session
from chasm_git.session.times import iso

_LIST = "responses"


class Grok(Export):
    """Conversations of an xAI data export."""

    name = "grok"
    title = "Grok"
    note = "data exports: prod-grok-backend.json (chasm harvest import)"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        is_whole = "conversations" in shape.top and {"conversation", _LIST} <= shape.all
        return 0.95 if is_whole or {"conversation", _LIST} <= shape.top else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            for element in elements(stream, "conversations"):
                if type(as_dict(element.value).get(_LIST)) is list:
                    yield _read(element.value)
                else:
                    yield Reading(problems=[file.problem(element.error or "no conversation", element.number)])

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The conversation with its responses. See `Provider.export`."""
        return {"conversation.json": document.given_back(session, _LIST, load)}


def _read(value: dict[str, Any]) -> Reading:
    about = as_dict(value.get("conversation"))
    records = value[_LIST]
    own = identity(about.get("id")) or record_id([about.get("create_time"), about.get("title")])
    session = Session(own, Grok.name, title=text(about.get("title")), created_at=_time(about.get("create_time")))
    builder = Builder()
    responses = [as_dict(as_dict(record).get("response")) or as_dict(record) for record in records]
    ids = [identity(response.get("_id")) for response in responses]
    off = _off(responses, ids)
    for record, response, key in zip(records, responses, ids, strict=True):
        fields = _fields(response)
        builder.message(record, id=key or scoped_id(session.id, record), inactive=key in off, **fields)
    return finished(session, builder, kept(value, _LIST, builder.attachments))


def _off(responses: list[dict[str, Any]], ids: list[str | None]) -> set[str]:
    above: dict[str, str | None] = {}
    latest: tuple[str, int, str] | None = None
    for number, (response, key) in enumerate(zip(responses, ids, strict=True)):
        if key is None:
            continue
        parent = response.get("parent_response_id")
        above[key] = parent if type(parent) is str else None
        latest = max(latest or ("", -1, ""), (_time(response.get("create_time")) or "", number, key))
    if latest is None or not any(parent in above for parent in above.values()):
        return set()
    return abandoned({key: parent if parent in above else None for key, parent in above.items()}, latest[2])


def _fields(response: dict[str, Any]) -> dict[str, Any]:
    parts: list[Part] = []
    thoughts = [response.get("thinking_trace")]
    if not text(thoughts[0]):
        thoughts = [as_dict(item).get("thinking_trace") for item in as_list(response.get("agent_thinking_traces"))]
    parts += [{"type": "thinking", "text": thought} for thought in thoughts if text(thought)]
    if (said := text(response.get("message"))) is not None:
        parts.append({"type": "text", "text": said})
    parts += [{"type": "image", "uri": uri} for uri in as_list(response.get("generated_image_urls")) if text(uri)]
    parts += [{"type": "file", "name": key} for key in as_list(response.get("file_attachments")) if text(key)]
    for item in as_list(response.get("cited_web_search_results")):
        if (uri := text(as_dict(item).get("url"))) is not None:
            name = text(item.get("title"))
            parts.append({"type": "reference", "uri": uri} | ({"name": name} if name is not None else {}))
    if (fault := text(response.get("error"))) is not None:
        parts.append({"type": "error", "text": fault})
    time, sender = _time(response.get("create_time")), response.get("sender")
    if type(sender) is not str or not parts:
        return {"role": "event", "timestamp": time}
    is_user = sender.lower() in ("human", "user")
    model = None if is_user else text(response.get("model"))
    return {"role": "user" if is_user else "assistant", "timestamp": time, "model": model, "content": plain(parts)}


def _time(value: Any) -> str | None:
    """ISO 8601, or ``{"$date": {"$numberLong": "1767225600000"}}``."""
    inner = as_dict(value).get("$date", value)
    inner = as_dict(inner).get("$numberLong", inner)
    return (
        iso(int(inner))
        if type(inner) is str and inner.isascii() and inner.isdecimal() and len(inner) < 20
        else iso(inner)
    )
