"""Gemini: what Google gives people of it.

::

    …/Gemini Apps/MyActivity.json    Takeout's activity log: one entry a prompt, with its answer as HTML
    …/Google AI Studio/<title>       prompts of AI Studio, a JSON file each, mostly without an ending

An entry of the log names its conversation only sometimes; one that does not is a session by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.formats.gemini_chunks import fields_of
from chasm_git.providers.reading import document
from chasm_git.providers.reading.conversation import finished, given_back, records_of, text_of_html
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.values import as_dict, as_list, identity, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Part, Session
from chasm_git.session.times import iso

_PROMPT, _CHUNKS = "chunkedPrompt", "chunks"
_ADDRESS = re.compile(r"gemini\.google\.com/(?:u/\d+/)?app/(?:c/)?([A-Za-z0-9_-]{6,100})")
_VERB = re.compile(r"(?:Prompted|Live Prompt|Asked|Prompt :)\s+", re.ASCII)


class Gemini(Export):
    """Activity of Gemini Apps from Takeout, and AI Studio's prompts."""

    name = "gemini"
    title = "Gemini"
    note = "Takeout's MyActivity.json (choose JSON, not HTML) and AI Studio's prompt files (chasm harvest import)"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        if _PROMPT in shape.top and not shape.is_list:
            return 0.95
        return 0.95 if {"header", "time"} <= shape.top and b"Gemini" in sample else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        threads: dict[str, list[Any]] = {}
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                value = as_dict(element.value)
                if type(as_dict(value.get(_PROMPT)).get(_CHUNKS)) is list:
                    yield _prompt(value, file.stem)
                elif element.error is not None or "header" not in value:
                    yield Reading(problems=[file.problem(element.error or "no conversation", element.number)])
                elif (key := _thread(value)) is not None:
                    threads.setdefault(key, []).append(value)
                else:
                    yield _activity(record_id([value.get("time"), value.get("title")]), [value])
        for key, entries in threads.items():
            yield _activity(key, entries)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The prompt's object, or the entries of the log. See `Provider.export`."""
        native = as_dict(session.native)
        if "document" not in native:
            return {"MyActivity.json": given_back(session, load)}
        made = as_dict(document.unfolded(native["document"], load))
        prompt = list(as_dict(made.get(_PROMPT)).items())
        at = native.get("chunks_at")
        prompt.insert(at if type(at) is int else len(prompt), (_CHUNKS, records_of(session, load)))
        return {"prompt.json": jsonio.dumps({**made, _PROMPT: dict(prompt)})}


def _thread(entry: dict[str, Any]) -> str | None:
    found = _ADDRESS.search(url) if (url := text(entry.get("titleUrl"))) is not None else None
    return found[1] if found is not None else None


def _activity(key: str, entries: list[Any]) -> Reading:
    """Entries of one conversation, the latest first in the log."""
    session = Session(key, Gemini.name)
    builder = Builder()
    entries.reverse()  # so that those of one moment keep their order
    for entry in sorted(entries, key=lambda one: iso(as_dict(one).get("time")) or ""):
        time = iso(entry.get("time"))
        own = scoped_id(key, [entry.get("time"), entry.get("title")])
        title = text(entry.get("title"))
        verb = _VERB.match(title) if title is not None else None
        if title is None or verb is None:
            builder.message(entry, id=own, role="event", timestamp=time)
            continue
        said = title[verb.end() :]
        derived = {title: {"$cat": [verb[0], {"$": "content.0.text"}]}} if said else None
        parts: list[Part] = [{"type": "text", "text": said}]
        names = [name for name in as_list(entry.get("attachedFiles")) if text(name)]
        parts += [{"type": "file", "name": name} for name in names]
        builder.message(entry, id=own, role="user", timestamp=time, content=parts, derived=derived)
        answer = "\n\n".join(filter(None, (_answer(item) for item in as_list(entry.get("safeHtmlItem")))))
        if answer:
            builder.message(None, id=f"{own}-answer", role="assistant", timestamp=time, content=answer)
    return finished(session, builder, {"list": None})


def _answer(item: Any) -> str:
    html = text(as_dict(item).get("html"))
    return text_of_html(html) if html is not None else ""


def _prompt(value: dict[str, Any], stem: str) -> Reading:
    """A prompt file of AI Studio; its name is its title."""
    prompt: dict[str, Any] = value[_PROMPT]
    chunks = prompt[_CHUNKS]
    first = as_dict(chunks[0]) if chunks else {}
    own = identity(value.get("id")) or record_id([stem, first.get("createTime"), first.get("text")])
    session = Session(own, Gemini.name, title=text(value.get("displayName")) or text(stem))
    session.created_at = iso(value.get("createTime"))
    builder = Builder()
    about = as_dict(value.get("systemInstruction"))
    texts = [text(about.get("text")), *(text(as_dict(part).get("text")) for part in as_list(about.get("parts")))]
    if said := "\n\n".join(filter(None, texts)):
        builder.message(None, id=f"{own}-system", role="system", injected=True, content=said)
    model = text(as_dict(value.get("runSettings")).get("model"))
    for chunk in chunks:
        key = identity(as_dict(chunk).get("id")) or scoped_id(own, chunk)
        builder.message(chunk, id=key, **fields_of(as_dict(chunk), model))
    rest = {name: item for name, item in prompt.items() if name != _CHUNKS}
    kept = document.folded({**value, _PROMPT: rest}, builder.attachments)
    return finished(session, builder, {"document": kept, "chunks_at": [*prompt].index(_CHUNKS)})
