"""llama.cpp (and llamafile): conversations of the web page of its server, which keeps them in the browser, exported.

A conversation is ``{"conv": {…}, "messages": […]}``; an export is one, a list of them, or one on each line. Messages
form a tree, whose first node says nothing; ``currNode`` is where the conversation stands.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading import thoughts
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.listed import Listed
from chasm_git.providers.reading.openai_chat import calls_of, image_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso


class LlamaCpp(Listed):
    """Conversations of llama.cpp's web page."""

    name = "llama-cpp"
    title = "llama.cpp"
    note = "what its web page exports (chasm harvest import); the server and llama-cli keep no conversations"

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Export.sniff`."""
        shape = shape_of(sample)
        return 0.95 if {"conv", "messages"} <= shape.all and shape.all & {"convId", "currNode"} else 0.0

    def session_of(self, value: dict[str, Any]) -> Session | None:
        """See `Listed.session_of`."""
        about = as_dict(value.get("conv"))
        first = next((as_dict(item) for item in value["messages"] if as_dict(item).get("convId")), {})
        key = identity(about.get("id")) or identity(first.get("convId")) or ""
        return Session(
            key, self.name, text(about.get("name")), forked_from=identity(about.get("forkedFromConversationId"))
        )

    def above(self, record: dict[str, Any]) -> str | None:
        """See `Listed.above`."""
        return identity(record.get("parent"))

    def leaf(self, value: dict[str, Any], above: dict[str, str | None]) -> str | None:
        """See `Listed.leaf`."""
        stands = identity(as_dict(value.get("conv")).get("currNode"))
        return stands if stands in above else next(reversed(above), None)

    def fields_of(self, record: dict[str, Any]) -> dict[str, Any]:
        """See `Listed.fields_of`."""
        role, said = record.get("role"), record.get("content")
        content = said if type(said) is str else ""
        parts = [_attached(as_dict(item)) for item in as_list(record.get("extra"))]
        derived: dict[str, Json] = {}
        fields: dict[str, Any] = {"role": role if role in ("user", "assistant", "tool") else "event"}
        if role == "assistant":
            thought = text(record.get("thinking")) or text(record.get("reasoningContent"))
            parts += [{"type": "thinking", "text": thought}] if thought is not None else []
            answer, derived = thoughts.split(content, len(parts))
            parts += answer + _calls(record.get("toolCalls"))
            fields["model"] = text(record.get("model"))
            fields["usage"] = tokens(record.get("timings"), "prompt_n", "predicted_n")
        elif role == "tool":
            key = {"id": called} if type(called := record.get("toolCallId")) is str else {}
            parts = [{"type": "tool_result"} | key | {"content": plain([*parts, {"type": "text", "text": content}])}]
        elif content:
            parts.append({"type": "text", "text": content})
            if role == "system":
                fields = {"role": "system", "injected": True}
        return fields | {"timestamp": iso(record.get("timestamp")), "content": plain(parts), "derived": derived}


def _calls(stored: Json) -> list[Part]:
    """Tool calls, which are stored as a JSON text."""
    try:
        value = jsonio.loads(stored.encode("utf-8", "surrogatepass")) if type(stored) is str and stored else stored
    except ValueError:
        return []
    return calls_of(value)[0]


def _attached(item: dict[str, Any]) -> Part:
    """A file that was attached; the names of kinds are written in several ways."""
    kind = item.get("type")
    kind = kind.lower().removesuffix("file") if type(kind) is str else ""
    name = {"name": said} if (said := text(item.get("name"))) is not None else {}
    if kind == "image":
        return image_of(item.get("base64Url")) | name
    media_type = text(item.get("mimeType")) or {"pdf": "application/pdf", "text": "text/plain"}.get(kind)
    data = text(item.get("base64Data"))
    part: Part = {"type": "file"} | name | ({"media_type": media_type} if media_type is not None else {})
    return part | ({"data": data} if data is not None else {})
