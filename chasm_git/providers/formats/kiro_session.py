"""Sessions of Kiro CLI 2: an object about the session, and a row for each message."""

from __future__ import annotations

import re
from typing import Any

from chasm_git.providers.base import Problem
from chasm_git.providers.reading import document, jsonl
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_ABOUT = "about"
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


def is_from_file(session: Session) -> bool:
    """Whether a session was read from files."""
    return type(session.native) is dict and "name" in session.native


def export(session: Session, load: Load) -> dict[str, bytes]:
    """The rows of a session, and the object about it where there was one."""
    native = as_dict(session.native)
    name = native.get("name")
    stem = name if type(name) is str and _SAFE_NAME.fullmatch(name) else "session"
    files = {f"{stem}.jsonl": jsonl.export(session, load)}
    if _ABOUT in native:
        files[f"{stem}.json"] = document.file_of(native[_ABOUT], load)
    return files


class Log(Transcript):
    """Takes in the rows of a session."""

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        kind, data = record.get("kind"), as_dict(record.get("data"))
        key, time = identity(data.get("message_id")), iso(as_dict(data.get("meta")).get("timestamp"))
        parts = [part for block in as_list(data.get("content")) if (part := _part(as_dict(block))) is not None]
        if kind == "Prompt":
            self.keep(record, line, "user", plain(parts), id=key, time=time)
        elif kind == "AssistantMessage":
            model = text(as_dict(data.get("meta")).get("model_id"))
            self.keep(record, line, "assistant", plain(parts), id=key, time=time, model=model)
        elif kind == "ToolResults":
            self.keep(record, line, "tool", plain(parts), id=key, time=time)
        elif kind == "Compaction":
            said = text(data.get("summary")) or ""
            self.keep(record, line, "user", plain(parts) or said, id=key, time=time, injected=True)
        else:
            self.keep(record, line, id=key, time=time)

    def finish(self) -> None:
        """What the object beside the rows says."""
        self.native["name"] = self.path.stem
        try:
            data = self.path.with_suffix(".json").read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            about = str(self.path.with_suffix(".json"))
            self.problems.append(Problem(about, error.strerror or str(error), fatal=False))
            return
        self.native[_ABOUT] = document.kept_file(data, self.builder.attachments)
        about_it = document.value_of(data)
        session = self.session
        session.id = identity(about_it.get("session_id")) or session.id
        session.title, session.workspace = text(about_it.get("title")), text(about_it.get("cwd"))
        session.created_at = session.created_at or iso(about_it.get("created_at"))
        origin = text(about_it.get("parent_session_id"))
        if about_it.get("session_created_reason") == "subagent":
            session.parent = origin
        else:
            session.forked_from = origin


def _part(block: dict[str, Any]) -> Part | None:
    kind, data = block.get("kind"), block.get("data")
    if kind == "text":
        return {"type": "text", "text": data} if type(data) is str else None
    inner = as_dict(data)
    if kind == "thinking":
        said = data if type(data) is str else inner.get("text")
        return {"type": "thinking", "text": said} if type(said) is str else None
    if kind == "toolUse":
        key, name = inner.get("toolUseId"), inner.get("name")
        known = {ours: value for ours, value in (("id", key), ("name", name)) if type(value) is str}
        return {"type": "tool_call", **known, "arguments": inner.get("input")}
    if kind == "toolResult":
        made: Part = {"type": "tool_result"} | ({"id": key} if type(key := inner.get("toolUseId")) is str else {})
        made["content"] = "\n".join(_said(as_dict(item)) for item in as_list(inner.get("content")))
        return made | ({"is_error": True} if inner.get("status") == "error" else {})
    if kind == "image":
        source = as_dict(inner.get("source"))
        media_type = f"image/{kind_of}" if type(kind_of := inner.get("format")) is str else "image/png"
        octets = source.get("data")
        return {"type": "image", "media_type": media_type} | ({"data": octets} if type(octets) is str else {})
    return None


def _said(item: dict[str, Any]) -> str:
    value: Json = item.get("data")
    if type(value) is str or value is None:
        return value or ""
    streams = [text(as_dict(value).get(name)) for name in ("stdout", "stderr")]
    if any(streams):
        return "\n".join(said for said in streams if said)
    return jsonio.dumps(value).decode()
