"""big-AGI: conversations, which it keeps in the browser, as it exports them: one, or all of them with its settings.

::

    conversation_….agi.json      a conversation
    backup_chats_….agi.json      {"conversations": […], "models": {…}, …}: keys of services stand in the latter, unread

A message is a list of fragments; before version 2 of the program it was a text.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.listed import Listed
from chasm_git.providers.reading.openai_chat import arguments_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso


class BigAGI(Listed):
    """Conversations of big-AGI."""

    name = "big-agi"
    title = "big-AGI"
    note = "exported conversations and backups, *.agi.json, without the keys in them (chasm harvest import)"
    within = ("conversations",)

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        return 0.95 if "systemPurposeId" in shape.all and shape.top & {"conversations", "messages"} else 0.0

    def session_of(self, value: dict[str, Any]) -> Session | None:
        """See `Listed.session_of`."""
        title = text(value.get("userTitle")) or text(value.get("autoTitle"))
        return Session(identity(value.get("id")) or "", self.name, title, created_at=iso(value.get("created")))

    def fields_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """See `Listed.fields_of`."""
        role = record.get("role")
        parts: list[Part] = []
        texts: dict[str, str] = {}
        for item in as_list(record.get("fragments")):
            _add(parts, texts, as_dict(as_dict(item).get("part")))
        if (said := text(record.get("text"))) is not None and not parts:
            parts.append({"type": "text", "text": said})
        fields: dict[str, Any] = {"role": role if role in ("user", "assistant", "system") else "event"}
        if role == "assistant":
            generator = as_dict(record.get("generator"))
            fields["model"] = text(generator.get("name")) or text(record.get("originLLM"))
            fields["usage"] = tokens(generator.get("metrics"), "TIn", "TOut")
        elif role == "system":
            fields["injected"] = True
        return fields | {"timestamp": iso(record.get("created")), "content": plain(parts), "json_texts": texts}


def _add(parts: list[Part], texts: dict[str, str], part: dict[str, Any]) -> None:
    """Add what a fragment says."""
    kind, said = part.get("pt"), text(part.get("text"))
    if kind == "text" and said is not None:
        parts.append({"type": "text", "text": said})
    elif kind == "ma" and (thought := text(part.get("aText"))) is not None:
        parts.append({"type": "thinking", "text": thought})
    elif kind == "error":
        parts.append({"type": "error", "text": text(part.get("error")) or ""})
    elif kind == "image_ref" or kind == "doc" or kind == "reference":
        name = text(part.get("l1Title")) or text(part.get("altText")) or text(part.get("ref"))
        named: Part = {"name": name} if name is not None else {}
        parts.append({"type": "image" if kind == "image_ref" else "file"} | named)
    elif kind == "tool_invocation":
        _call(parts, texts, part)
    elif kind == "tool_response":
        response = as_dict(part.get("response"))
        result = response.get("result")
        made: Part = {"type": "tool_result"} | _key(part)
        made["content"] = result if type(result) is str else "" if result is None else jsonio.dumps(result).decode()
        parts.append(made | ({"is_error": True} if part.get("error") else {}))


def _call(parts: list[Part], texts: dict[str, str], part: dict[str, Any]) -> None:
    invocation = as_dict(part.get("invocation"))
    name = text(invocation.get("name")) or text(invocation.get("type")) or ""
    stored: Json = invocation.get("args")
    if "code" in invocation:
        stored = {"language": invocation.get("language"), "code": invocation["code"]}
    value = arguments_of(stored)
    if type(stored) is str and value is not stored:
        texts[f"content.{len(parts)}.arguments"] = stored
    parts.append({"type": "tool_call"} | _key(part) | {"name": name, "arguments": value})


def _key(part: dict[str, Any]) -> Part:
    return {"id": key} if type(key := part.get("id")) is str else {}
