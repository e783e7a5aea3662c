"""Cline's terminal agent, from version 2 on: a folder per session below ``~/.cline/data/sessions``.

::

    <session>/<session>.messages.json       the messages, written anew on each change
    <session>/<session>.json                what the session is about
    <session>/agent_<id>.messages.json      a sub-agent's messages, a session of its own
    <session>/<session>.compaction.json     what the model is to see instead; not read, for it repeats the messages

Not read: ``data/db/sessions.db``, the list of all sessions. Its rows repeat those files; of a sub-agent, which has no
file of what it is about, they say besides when its process ran and how that ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.claude_rows import part_of
from chasm_git.providers.reading import document, folders
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text, tokens, unwrapped
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_SUFFIX = ".messages.json"
_COMPACTED = ".compaction.json"
_MESSAGES = "messages"
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_WRAPPED = re.compile(r'\s*<user_input mode="[^"]*">(.*)</user_input>\s*', re.DOTALL)


class ClineCLI(Provider):
    """Sessions of Cline's terminal agent and of what else is built on its SDK."""

    name = "cline"
    title = "Cline CLI"
    note = "sessions and sub-agents in ~/.cline/data/sessions (CLINE_DIR); not the VS Code extension's tasks"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All sessions by id, sub-agents after theirs. See `Provider.discover`."""
        faults: list[Problem] = []
        for folder in folders.folders(_root(env), faults):
            listed = [entry for entry in folders.listed(folder.path, faults) if folders.is_file(entry)]
            manifest = [entry for entry in listed if entry.name == f"{folder.name}.json"]
            found = [entry for entry in listed if entry.name.endswith(_SUFFIX)]
            for entry in sorted(found, key=lambda entry: (entry.name != folder.name + _SUFFIX, entry.name)):
                yield from folders.source(self.name, f"{folder.name}/{entry.name}", entry, faults, manifest)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        path = source.path
        if path.name.endswith(_COMPACTED):
            reason = f"what Cline made of a session that grew too long; all of it is in the file that ends in {_SUFFIX}"
            return Reading(problems=[Problem(str(path), reason)])
        try:
            value = document.load(path.read_bytes())
        except ValueError as error:
            return Reading(problems=[Problem(str(path), str(error))])
        reading, builder = Reading(), Builder()
        session = _session(path, value)
        for item in document.listed(value, _MESSAGES, path, reading.problems):
            _add(builder, session, item)
        if not any(message.role in ("user", "assistant") for message in builder.messages):
            reading.problems = reading.problems or document.not_understood(builder.messages, path)
            return reading
        session.native = {"name": path.name} | document.kept(value, _MESSAGES, builder.attachments)
        session.messages = builder.messages
        _describe(session, path, builder.attachments, reading.problems)
        if session.created_at is None:
            session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
        reading.sessions.append(session)
        reading.attachments = builder.attachments
        return reading

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`."""
        top = shape_of(sample).top
        is_own = {"version", "sessionId"} <= top or name.endswith((_SUFFIX, _COMPACTED))
        return 0.95 if is_own and _MESSAGES in top else 0.0

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's messages, and what it is about. See `Provider.export`."""
        native = as_dict(session.native)
        name = native.get("name")
        if type(name) is not str or not _SAFE_NAME.fullmatch(name):
            name = f"{session.id if _SAFE_NAME.fullmatch(session.id) else 'session'}{_SUFFIX}"
        files = {name: document.given_back(session, _MESSAGES, load)}
        if "manifest" in native:
            files[f"{name.removesuffix(_SUFFIX)}.json"] = document.file_of(native["manifest"], load)
        return files


def _root(env: Env) -> Path:
    sessions = env.variables.get("CLINE_SESSION_DATA_DIR")
    if sessions:
        return Path(sessions)
    data = env.variables.get("CLINE_DATA_DIR")
    return (Path(data) if data else env.folder("CLINE_DIR", ".cline") / "data") / "sessions"


def _session(path: Path, value: dict[str, Any]) -> Session:
    """The session of a file: its own, or that of a sub-agent beside it."""
    stem, folder = path.name.removesuffix(_SUFFIX), path.parent.name
    is_lead = stem == folder or value.get("agent") == "lead"
    made = Session(identity(value.get("sessionId")) or (folder if is_lead else f"{folder}__{stem}"), ClineCLI.name)
    if not is_lead:
        made.parent = text(as_dict(value.get("origin")).get("parentThreadId")) or folder
    return made


def _describe(session: Session, path: Path, into: dict[str, bytes], problems: list[Problem]) -> None:
    """Take what the manifest says; a sub-agent is called as the session it works for."""
    place = path.parent / f"{path.parent.name}.json"
    try:
        data = place.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(Problem(str(place), error.strerror or str(error), fatal=False))
        return
    said = document.value_of(data)
    about = as_dict(said.get("metadata"))
    session.title = text(about.get("title"))
    session.workspace = text(said.get("cwd")) or text(said.get("workspace_root"))
    if session.parent is not None:
        return
    session.native["manifest"] = document.kept_file(data, into)
    session.created_at = iso(said.get("started_at"))
    session.forked_from = text(as_dict(about.get("fork")).get("forkedFromSessionId"))
    known = as_dict(about.get("git"))
    names = (("branch", "branch"), ("remote", "url"))
    session.git = {ours: value for ours, theirs in names if (value := text(known.get(theirs)))} or None


def _add(builder: Builder, session: Session, item: Json) -> None:
    record = as_dict(item)
    stored = record.get("content")
    blocks = [{"type": "text", "text": stored}] if type(stored) is str else as_list(stored)
    parts = [part for block in blocks if (part := _part(block)) is not None]
    builder.message(
        item,
        id=identity(record.get("id")) or scoped_id(session.id, item),
        timestamp=iso(record.get("ts")),
        line=document.line_of(item),
        **_fields(record, parts),
    )


def _fields(record: dict[str, Any], parts: list[Part]) -> dict[str, Any]:
    role, about = record.get("role"), as_dict(record.get("metadata"))
    if role == "assistant":
        return {
            "role": "assistant",
            "content": plain(parts),
            "model": text(as_dict(record.get("modelInfo")).get("id")),
            "usage": tokens(record.get("metrics"), "inputTokens", "outputTokens"),
            "status": "failed" if about.get("displayRole") == "error" else None,
        }
    if role != "user":
        return {"role": "event", "content": ""}
    if parts and all(part["type"] == "tool_result" for part in parts):
        return {"role": "tool", "content": parts}
    derived: dict[str, Json] = {}
    for number, part in enumerate(parts):
        if part["type"] == "text" and (found := _WRAPPED.fullmatch(part["text"])) is not None:
            derived |= unwrapped(parts, number, found.start(1), found.end(1))
    is_injected = str(about.get("kind", "")).startswith("compaction") or about.get("displayRole") == "system"
    return {"role": "user", "content": plain(parts), "derived": derived, "injected": is_injected}


def _part(block: Json) -> Part | None:
    """The part a content block is: as in Anthropic's API, with results, files and images of Cline's own."""
    kind = block.get("type") if type(block) is dict else None
    if kind == "tool_result":
        return _result(block)
    if kind == "file" and (path := text(block.get("path"))) is not None:
        return {"type": "file", "uri": path}
    if kind == "image" and type(data := block.get("data")) is str:
        media_type = text(block.get("mediaType"))
        return {"type": "image"} | ({"media_type": media_type} if media_type is not None else {}) | {"data": data}
    return part_of(block)


def _result(block: dict[str, Any]) -> Part:
    """What a tool gave back: a text, or a list with an entry for each thing it was asked for."""
    stored = block.get("content")
    if not (type(stored) is list and stored and all("result" in as_dict(entry) for entry in stored)):
        made = part_of(block)
        return made if made is not None else {"type": "tool_result", "content": ""}
    part: Part = {"type": "tool_result"}
    if type(key := block.get("tool_use_id")) is str:
        part["id"] = key
    part["content"] = plain([{"type": "text", "text": _said(entry)} for entry in stored])
    if block.get("is_error") is True or any(entry.get("success") is False for entry in stored):
        part["is_error"] = True
    return part


def _said(entry: dict[str, Any]) -> str:
    said = entry["result"]
    if type(said) is str and said:
        return said
    return text(entry.get("error")) or ("" if said in (None, "") else jsonio.dumps(said).decode())
