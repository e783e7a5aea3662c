"""DeepSeek: the data export, a zip with ``conversations.json``: trees of nodes, each message a list of fragments.

Node ids are small numbers that every conversation uses again, so the conversation's id stands before them. Which branch
stands is not said: the last child does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Export, Reading
from chasm_git.providers.reading import document, node_tree
from chasm_git.providers.reading.branches import abandoned
from chasm_git.providers.reading.conversation import finished, records_of
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Part, Session
from chasm_git.session.times import iso

_MAPPING = "mapping"


class DeepSeek(Export):
    """Conversations of a DeepSeek data export."""

    name = "deepseek"
    title = "DeepSeek"
    note = "data exports: conversations.json (chasm harvest import)"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        return 0.95 if _MAPPING in shape.top and shape.all & {"inserted_at", "fragments"} else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                if type(as_dict(element.value).get(_MAPPING)) is dict:
                    yield _read(element.value)
                else:
                    yield Reading(problems=[file.problem(element.error or "no conversation", element.number)])

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The conversation's object. See `Provider.export`."""
        native = as_dict(session.native)
        made = list(as_dict(document.unfolded(native.get("document"), load)).items())
        at = native.get("mapping_at")
        made.insert(at if type(at) is int else len(made), (_MAPPING, node_tree.given_back(records_of(session, load))))
        return {"conversation.json": jsonio.dumps(dict(made))}


def _read(value: dict[str, Any]) -> Reading:
    mapping: dict[str, Any] = value[_MAPPING]
    own = identity(value.get("id")) or identity(value.get("conversation_id"))
    session = Session(own or record_id([value.get("inserted_at"), value.get("title")]), DeepSeek.name)
    session.title = text(value.get("title"))
    session.created_at = iso(value.get("inserted_at")) or iso(value.get("create_time"))
    above = node_tree.parents(mapping)
    order = node_tree.depth_first(mapping, above)
    leaf = value.get("current_node")
    if type(leaf) is not str or leaf not in mapping:
        leaf = node_tree.last_leaf(mapping, above, order)
    off = abandoned(above, leaf)
    builder = Builder()
    for key in order:
        fields = _fields(as_dict(as_dict(mapping[key]).get("message")))
        identifier = identity(f"{session.id}/{key}")
        builder.message(node_tree.record_of(key, mapping[key]), id=identifier, inactive=key in off, **fields)
    rest = {name: item for name, item in value.items() if name != _MAPPING}
    native = {"document": document.folded(rest, builder.attachments), "mapping_at": [*value].index(_MAPPING)}
    return finished(session, builder, native)


def _fields(message: dict[str, Any]) -> dict[str, Any]:
    kinds: list[Any] = []
    parts: list[Part] = []
    for item in as_list(message.get("fragments")):
        fragment = as_dict(item)
        kinds.append(fragment.get("type"))
        if (said := text(fragment.get("content"))) is not None:
            parts.append({"type": "thinking" if kinds[-1] == "THINK" else "text", "text": said})
        for result in as_list(fragment.get("results")):
            parts += _reference(as_dict(result))
    if not kinds:  # before fragments
        thought, said = text(message.get("reasoning_content")), text(message.get("content"))
        parts += [{"type": "thinking", "text": thought}] if thought is not None else []
        parts += [{"type": "text", "text": said}] if said is not None else []
    for item in as_list(message.get("files")):
        if (name := text(as_dict(item).get("file_name"))) is not None:
            parts.append({"type": "file", "name": name})
    time = iso(message.get("inserted_at"))
    if not parts:
        return {"role": "event", "timestamp": time}
    is_user = "REQUEST" in kinds or str(message.get("role")).lower() == "user"
    model = None if is_user else text(message.get("model"))
    return {"role": "user" if is_user else "assistant", "timestamp": time, "model": model, "content": plain(parts)}


def _reference(result: dict[str, Any]) -> list[Part]:
    if (uri := text(result.get("url"))) is None:
        return []
    name = text(result.get("title"))
    return [{"type": "reference", "uri": uri} | ({"name": name} if name is not None else {})]
