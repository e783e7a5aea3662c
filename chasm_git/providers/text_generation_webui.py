"""text-generation-webui (oobabooga): one JSON file per chat, which it writes anew on each change.

::

    <user data>/logs/chat/<character>/<time>.json    a chat with a character; the name is its time, or what it was named
    <user data>/logs/instruct/<time>.json            a chat without one
    <program>/logs/…                                 both, before 2025

The program lies where somebody unpacked it: a harvest looks for it in the home folder under its usual names, and chats
of any other place are imported. A row of such a file is a prompt and its answer, each a message of its own::

    {"internal": "Hello?", "visible": "Hello?", "metadata": {…}}    one side of a row; without what is not there
    {"row": …, "visible": …}                                        a row that is none

A side that was made again keeps its former texts (``versions`` in its metadata): they are messages without a record,
`Message.inactive`, around the one that is shown.

Times say neither seconds nor zone, and are taken for UTC.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Export, Problem, Provider, Reading, Source
from chasm_git.providers.reading import document, folders, thoughts
from chasm_git.providers.reading.export_file import ExportFile
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.json_stream import elements
from chasm_git.providers.reading.openai_chat import calls_of, image_of
from chasm_git.providers.reading.values import as_dict, as_list, plain, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.native import unfold
from chasm_git.session.times import iso

_GREETING = "<|BEGIN-VISIBLE-CHAT|>"
_SIDES = ("user", "assistant")
_KEYS = (("internal", "visible"), ("data", "data_visible"))
"""Where the rows stand, now and in the oldest files."""
_NAMED_BY_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"([A-Za-z]{3})[a-z]* (\d{1,2}), (\d{4}) (\d\d:\d\d)", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PROGRAMS = ("text-generation-webui", "text-generation-webui-main", "text-generation-webui-dev", "textgen")
_SAFE_NAME = re.compile(r"[^/\\\0]{1,240}\.json")
_NO_KEYS = "no rows of a chat"


class TextGenerationWebUI(Provider):
    """Chats of text-generation-webui."""

    name = "text-generation-webui"
    title = "text-generation-webui"
    note = "chats of a program folder in the home folder (text-generation-webui…); those of other places are imported"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All chats by program folder, character and name. See `Provider.discover`."""
        faults: list[Problem] = []
        for program in _PROGRAMS:
            for logs in ("user_data/logs", "logs"):
                stack = [(env.home / program / logs, "")]
                while stack:
                    folder, below = stack.pop(0)
                    for entry in folders.listed(folder, faults):
                        if entry.name.endswith(".json") and folders.is_file(entry):
                            key = f"{program}/{logs}/{below}{entry.name}"
                            yield from folders.source(self.name, key, entry, faults)
                        elif not entry.is_symlink() and folders.is_folder(entry) and below.count("/") < 3:
                            stack.append((Path(entry.path), f"{below}{entry.name}/"))
        yield from faults

    def read(self, source: Source) -> Reading:
        """One chat, or none where nobody said anything in it. See `Provider.read`."""
        path = source.path
        try:
            value = document.load(path.read_bytes())
        except ValueError as error:
            return Reading(problems=[Problem(str(path), str(error))])
        if (known := _keys_in(value)) is not None:
            made = _read(value, path.stem)
            if value[known[0]] and not made.sessions:
                made.problems.append(Problem(str(path), f"{known[0]!r} holds no row of a kind that is known here"))
            return made
        reading = Reading()  # it keeps its settings there too
        for keys in _KEYS:
            document.listed(value, keys[0], path, reading.problems)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The chat's file. See `Provider.export`."""
        native = as_dict(session.native)
        name = native.get("name")
        if type(name) is not str or not _SAFE_NAME.fullmatch(name + ".json"):
            name = re.sub(r"[^0-9A-Za-z-]+", "-", session.id)[:200]
        records = [as_dict(unfold(message, load)) for message in session.messages if message.native is not None]
        return {
            f"{name}.json": jsonio.dumps(_given_back(as_dict(document.unfolded(native.get("chat"), load)), records))
        }


class TextGenerationWebUIExport(Export):
    """Files of text-generation-webui that are handed in; they are the same sessions that a harvest finds."""

    name = "text-generation-webui-export"
    title = "text-generation-webui (files)"
    note = "its chat logs, one or a folder of them (chasm harvest import)"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        return 0.0 if shape.is_list else 0.9 if any(set(keys) <= shape.top for keys in _KEYS) else 0.0

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            for element in elements(stream):
                value = as_dict(element.value)
                if _keys_in(value) is None:
                    yield Reading(problems=[file.problem(element.error or _NO_KEYS, element.number)])
                else:
                    yield _read(value, file.stem)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The chat's file. See `Provider.export`."""
        return TextGenerationWebUI().export(session, load)


def _keys_in(value: dict[str, Any]) -> tuple[str, str] | None:
    return next((keys for keys in _KEYS if type(value.get(keys[0])) is list), None)


def _read(value: dict[str, Any], name: str) -> Reading:
    """The chat in a file of this name."""
    keys = _keys_in(value) or _KEYS[0]
    rows, visible, metadata = value[keys[0]], value.get(keys[1]), as_dict(value.get("metadata"))
    builder = Builder()
    asked = [said for row in rows if type(row) is list and row and (said := text(row[0])) and said != _GREETING]
    if not asked:
        return Reading()
    made = hashlib.sha256(asked[0].encode("utf-8", "surrogatepass")).hexdigest()[:8]
    session = Session(f"{name}-{made}", TextGenerationWebUI.name)
    taken: set[str] = set()
    for number, row in enumerate(rows):
        shown: Any = visible[number] if type(visible) is list and number < len(visible) else _nothing
        if not _is_row(row) or not (shown is _nothing or _is_row(shown)):
            record = {"row": row} | ({"visible": shown} if shown is not _nothing else {})
            builder.message(record, id=scoped_id(session.id, record), role="event")
            continue
        for side, said in enumerate(row):
            record = {"internal": said}
            if shown is not _nothing:
                record["visible"] = shown[side]
            if (place := f"{_SIDES[side]}_{number}") in metadata:
                record["metadata"] = metadata[place]
                taken.add(place)
            mark = [_SIDES[side], row[0]]
            about = as_dict(record.get("metadata"))
            before, after = _others(about, said)
            for version in before:
                _add_other(builder, session.id, mark, version)
            builder.message(record, id=scoped_id(session.id, mark), **_fields(_SIDES[side], said, about))
            for version in after:
                _add_other(builder, session.id, mark, version)
    rest = value | {keys[0]: None}
    if type(visible) is list:
        rest[keys[1]] = visible[len(rows) :]
    if metadata:
        rest["metadata"] = {place: None if place in taken else item for place, item in metadata.items()}
    session.native = {"name": name, "chat": document.folded(rest, builder.attachments)}
    session.title = None if _NAMED_BY_TIME.fullmatch(name) else name
    if found := _NAMED_BY_TIME.fullmatch(name):
        session.created_at = iso("{}-{}-{}T{}:{}:{}".format(*found.groups()))
    session.created_at = session.created_at or next((m.timestamp for m in builder.messages if m.timestamp), None)
    session.messages = builder.messages
    return Reading([session], builder.attachments)


def _others(metadata: dict[str, Any], said: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The texts a side had before and after the one that is shown."""
    versions = list(enumerate(map(as_dict, as_list(metadata.get("versions")))))
    same = [number for number, item in versions if item.get("content") == said]
    chosen = metadata.get("current_version_index")
    shown = (
        chosen if chosen in same else same[-1] if same else len(versions)
    )  # it was edited since, or is being written
    others = [(number, item) for number, item in versions if number != shown and text(item.get("content"))]
    return [item for number, item in others if number < shown], [item for number, item in others if number > shown]


def _add_other(builder: Builder, session: str, mark: list[Any], version: dict[str, Any]) -> None:
    """Add a text that is not shown; its record is that of the message it is a version of."""
    fields = _fields(mark[0], version["content"], {"timestamp": version.get("timestamp")})
    own = scoped_id(session, [*mark, version["content"], version.get("timestamp")])
    builder.message(None, id=own, inactive=True, **fields)


_nothing = object()


def _is_row(row: Any) -> bool:
    return type(row) is list and len(row) == 2


def _fields(role: str, said: Any, metadata: dict[str, Any]) -> dict[str, Any]:
    parts: list[Part] = []
    texts: dict[str, str] = {}
    derived: dict[str, Json] = {}
    if role == "user":
        parts += [_attached(as_dict(item)) for item in as_list(metadata.get("attachments"))]
        parts += [{"type": "text", "text": said}] if text(said) and said != _GREETING else []
    else:
        for item in map(as_dict, as_list(metadata.get("tool_sequence"))):
            content = item.get("content")
            if item.get("role") == "tool":
                key = {"id": called} if type(called := item.get("tool_call_id")) is str else {}
                parts.append({"type": "tool_result"} | key | {"content": content if type(content) is str else ""})
                continue
            parts += [{"type": "text", "text": content}] if text(content) else []
            calls, made = calls_of(item.get("tool_calls"), len(parts))
            parts += calls
            texts |= made
        if text(said):
            answer, derived = thoughts.split(said, len(parts))
            parts += answer
    return {
        "role": role if parts else "event",
        "timestamp": _time(metadata.get("timestamp")),
        "content": plain(parts),
        "model": text(metadata.get("model_name")) if role == "assistant" else None,
        "json_texts": texts,
        "derived": derived,
    }


def _attached(item: dict[str, Any]) -> Part:
    kind, name, url = item.get("type"), text(item.get("name")), text(item.get("url"))
    own = {"name": name} if name is not None else {}
    if kind == "image":
        return image_of(item.get("image_data")) | own
    media_type = {"media_type": kind} if type(kind) is str and "/" in kind else {}
    return {"type": "file"} | own | media_type | ({"uri": url} if url is not None else {})


def _time(stored: Json) -> str | None:
    """A time as the program writes it: ``Aug 21, 2026 18:48``."""
    found = _TIME.fullmatch(stored) if type(stored) is str else None
    if found is None or found[1].title() not in _MONTHS:
        return iso(stored)
    return iso(f"{found[3]}-{_MONTHS.index(found[1].title()) + 1:02d}-{int(found[2]):02d}T{found[4]}")


def _given_back(value: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
    """The object of a file that records came from."""
    keys = next((keys for keys in _KEYS if keys[0] in value), _KEYS[0])
    rows: list[Any] = []
    visible: list[Any] = []
    metadata = value["metadata"] if type(value.get("metadata")) is dict else {}
    side = 0
    for record in records:
        shown = [record["visible"]] if "visible" in record else []
        if "internal" not in record:
            rows.append(record.get("row"))
            visible += shown
            side = 0
            continue
        if side == 0:
            rows.append([])
            visible += [[] for _ in shown]
        rows[-1].append(record["internal"])
        if shown and visible:
            visible[-1] += shown
        if "metadata" in record:
            metadata[f"{_SIDES[side]}_{len(rows) - 1}"] = record["metadata"]
        side = 1 - side
    made = value | {keys[0]: rows}
    if type(value.get(keys[1])) is list:
        made[keys[1]] = visible + value[keys[1]]
    return made | ({"metadata": metadata} if metadata else {})
