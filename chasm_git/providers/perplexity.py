"""Perplexity: one thread a file, as browser extensions and the site's own API give it; there is no official export.

::

    {"metadata": {"thread_id", …}, "conversations": [{"uuid", "query", "answer", "sources", …}]}
    {"entries": [{"uuid", "context_uuid", "query_str", "blocks": [{"markdown_block": {"answer"}}]}], "thread_metadata"}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.reading.conversation import finished, given_back, kept
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.values import as_dict, as_list, identity, scoped_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Part, Session
from chasm_git.session.times import iso

_LISTS = ("entries", "conversations")


class Perplexity(Export):
    """Threads of Perplexity."""

    name = "perplexity"
    title = "Perplexity"
    note = (
        "threads as JSON, of browser extensions and the site's API; no official export has them (chasm harvest import)"
    )

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        is_saved = {"metadata", "conversations"} <= shape.top and {"query", "answer"} <= shape.all
        return 0.95 if is_saved or ("entries" in shape.top and "query_str" in shape.all) else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                value = as_dict(element.value)
                key = next((name for name in _LISTS if type(value.get(name)) is list), None)
                if key is None:
                    yield Reading(problems=[file.problem(element.error or "no conversation", element.number)])
                else:
                    yield _read(value, key)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The thread's object. See `Provider.export`."""
        return {"thread.json": given_back(session, load)}


def _read(value: dict[str, Any], key: str) -> Reading:
    records = value[key]
    about = as_dict(value.get("metadata")) or as_dict(value.get("thread_metadata"))
    first = as_dict(records[0]) if records else {}
    own = identity(first.get("context_uuid")) or identity(about.get("thread_id"))
    titles = (about.get("thread_title"), about.get("title"), first.get("thread_title"))
    session = Session(own or record_id([titles, first]), Perplexity.name)
    session.title = next((found for title in titles if (found := text(title)) is not None), None)
    builder = Builder()
    for record in records:
        entry = as_dict(record)
        identifier = identity(entry.get("uuid")) or scoped_id(session.id, record)
        asked = text(entry.get("query")) or text(entry.get("query_str"))
        time = iso(entry.get("timestamp")) or iso(entry.get("entry_created_datetime"))
        role = "user" if asked is not None else "event"
        builder.message(record, id=identifier, role=role, timestamp=time, content=asked or "")
        if answer := _answer(entry):
            model = text(entry.get("model")) or text(entry.get("display_model"))
            builder.message(
                None, id=f"{identifier}-answer", role="assistant", timestamp=time, model=model, content=answer
            )
    return finished(session, builder, kept(value, key, builder.attachments))


def _answer(entry: dict[str, Any]) -> list[Part]:
    texts = [text(entry.get("answer"))]
    texts += [
        text(as_dict(as_dict(block).get("markdown_block")).get("answer")) for block in as_list(entry.get("blocks"))
    ]
    said = list(dict.fromkeys(one for one in texts if one is not None))
    parts: list[Part] = [{"type": "text", "text": one} for one in said]
    for item in as_list(entry.get("sources")):
        if (uri := text(as_dict(item).get("url"))) is not None:
            name = text(item.get("title"))
            parts.append({"type": "reference", "uri": uri} | ({"name": name} if name is not None else {}))
    return parts
