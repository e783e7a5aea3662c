"""LocalAI: chats of its web page, which keeps them in the browser and has no export of its own.

What a person saved from there is read: the text of the key ``localai_chats_data`` in the page's local storage, or of
``localai_agent_chats_…`` (in the browser's console: ``copy(localStorage.localai_chats_data)``). Messages have neither
ids nor times.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.listed import Listed
from chasm_git.providers.reading.openai_chat import content_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso


class LocalAI(Listed):
    """Chats of LocalAI's web page."""

    name = "localai"
    title = "LocalAI"
    note = "its page keeps chats in the browser: localai_chats_data of its local storage, saved as JSON (import)"
    within = ("chats", "conversations")
    list_key = "history"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        if {"chats", "lastSaved"} <= shape.top or {"chats", "activeChatId"} <= shape.top:
            return 0.9
        return 0.9 if "chats" in shape.top and {"history", "mcpMode"} <= shape.all else 0.0

    def session_of(self, value: dict[str, Any]) -> Session | None:
        """See `Listed.session_of`."""
        return Session(
            identity(value.get("id")) or "", self.name, text(value.get("name")), created_at=iso(value.get("createdAt"))
        )

    def fields_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """See `Listed.fields_of`."""
        role, stored = record.get("role"), record.get("content")
        said = content_of(stored)
        parts: list[Part] = [{"type": "text", "text": said}] if type(said) is str and said else as_list(said)
        if role == "user":
            names = (text(as_dict(item).get("name")) for item in as_list(record.get("files")))
            parts = [{"type": "file", "name": name} for name in names if name is not None] + parts
        elif role == "thinking" or role == "reasoning":
            thought = text(stored)
            parts = [{"type": "thinking", "text": thought}] if thought is not None else []
        elif role == "tool_call":
            parts = _call(stored)
        elif role == "tool_result":
            parts = [{"type": "tool_result", "content": said}]
        elif role != "assistant" and role != "system":
            return {"role": "event"}
        known = role if role in ("user", "system") else "tool" if role == "tool_result" else "assistant"
        return {"role": known if parts else "event", "content": plain(parts), "injected": role == "system"}


def _call(stored: Json) -> list[Part]:
    """A call of a tool, which is kept as the JSON text of its name and arguments."""
    try:
        value = as_dict(jsonio.loads(stored.encode("utf-8", "surrogatepass")) if type(stored) is str else stored)
    except ValueError:
        value = {}
    name = {"name": said} if (said := text(value.get("name"))) is not None else {}
    return [{"type": "tool_call"} | name | {"arguments": value.get("arguments", stored)}]
