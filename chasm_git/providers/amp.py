"""Amp: a JSON object for each thread, written anew on each change.

::

    $XDG_DATA_HOME/amp/threads/T-<uuid>.json                           the command line's
    Code/User/globalStorage/sourcegraph.amp/threads3/T-<uuid>.json     the extension's

Threads live on Amp's server; newer versions keep no copy here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.vscode_uris import path_of
from chasm_git.providers.reading import document, folders, sqlite_copy
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_FILE = re.compile(r"T-.*\.json")
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_MESSAGES = "messages"
_FAILED = frozenset({"error", "cancelled", "rejected-by-user"})
_TOKENS = {
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "cacheCreationInputTokens": "cache_creation_input_tokens",
    "cacheReadInputTokens": "cache_read_input_tokens",
}


class Amp(Provider):
    """Threads of Amp's command line and its extension for VS Code, as far as they are kept here."""

    name = "amp"
    title = "Amp"
    note = "copies of threads in $XDG_DATA_HOME/amp/threads and in the extension's storage; newer versions keep none"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All threads, the command line's first. See `Provider.discover`."""
        faults: list[Problem] = []
        own = sqlite_copy.data_home(env) / "amp" / "threads"
        extension = env.config_home() / "Code" / "User" / "globalStorage" / "sourcegraph.amp" / "threads3"
        for folder, prefix in ((own, ""), (extension, "vscode/")):
            for entry in folders.listed(folder, faults):
                if _FILE.fullmatch(entry.name) and folders.is_file(entry):
                    yield from folders.source(self.name, prefix + entry.name, entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One thread, or none where nobody said anything in it. See `Provider.read`."""
        path = source.path
        try:
            value = document.load(path.read_bytes())
        except ValueError as error:
            return Reading(problems=[Problem(str(path), str(error))])
        problems: list[Problem] = []
        session = Session(identity(value.get("id")) or path.stem, self.name, text(value.get("title")))
        builder = Builder()
        for message in document.listed(value, _MESSAGES, path, problems):
            _add(builder, session.id, message)
        if not any(message.role in ("user", "assistant") for message in builder.messages):
            return Reading(problems=problems or document.not_understood(builder.messages, path))
        tree = as_dict(next(iter(as_list(as_dict(as_dict(value.get("env")).get("initial")).get("trees"))), None))
        uri = text(tree.get("uri"))
        session.workspace = path_of(uri) if uri is not None and uri.startswith("file://") else uri
        session.git = _git(as_dict(tree.get("repository")))
        session.parent, session.forked_from = text(value.get("mainThreadID")), _forked_from(value)
        session.created_at = iso(value.get("created"))
        session.native = document.kept(value, _MESSAGES, builder.attachments)
        session.messages = builder.messages
        return Reading([session], builder.attachments)

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`."""
        return 0.95 if {"v", "id", _MESSAGES} <= shape_of(sample).top and b'"T-' in sample[:4096] else 0.0

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The thread's object. See `Provider.export`."""
        name = session.id if _SAFE_NAME.fullmatch(session.id) else "thread"
        return {f"{name}.json": document.given_back(session, _MESSAGES, load)}


def _forked_from(value: dict[str, Any]) -> str | None:
    origin = value.get("forkedFrom")
    return text(origin) or text(as_dict(origin).get("threadID"))


def _git(repository: dict[str, Any]) -> dict[str, Json] | None:
    ref = text(repository.get("ref"))
    known = {
        "branch": ref.removeprefix("refs/heads/") if ref is not None else None,
        "commit": text(repository.get("sha")),
        "remote": text(repository.get("url")),
    }
    return {name: value for name, value in known.items() if value is not None} or None


def _add(builder: Builder, thread: str, record: Json) -> None:
    """Add the message a record stands for."""
    message = as_dict(record)
    number = message.get("messageId")
    key = str(number) if type(number) is int else identity(number) or scoped_id(thread, record)
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if type(content) is str else as_list(content)
    parts = [part for block in blocks for part in _parts(as_dict(block))]
    usage = as_dict(message.get("usage"))
    time = iso(as_dict(message.get("meta")).get("sentAt")) or iso(usage.get("timestamp"))
    role = message.get("role")
    if role == "user":
        is_result = bool(parts) and all(part["type"] == "tool_result" for part in parts)
        builder.message(record, id=key, role="tool" if is_result else "user", timestamp=time, content=plain(parts))
        return
    if role != "assistant":
        builder.message(record, id=key, role="event", timestamp=time, line=document.line_of(record))
        return
    state = as_dict(message.get("state"))
    status = {"cancelled": "interrupted", "error": "failed", "streaming": "partial"}.get(str(state.get("type")))
    if status == "failed":
        error = as_dict(state.get("error"))
        parts.append({"type": "error", "text": text(error.get("message")) or text(state.get("error")) or "failed"})
    counts = {ours: usage[theirs] for theirs, ours in _TOKENS.items() if type(usage.get(theirs)) is int}
    builder.message(
        record,
        id=key,
        role="assistant",
        timestamp=time,
        content=plain(parts),
        model=text(usage.get("model")),
        status=status,
        usage=counts or None,
    )


def _parts(block: dict[str, Any]) -> list[Part]:
    kind = block.get("type")
    if kind == "text":
        return [{"type": "text", "text": said}] if type(said := block.get("text")) is str else []
    if kind == "thinking":
        return [{"type": "thinking", "text": said}] if type(said := block.get("thinking")) is str else []
    if kind == "tool_use":
        known = {name: value for name in ("id", "name") if type(value := block.get(name)) is str}
        return [{"type": "tool_call", **known, "arguments": block.get("input")}]
    if kind == "tool_result":
        return _result(block)
    if kind == "image":
        return [_image(as_dict(block.get("source")))]
    return []


def _result(block: dict[str, Any]) -> list[Part]:
    """What a tool gave back; nothing while it runs."""
    run = as_dict(block.get("run"))
    status = text(run.get("status"))
    result = run.get("result") if run.get("result") is not None else run.get("error")
    if result is None and status not in ("done", *_FAILED):
        return []
    part: Part = {"type": "tool_result"} | ({"id": key} if type(key := block.get("toolUseID")) is str else {})
    part["content"] = _said(result) or text(run.get("reason")) or ""
    return [part | {"is_error": True} if status in _FAILED else part]


def _said(result: Json) -> str:
    """A result as text: mostly it is an object with one in it."""
    if type(result) is str or result is None:
        return result or ""
    for name in ("output", "content", "message"):
        if type(said := as_dict(result).get(name)) is str:
            return said
    return jsonio.dumps(result).decode()


def _image(source: dict[str, Any]) -> Part:
    names = {"mediaType": "media_type", "media_type": "media_type", "data": "data", "url": "uri"}
    return {"type": "image"} | {
        ours: source[theirs] for theirs, ours in names.items() if type(source.get(theirs)) is str
    }
