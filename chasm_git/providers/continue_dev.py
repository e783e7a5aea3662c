"""Continue: one JSON object per session below ``~/.continue``, of its terminal agent (``cn``) and its IDE extensions.

::

    sessions/<session>.json     a session, written anew on each change
    sessions/sessions.json      when each session was begun

A message has no id and mostly no time. What a tool gave back stands in the item of the answer that called it. Ids are
made from what an answer answers, so that one that is written anew, or tried again, is the same message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source, stamp
from chasm_git.providers.formats.vscode_uris import path_of, uri_of
from chasm_git.providers.reading import document, folders
from chasm_git.providers.reading.openai_chat import calls_of, content_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, origin_id, plain, scoped_id, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_INDEX = "sessions.json"
_HISTORY = "history"
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_ENDED = ("done", "errored", "canceled")


class ContinueDev(Provider):
    """Sessions of Continue's terminal agent and its extensions for VS Code and JetBrains."""

    name = "continue"
    title = "Continue"
    note = "sessions of `cn` and of the IDE extensions in ~/.continue/sessions (CONTINUE_GLOBAL_DIR)"

    def __init__(self) -> None:
        self._index: tuple[str, dict[str, str | None]] = ("", {})
        """When each session was begun, and the stamp of the file that says so."""

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All session files, by name. See `Provider.discover`."""
        faults: list[Problem] = []
        for entry in folders.listed(env.folder("CONTINUE_GLOBAL_DIR", ".continue") / "sessions", faults):
            if entry.name.endswith(".json") and entry.name != _INDEX and folders.is_file(entry):
                yield from folders.source(self.name, entry.name, entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        path = source.path
        try:
            value = document.load(path.read_bytes())
        except ValueError as error:
            return Reading(problems=[Problem(str(path), str(error))])
        session = Session(identity(value.get("sessionId")) or path.stem, self.name)
        builder, problems = Builder(), list[Problem]()
        history = _History(builder, session)
        for item in document.listed(value, _HISTORY, path, problems):
            history.add(item)
        if not any(message.role in ("user", "assistant") for message in builder.messages):
            return Reading(problems=problems or document.not_understood(builder.messages, path))
        reading = Reading([session], builder.attachments)
        session.title = text(value.get("title"))
        session.forked_from = origin_id(value)
        session.workspace = _workspace(value.get("workspaceDirectory"))
        session.created_at = self._begun(path.parent / _INDEX, reading.problems).get(session.id)
        if session.created_at is None:
            session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
        session.native = document.kept(value, _HISTORY, builder.attachments)
        session.messages = builder.messages
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's object. See `Provider.export`."""
        name = session.id if _SAFE_NAME.fullmatch(session.id) else "session"
        return {f"{name}.json": document.given_back(session, _HISTORY, load)}

    def _begun(self, path: Path, problems: list[Problem]) -> dict[str, str | None]:
        """When the sessions were begun, by id, as their index says; read when it has changed."""
        try:
            marks = f"{path} {stamp(path.stat())}"
            if marks != self._index[0]:
                listed = jsonio.loads(path.read_bytes())
                entries = [entry for entry in as_list(listed) if type(as_dict(entry).get("sessionId")) is str]
                self._index = marks, {entry["sessionId"]: _time(entry.get("dateCreated")) for entry in entries}
        except FileNotFoundError:
            self._index = "", {}
        except (OSError, ValueError) as error:
            problems.append(Problem(str(path), f"cannot be read: {error}", fatal=False))
        return self._index[1]


def _time(value: Json) -> str | None:
    """A time as Continue writes it: milliseconds in a text, ISO 8601 before that."""
    return iso(int(value)) if type(value) is str and value.isdecimal() and len(value) < 20 else iso(value)


def _workspace(value: Json) -> str | None:
    """The folder: a path of the terminal agent's, a URI of the extensions'."""
    said = text(value)
    return path_of(said) if said is not None and said.startswith("file://") else said


class _History:
    """Adds the items of a session, in their order."""

    def __init__(self, builder: Builder, session: Session) -> None:
        self._builder = builder
        self._session = session
        self._prompt: Json = None
        self._since = 0
        """Items since the prompt."""
        self._answered: set[str] = set()
        self._thought: str | None = None
        """Id of the thought that stands right above."""

    def add(self, item: Json) -> None:
        """Add one item, whatever it is."""
        record = as_dict(item)
        message = as_dict(record.get("message"))
        role = message.get("role")
        thought, self._thought = self._thought, None
        fields: dict[str, Any] = {"role": "event"}
        if role == "user":
            fields = {"role": "user", "content": _prompt(record, message)}
        elif role == "assistant":
            fields = self._answer(record, message)
            fields["turn"] = thought
        elif role == "thinking":
            said = text(message.get("content")) or ""
            fields = {"role": "assistant", "content": [{"type": "thinking", "text": said}]}
        elif role == "tool":
            fields = self._result(message)
        elif role == "system":
            fields = {"role": "system", "content": content_of(message.get("content")), "injected": True}
        key = self._key(role, item, message)
        if role == "thinking":
            self._thought = fields["turn"] = key
        self._builder.message(item, id=key, line=document.line_of(item), **fields)

    def _key(self, role: Json, item: Json, message: dict[str, Any]) -> str:
        """An id that does not depend on how much of an answer there is yet."""
        if role == "user":
            self._prompt, self._since = message.get("content"), 0
            return scoped_id(self._session.id, ["user", self._prompt])
        if type(role) is not str or "role" not in message:
            return scoped_id(self._session.id, item)
        self._since += 1
        calls = [as_dict(call).get("id") for call in as_list(message.get("toolCalls"))]
        place = calls or [message.get("toolCallId")] if calls or "toolCallId" in message else self._since
        return scoped_id(self._session.id, [role, self._prompt, place])

    def _answer(self, record: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
        parts: list[Part] = []
        reasoning = as_dict(record.get("reasoning"))
        if thought := text(reasoning.get("text")):
            parts.append({"type": "thinking", "text": thought})
        said = content_of(message.get("content"))
        parts += [{"type": "text", "text": said}] if type(said) is str and said else as_list(said)
        calls, texts = calls_of(message.get("toolCalls"), len(parts))
        parts += calls
        states = as_list(record.get("toolCallStates")) or [record.get("toolCallState")]
        parts += [part for state in states if (part := self._state(as_dict(state))) is not None]
        usage = as_dict(message.get("usage"))
        names = (
            ("prompt_tokens", "completion_tokens") if "prompt_tokens" in usage else ("promptTokens", "completionTokens")
        )
        logs = as_list(record.get("promptLogs"))
        return {
            "role": "assistant",
            "content": plain(parts),
            "json_texts": texts,
            "timestamp": iso(reasoning.get("startAt")),
            "usage": tokens(usage, *names),
            "model": text(usage.get("model")) or (text(as_dict(logs[-1]).get("modelTitle")) if logs else None),
        }

    def _state(self, state: dict[str, Any]) -> Part | None:
        """What a tool gave back; None where it has given nothing yet."""
        output, status = state.get("output"), state.get("status")
        if status not in _ENDED or type(output) is not list or not output:
            return None
        part: Part = {"type": "tool_result"}
        if type(key := state.get("toolCallId")) is str:
            part["id"] = key
            self._answered.add(key)
        part["content"] = plain([{"type": "text", "text": text(as_dict(item).get("content")) or ""} for item in output])
        if status != "done":
            part["is_error"] = True
        return part

    def _result(self, message: dict[str, Any]) -> dict[str, Any]:
        """A result in an item of its own, unless it stands with its call."""
        key = message.get("toolCallId")
        if type(key) is str:
            if key in self._answered:
                return {"role": "event"}
            self._answered.add(key)
        part: Part = {"type": "tool_result"} | ({"id": key} if type(key) is str else {})
        return {"role": "tool", "content": [part | {"content": content_of(message.get("content"))}]}


def _prompt(record: dict[str, Any], message: dict[str, Any]) -> str | list[Part]:
    """What the user typed, and what it points to."""
    said = content_of(message.get("content"))
    parts: list[Part] = [{"type": "text", "text": said}] if type(said) is str else as_list(said)
    for item in as_list(record.get("contextItems")):
        uri = uri_of(as_dict(as_dict(item).get("uri")).get("value"))
        if uri is not None:
            name = text(item.get("name"))
            parts.append({"type": "reference", "uri": uri, **({"name": name} if name is not None else {})})
    return plain(parts)
