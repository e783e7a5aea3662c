"""Auggie, Augment's terminal agent: a JSON object per session, written anew after each answer.

::

    ~/.augment/sessions/<session>.json

An item of ``chatHistory`` is an exchange: what went to the model (a prompt, or what tools gave back), and what came
back. It becomes two messages, of which the second holds what was answered::

    {"asked": {…, "exchange": {…, "response_text": null}}}    null where the answer stood
    {"answered": {"response_text": …, "response_nodes": …}}
    {"whole": …}                                              an item that is no exchange

What the extension for VS Code keeps (a LevelDB) is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.reading import document, folders
from chasm_git.providers.reading.openai_chat import arguments_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.native import unfold
from chasm_git.session.times import iso

_HISTORY, _EXCHANGE = "chatHistory", "exchange"
_ANSWER = ("response_text", "response_nodes")
_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_FOLDERS = ("current_working_directory", "repository_root", "folder_root")


class Auggie(Provider):
    """Sessions of Augment's terminal agent."""

    name = "auggie"
    title = "Auggie (Augment)"
    note = "sessions of the command line in ~/.augment/sessions; not the chats of Augment's editor extensions"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All sessions by id. See `Provider.discover`."""
        faults: list[Problem] = []
        for entry in folders.listed(env.home / ".augment" / "sessions", faults):
            if entry.name.endswith(".json") and folders.is_file(entry):
                yield from folders.source(self.name, entry.name, entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        path = source.path
        try:
            value = document.load(path.read_bytes())
        except ValueError as error:
            return Reading(problems=[Problem(str(path), str(error))])
        problems: list[Problem] = []
        session, builder = Session(identity(value.get("sessionId")) or path.stem, self.name), Builder()
        for item in document.listed(value, _HISTORY, path, problems):
            _add(builder, session, item)
        if not any(message.role in ("user", "assistant") for message in builder.messages):
            return Reading(problems=problems or document.not_understood(builder.messages, path))
        session.title = text(value.get("title")) or text(value.get("customTitle"))
        session.created_at = iso(value.get("created"))
        session.workspace = session.workspace or text(value.get("workspaceRoot"))
        session.native = document.kept(value, _HISTORY, builder.attachments)
        session.messages = builder.messages
        return Reading([session], builder.attachments)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's object. See `Provider.export`."""
        native = as_dict(session.native)
        made = list(as_dict(document.unfolded(native.get("document"), load)).items())
        at = native.get("messages_at")
        records = [unfold(message, load) for message in session.messages if message.native is not None]
        made.insert(at if type(at) is int else len(made), (_HISTORY, _items(records)))
        name = session.id if _SAFE.fullmatch(session.id) else "session"
        return {f"{name}.json": jsonio.dumps(dict(made))}


def _add(builder: Builder, session: Session, item: Json) -> None:
    """Add the messages of an item."""
    value = as_dict(item)
    exchange = as_dict(value.get(_EXCHANGE))
    if not exchange:
        builder.message({"whole": item}, id=scoped_id(session.id, item), role="event")
        return
    answer = {name: exchange[name] for name in _ANSWER if name in exchange}
    asked = value | {_EXCHANGE: exchange | dict.fromkeys(answer)}
    key = identity(exchange.get("request_id")) or scoped_id(session.id, exchange.get("request_message"))
    time = iso(value.get("finishedAt"))
    builder.message({"asked": asked}, id=key, timestamp=time, **_asked(exchange, session))
    if not answer:
        return
    fields = _answered(exchange)
    if value.get("completed") is False:
        fields["status"] = "partial"
    builder.message({"answered": answer}, id=f"{key}.answer", timestamp=time, **fields)


def _items(records: list[Any]) -> list[Json]:
    """The items that records were made of."""
    made: list[Json] = []
    for record in map(as_dict, records):
        if "asked" in record:
            made.append(record["asked"])
        elif "answered" in record and made:
            exchange = as_dict(as_dict(made[-1]).get(_EXCHANGE))
            made[-1] = as_dict(made[-1]) | {_EXCHANGE: exchange | as_dict(record["answered"])}
        elif "whole" in record:
            made.append(record["whole"])
    return made


def _asked(exchange: dict[str, Any], session: Session) -> dict[str, Any]:
    """What went to the model: what a person typed stands there twice, as a text and as a node."""
    parts: list[Part] = []
    for node in map(as_dict, as_list(exchange.get("request_nodes"))):
        result = as_dict(node.get("tool_result_node"))
        image = as_dict(node.get("image_node"))
        if result:
            part: Part = {"type": "tool_result"}
            if type(key := result.get("tool_use_id")) is str:
                part["id"] = key
            part["content"] = said if type(said := result.get("content")) is str else ""
            parts.append(part | ({"is_error": True} if result.get("is_error") is True else {}))
        elif type(data := image.get("image_data")) is str:
            parts.append({"type": "image", "data": data})
        session.workspace = session.workspace or _folder(node.get("ide_state_node"))
    said = text(exchange.get("request_message"))
    role = "tool" if said is None and any(part["type"] == "tool_result" for part in parts) else "user"
    if said is not None:
        parts.append({"type": "text", "text": said})
    return {"role": role if parts else "event", "content": plain(parts)}


def _folder(state: Json) -> str | None:
    """The folder a prompt was given in, in what the client says of its surroundings."""
    value = as_dict(state)
    places = [value, as_dict(value.get("current_terminal")), *map(as_dict, as_list(value.get("workspace_folders")))]
    return next((place for name in _FOLDERS for one in places if (place := text(one.get(name))) is not None), None)


def _answered(exchange: dict[str, Any]) -> dict[str, Any]:
    """What came back: its text, thoughts and calls of tools."""
    parts: list[Part] = []
    texts: dict[str, str] = {}
    usage: dict[str, Json] | None = None
    if (said := text(exchange.get("response_text"))) is not None:
        parts.append({"type": "text", "text": said})
    for node in map(as_dict, as_list(exchange.get("response_nodes"))):
        thought, use = as_dict(node.get("thinking")), as_dict(node.get("tool_use"))
        if (summary := text(thought.get("summary")) or text(thought.get("content"))) is not None:
            parts.append({"type": "thinking", "text": summary})
        if use:
            part: Part = {"type": "tool_call"}
            if type(key := use.get("tool_use_id")) is str:
                part["id"] = key
            if type(name := use.get("tool_name")) is str:
                part["name"] = name
            stored = use.get("input_json")
            part["arguments"] = value = arguments_of(stored)
            if type(stored) is str and value is not stored:
                texts[f"content.{len(parts)}.arguments"] = stored
            parts.append(part)
        usage = tokens(node.get("token_usage"), "input_tokens", "output_tokens") or usage
    return {"role": "assistant", "content": plain(parts), "json_texts": texts, "usage": usage}
