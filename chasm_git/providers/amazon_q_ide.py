"""Amazon Q Developer in editors: one file for each workspace, with all chats held there.

::

    ~/.aws/amazonq/history/chat-history-<hash of the folder>.json
    ~/.aws/amazonq/history/chat-history-no-workspace.json

A file is a LokiJS store, whose collection ``tabs`` has the chats. A tab of the chat window is a session, whichever
conversations of the service it went through. Which folder a hash is of is not said. Of the store itself (its indexes,
its counters, the chosen model) nothing is kept. Amazon Q deletes the oldest messages when its files grow large. Nothing
else below ``~/.aws`` is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.reading import document, folders
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.native import unfold
from chasm_git.session.times import iso

_FILE = re.compile(r"chat-history-.+\.json")
_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_CONVERSATIONS, _MESSAGES = "conversations", "messages"
_TABS = "tabs"
_ROLES = {"prompt": "user", "answer": "assistant", "system-prompt": "system", "answer-stream": "assistant"}
"""Roles by a message's type; what else there is, the window made up."""


class AmazonQIDE(Provider):
    """Chats of Amazon Q in VS Code, JetBrains' and other editors."""

    name = "amazon-q-ide"
    title = "Amazon Q Developer (editors)"
    note = "chats of the editor extensions in ~/.aws/amazonq/history, which delete the oldest messages"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All files by name. See `Provider.discover`."""
        faults: list[Problem] = []
        for entry in folders.listed(env.home / ".aws" / "amazonq" / "history", faults):
            if _FILE.fullmatch(entry.name) and folders.is_file(entry):
                yield from folders.source(self.name, entry.name, entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """All chats of a file in which anything was said. See `Provider.read`."""
        reading = Reading()
        try:
            value = document.load(source.path.read_bytes())
        except ValueError as error:
            return Reading(problems=[Problem(str(source.path), str(error))])
        taken: set[str] = set()
        collections = [as_dict(one) for one in document.listed(value, "collections", source.path, reading.problems)]
        if collections and not any(collection.get("name") == _TABS for collection in collections):
            reading.problems.append(Problem(str(source.path), f"no collection in it is called {_TABS!r}"))
        for collection in collections:
            if collection.get("name") != _TABS:
                continue
            for tab in document.listed(collection, "data", source.path, reading.problems):
                session = _session(as_dict(tab), reading.attachments)
                if session is not None and session.id not in taken:
                    taken.add(session.id)
                    reading.sessions.append(session)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The tab's object. See `Provider.export`."""
        made = as_dict(document.unfolded(as_dict(session.native).get("tab"), load))
        conversations = as_list(made.get(_CONVERSATIONS))
        for message in session.messages:
            record = as_dict(unfold(message, load)) if message.native is not None else {}
            number = record.get("conversation")
            if type(number) is int and 0 <= number < len(conversations) and "message" in record:
                as_list(as_dict(conversations[number]).get(_MESSAGES)).append(record["message"])
        name = session.id if _SAFE.fullmatch(session.id) else "tab"
        return {f"{name}.json": jsonio.dumps(made)}


def _session(tab: dict[str, Any], into: dict[str, bytes]) -> Session | None:
    """The session of a tab; None where nobody said anything in it."""
    builder = Builder()
    conversations = as_list(tab.get(_CONVERSATIONS))
    first = next(
        (key for one in conversations if (key := identity(as_dict(one).get("conversationId"))) is not None), None
    )
    key = identity(tab.get("historyId")) or first or scoped_id("tab", tab)
    for number, conversation in enumerate(map(as_dict, conversations)):
        for item in as_list(conversation.get(_MESSAGES)):
            message = as_dict(item)
            time = iso(message.get("timestamp"))
            record = {"conversation": number, "message": item}
            own = identity(message.get("messageId"))
            builder.message(record, id=own or scoped_id(key, item), timestamp=time, **_fields(message))
    if not any(message.role in ("user", "assistant") for message in builder.messages):
        return None
    session = Session(key, AmazonQIDE.name, text(tab.get("title")))
    session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
    emptied = [
        one | {_MESSAGES: []} if type(one) is dict and type(one.get(_MESSAGES)) is list else one
        for one in conversations
    ]
    rest = tab | {_CONVERSATIONS: emptied} if type(tab.get(_CONVERSATIONS)) is list else tab
    session.native = {"tab": document.folded(rest, builder.attachments)}
    session.created_at = session.created_at or iso(tab.get("updatedAt"))
    session.messages = builder.messages
    into.update(builder.attachments)
    return session


def _fields(message: dict[str, Any]) -> dict[str, Any]:
    """Role and content of a message."""
    kind = message.get("type")
    role = _ROLES.get(kind, "event") if type(kind) is str else "event"
    said = text(message.get("body"))
    parts: list[Part] = [{"type": "text", "text": said}] if said is not None else []
    if role == "assistant":
        for use in map(as_dict, as_list(message.get("toolUses"))):
            part: Part = {"type": "tool_call"}
            for ours, theirs in (("id", "toolUseId"), ("name", "name")):
                if type(value := use.get(theirs)) is str:
                    part[ours] = value
            parts.append(part | {"arguments": use.get("input")})
    elif role == "user":
        context = as_dict(message.get("userInputMessageContext"))
        results = [_result(as_dict(item)) for item in as_list(context.get("toolResults"))]
        if results and said is None:
            role = "tool"
        parts = [*results, *parts]
    return {"role": role, "content": plain(parts), "injected": role == "system"}


def _result(result: dict[str, Any]) -> Part:
    part: Part = {"type": "tool_result"}
    if type(key := result.get("toolUseId")) is str:
        part["id"] = key
    part["content"] = "\n".join(_said(as_dict(block)) for block in as_list(result.get("content")))
    return part | {"is_error": True} if result.get("status") == "error" else part


def _said(block: dict[str, Any]) -> str:
    said: Json = block.get("text", block.get("json"))
    return said if type(said) is str else jsonio.dumps(said).decode()
