"""Qwen Code: one JSON-lines file per session below ``~/.qwen``.

::

    projects/<slug>/chats/<session>.jsonl                        a session
    projects/<slug>/subagents/<session>/agent-<id>.jsonl         a sub-agent's session, with agent-<id>.meta.json
    tmp/<project>/chats/session-….json                           before 0.5: Gemini CLI's recordings

Every row names the one above it: a rewind goes back and grows another branch in the same file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.gemini_parts import parts_of, typed
from chasm_git.providers.gemini_cli import export_recording, read_recording, recordings
from chasm_git.providers.reading import document, folders, jsonl
from chasm_git.providers.reading.branches import abandoned
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text, tokens
from chasm_git.session.attachments import Load
from chasm_git.session.model import Message, Part, Session
from chasm_git.session.times import iso

_SUFFIX = ".jsonl"
_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_BESIDE = frozenset({"custom_title", "session_artifact_event", "session_artifact_snapshot", "session_sources_snapshot"})
"""Rows that are written beside the conversation: none of them says which branch stands."""
_ANSWERS = re.compile(rb'"type":\s*"qwen"')
_TYPED = frozenset({"mid_turn_user_message", "agent_launch_prompt", "realtime_message", "user_text_elements"})
"""Subtypes of prompts somebody gave."""


class QwenCode(Provider):
    """Sessions of Qwen Code, and those of its first versions, which wrote as Gemini CLI does."""

    name = "qwen-code"
    title = "Qwen Code"
    note = "sessions and sub-agents in ~/.qwen/projects (QWEN_HOME, QWEN_RUNTIME_DIR)"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All sessions by project and id, sub-agents after them. See `Provider.discover`."""
        faults: list[Problem] = []
        home = env.folder("QWEN_HOME", ".qwen")
        runtime = env.folder("QWEN_RUNTIME_DIR", str(home))
        yield from _sources(home, "", faults)
        if runtime != home:
            yield from _sources(runtime, "runtime/", faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        path, parent = source.path, text(as_dict(source.extra).get("agent_of"))
        if as_dict(source.extra).get("is_recording") or path.suffix == ".json":
            return read_recording(source)
        stem = path.name.removesuffix(_SUFFIX)
        log = _Log(path, Session(stem if parent is None else f"{parent}/{stem}", self.name, parent=parent))
        if parent is not None:
            _read_meta(log, path.with_name(f"{stem}.meta.json"))
        return log.reading()

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`. The first versions wrote as Gemini CLI does, but for the name of who answers."""
        is_recording = {"sessionId", "projectHash", "messages"} <= shape_of(sample).top
        return 0.95 if is_recording and _ANSWERS.search(sample) is not None else 0.0

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's JSON lines, and what is known of a sub-agent. See `Provider.export`."""
        native = as_dict(session.native)
        if "name" in native:
            return export_recording(session, load)
        stem = session.id.rpartition("/")[2]
        stem = stem if _SAFE.fullmatch(stem) else "session"
        files = {stem + _SUFFIX: jsonl.export(session, load)}
        if "meta" in native:
            files[f"{stem}.meta.json"] = document.file_of(native["meta"], load)
        return files


def _sources(root: Path, mark: str, faults: list[Problem]) -> Iterator[Source]:
    """All sources below a root; `mark` begins their keys."""
    for project in folders.folders(root / "projects", faults):
        for entry in folders.listed(Path(project.path) / "chats", faults):
            if entry.name.endswith(_SUFFIX) and folders.is_file(entry):
                yield from folders.source(QwenCode.name, f"{mark}{project.name}/{entry.name}", entry, faults)
        for session in folders.folders(Path(project.path) / "subagents", faults):
            yield from _agents(mark + project.name, session, faults)
    for source in recordings(QwenCode.name, root / "tmp", faults):
        extra = as_dict(source.extra) | {"is_recording": True}
        yield replace(source, key=f"{mark}tmp/{source.key}", extra=extra)


def _agents(project: str, session: os.DirEntry[str], faults: list[Problem]) -> Iterator[Source]:
    listed = {entry.name: entry for entry in folders.listed(session.path, faults)}
    for name, entry in listed.items():
        if name.endswith(_SUFFIX) and folders.is_file(entry):
            meta = listed.get(f"{name.removesuffix(_SUFFIX)}.meta.json")
            beside = [meta] if meta is not None and folders.is_file(meta) else []
            key, extra = f"{project}/{session.name}/{name}", {"agent_of": session.name}
            yield from folders.source(QwenCode.name, key, entry, faults, beside, extra)


def _read_meta(log: Transcript, path: Path) -> None:
    """Keep what is known of a sub-agent besides its rows."""
    try:
        log.native["meta"] = document.kept_file(path.read_bytes(), log.builder.attachments)
    except FileNotFoundError:
        return
    except OSError as error:
        log.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))


class _Log(Transcript):
    """The rows of one session."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self._above: dict[str, str | None] = {}
        self._leaf: str | None = None
        self._rows: list[tuple[str, Message]] = []
        """The messages of rows that have an id, which several rows may share."""
        self._answer: str | None = None
        """Id of the first row of the model answer that is being read."""

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what a row says."""
        key = identity(record.get("uuid"))
        subtype = record.get("subtype")
        self._note_facts(record)
        if key is not None:
            above = record.get("parentUuid")
            self._above.setdefault(key, above if type(above) is str else None)
            if not (type(subtype) is str and subtype in _BESIDE):
                self._leaf = key
        fields = self._fields(record, subtype)
        made = self.keep(record, line, id=key, time=iso(record.get("timestamp")), **fields)
        if key is not None:
            self._rows.append((key, made))
        if made.role == "assistant":
            self._answer = made.turn = self._answer or made.id
        elif made.role in ("user", "tool"):
            self._answer = None

    def _note_facts(self, record: dict[str, Any]) -> None:
        """The session's own fields are those of the first row that has them; its title is the last one it got."""
        session = self.session
        session.workspace = session.workspace or text(record.get("cwd"))
        if session.git is None and (branch := text(record.get("gitBranch"))):
            session.git = {"branch": branch}
        if session.forked_from is None and session.parent is None:
            origin = record.get("forkedFrom")
            session.forked_from = text(origin.get("sessionId") if type(origin) is dict else origin)
        if record.get("subtype") == "custom_title":
            session.title = text(as_dict(record.get("systemPayload")).get("customTitle")) or session.title

    def _fields(self, record: dict[str, Any], subtype: Any) -> dict[str, Any]:
        kind, payload = record.get("type"), as_dict(record.get("systemPayload"))
        parts = parts_of(as_dict(record.get("message")).get("parts"))
        if kind == "assistant":
            model, usage = text(record.get("model")), record.get("usageMetadata")
            counted = tokens(usage, "promptTokenCount", "candidatesTokenCount")
            return {"role": "assistant", "content": plain(parts), "model": model, "usage": counted}
        if kind == "tool_result":
            results = [part for part in parts if part["type"] == "tool_result"]
            carried = [part for part in parts if part["type"] in ("image", "file")]
            if results and carried:
                results[0]["content"] = [{"type": "text", "text": results[0]["content"]}, *carried]
            if results and as_dict(record.get("toolCallResult")).get("status") in ("error", "cancelled"):
                results[0]["is_error"] = True
            return {"role": "tool", "content": results or ""}
        if kind == "user":
            return _prompt(parts, payload, record, subtype)
        if subtype == "chat_compression":
            summary = _summary(payload)
            return {"role": "user", "content": summary, "injected": True} if summary else {}
        return {}

    def finish(self) -> None:
        """Only the branch that ends with the latest row is the conversation as it stands."""
        left = abandoned(self._above, self._leaf)
        for key, message in self._rows if left else ():
            message.inactive = key in left and message.role != "event"


def _prompt(parts: list[Part], payload: dict[str, Any], record: dict[str, Any], subtype: Any) -> dict[str, Any]:
    """What the user typed, without what hooks put beside it."""
    kept, is_injected = typed(parts)
    shown = text(payload.get("displayText"))
    if shown is not None:
        typed_parts = [part for part in kept if part.get("text") == shown]
        kept = [*typed_parts[:1], *(part for part in kept if part["type"] != "text")] if typed_parts else kept
    if record.get("provenance") not in (None, "real_user"):
        is_injected = True
    if type(subtype) is str and subtype not in _TYPED:
        is_injected = True
    return {"role": "user", "content": plain(kept)} | ({"injected": True} if is_injected else {})


def _summary(payload: dict[str, Any]) -> str | None:
    """What a compaction made of all that was said before."""
    for content in as_list(payload.get("compressedHistory")):
        for part in parts_of(as_dict(content).get("parts")):
            if part["type"] == "text" and part["text"].lstrip().startswith("<state_snapshot>"):
                return str(part["text"])
    return None
