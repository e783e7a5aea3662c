"""Factory's droid: one JSON-lines file per session below ``~/.factory/sessions``.

::

    sessions/<slug>/<session>.jsonl              a session; ``sessions/<session>.jsonl`` in older versions
    sessions/<slug>/<session>.settings.json      its model, and the tokens of all its answers together

The first row is the session's header: a fork names its origin there, a sub-agent's session the one that called it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.claude_rows import content_of
from chasm_git.providers.reading import document, folders, jsonl
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text, tokens, unwrapped
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_SUFFIX = ".jsonl"
_SETTINGS = ".settings.json"
_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_REMINDERS = re.compile(r"\s*(?:<system-reminder>.*?</system-reminder>\s*)+", re.DOTALL)
_ENDINGS = {"completed": None, "user_cancelled": "interrupted", "cancelled": "interrupted", "aborted": "interrupted"}


class FactoryDroid(Provider):
    """Sessions of Factory's terminal agent."""

    name = "factory-droid"
    title = "Factory droid"
    note = "sessions in ~/.factory/sessions (FACTORY_HOME_OVERRIDE)"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All session files, by project and name. See `Provider.discover`."""
        faults: list[Problem] = []
        root = env.folder("FACTORY_HOME_OVERRIDE", "") / ".factory" / "sessions"
        listed = folders.listed(root, faults)
        yield from _sessions("", listed, faults)
        for project in (entry for entry in listed if folders.is_folder(entry)):
            yield from _sessions(f"{project.name}/", folders.listed(project.path, faults), faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        stem = source.path.name.removesuffix(_SUFFIX)
        log = _Log(source.path, Session(stem, self.name))
        if source.extra == _SETTINGS:
            log.read_settings(source.path.with_name(stem + _SETTINGS))
        return log.reading()

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`."""
        return 0.95 if b'"session_start"' in sample.partition(b"\n")[0] else 0.0

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's JSON lines, then its settings. See `Provider.export`."""
        native = as_dict(session.native)
        stem = native.get("name")
        if type(stem) is not str or not _SAFE.fullmatch(stem):
            stem = session.id if _SAFE.fullmatch(session.id) else "session"
        files = {stem + _SUFFIX: jsonl.export(session, load)}
        if "settings" in native:
            files[stem + _SETTINGS] = document.file_of(native["settings"], load)
        return files


def _sessions(folder: str, listed: list[os.DirEntry[str]], faults: list[Problem]) -> Iterator[Source]:
    found = {entry.name: entry for entry in listed}
    for name, entry in found.items():
        if name.endswith(_SUFFIX) and folders.is_file(entry):
            settings = found.get(name.removesuffix(_SUFFIX) + _SETTINGS)
            beside = [settings] if settings is not None and folders.is_file(settings) else []
            extra = _SETTINGS if beside else None
            yield from folders.source(FactoryDroid.name, folder + name, entry, faults, beside, extra)


class _Log(Transcript):
    """The rows of one session."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self.native["name"] = session.id

    def read_settings(self, path: Path) -> None:
        """Keep the session's settings, which count its tokens."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            self.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))
            return
        self.native["settings"] = document.kept_file(data, self.builder.attachments)
        usage = tokens(document.value_of(data).get("tokenUsage"), "inputTokens", "outputTokens")
        if usage is not None:  # of all answers together: what they are of one answer is nowhere
            self.builder.message(None, id="usage", role="event", usage=usage)

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what a row says."""
        kind = record.get("type")
        time = iso(record.get("timestamp"))
        if kind == "message":
            fields = _message(as_dict(record.get("message")))
            self.keep(record, line, id=identity(record.get("id")), time=time, **fields)
        elif kind == "session_start":
            self._header(record)
            self.keep(record, line, time=time)
        elif kind == "compaction_state" and (summary := text(record.get("summaryText"))):
            self.keep(record, line, "user", summary, id=identity(record.get("id")), time=time, injected=True)
        elif kind == "agent_turn_outcome":
            self.keep(record, line, time=time, **_outcome(record.get("reason")))
        else:
            self.keep(record, line, id=identity(record.get("id")), time=time)

    def _header(self, record: dict[str, Any]) -> None:
        session = self.session
        if session.id == self.native["name"]:
            session.id = identity(record.get("id")) or session.id
        session.title = session.title or text(record.get("sessionTitle")) or text(record.get("title"))
        session.workspace = session.workspace or text(record.get("cwd"))
        session.parent = session.parent or text(record.get("callingSessionId"))
        if session.parent is None:
            session.forked_from = session.forked_from or text(record.get("parent"))


def _message(message: dict[str, Any]) -> dict[str, Any]:
    content = content_of(message.get("content"))
    role, visibility = message.get("role"), message.get("visibility")
    parts: list[Part] = [{"type": "text", "text": content}] if type(content) is str and content else as_list(content)
    if role == "assistant":
        return {"role": "assistant", "content": plain(parts), "model": text(message.get("modelId"))}
    if visibility == "user_only":  # a notice of the client's own
        return {"role": "system", "content": plain(parts)}
    if role != "user":
        return {"role": "system", "content": plain(parts), "injected": True} if role == "system" else {}
    if any(part["type"] == "tool_result" for part in parts):
        return {"role": "tool", "content": [part for part in parts if not _is_reminder(part)]}
    if visibility == "llm_only":
        return {"role": "user", "content": plain(parts), "injected": True}
    return _prompt(parts)


def _is_reminder(part: Part) -> bool:
    return part["type"] == "text" and _REMINDERS.fullmatch(part["text"]) is not None


def _prompt(parts: list[Part]) -> dict[str, Any]:
    """What the user typed: without the reminders the client puts in front of it."""
    derived: dict[str, Json] = {}
    kept = [part for part in parts if not _is_reminder(part)] or parts
    for number, part in enumerate(kept):
        found = _REMINDERS.match(part["text"]) if part["type"] == "text" else None
        if found is not None and found.end() < len(part["text"]):
            derived |= unwrapped(kept, number, found.end(), len(part["text"]))
    is_injected = bool(parts) and all(_is_reminder(part) for part in parts)
    return {"role": "user", "content": plain(kept), "derived": derived, "injected": is_injected}


def _outcome(reason: Json) -> dict[str, Any]:
    """How an answer ended, where it did not end well."""
    if type(reason) is not str or _ENDINGS.get(reason, "failed") is None:
        return {}
    return {"content": [{"type": "error", "text": reason}], "status": _ENDINGS.get(reason, "failed")}
