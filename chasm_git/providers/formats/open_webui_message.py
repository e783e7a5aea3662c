"""What a message of Open WebUI says: of the tree in a chat, or a row of ``chat_message``.

Thoughts and tool calls stand as HTML in the text (``<details type="reasoning">``), or, in newer versions, as items of
OpenAI's Responses API in ``output``, which then says it all. Pure functions of one message.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from chasm_git.providers.reading.openai_chat import arguments_of, content_of, image_of
from chasm_git.providers.reading.values import as_dict, as_list, plain, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part
from chasm_git.session.times import iso

_OPEN, _CLOSE = '<details type="', "</details>"
_HEAD = re.compile(r'<details((?:\s+[\w-]+="[^"]*")+)\s*>', re.ASCII)
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"', re.ASCII)
_SUMMARY = re.compile(r"\s*<summary>[^<]*</summary>")
_ROLES = ("user", "assistant", "system", "tool")
_USAGE = (
    ("prompt_tokens", "completion_tokens"),
    ("input_tokens", "output_tokens"),
    ("prompt_eval_count", "eval_count"),
)


def fields_of(message: dict[str, Any]) -> dict[str, Any]:
    """The fields of the message it becomes, see `Builder.message`."""
    role = message.get("role")
    made = _Parts()
    for item in as_list(message.get("files")):
        made.file(as_dict(item))
    output = as_list(message.get("output"))
    for item in output:
        made.output(as_dict(item))
    stored = message.get("content")
    if type(stored) is not str:
        listed = content_of(stored)
        made.parts += [{"type": "text", "text": listed}] if type(listed) is str and listed else as_list(listed)
    elif not output and stored:
        made.said(stored)
    for item in as_list(message.get("sources")) or as_list(message.get("citations")):
        made.source(as_dict(as_dict(item).get("source")))
    fields: dict[str, Any] = {"role": role if role in _ROLES else "event", "timestamp": iso(message.get("timestamp"))}
    if role == "assistant":
        fields["model"] = text(message.get("model"))
        fields["usage"] = _usage(message)
        fields["status"] = "partial" if message.get("done") is False else None
    elif role == "system":
        fields["injected"] = True
    if error := message.get("error"):
        held = as_dict(error).get("content", error)
        made.parts.append({"type": "error", "text": held if type(held) is str else jsonio.dumps(held).decode()})
        fields["status"] = "failed"
    return fields | {"content": plain(made.parts), "derived": made.derived, "json_texts": made.texts}


def _usage(message: dict[str, Any]) -> dict[str, Json] | None:
    counts = as_dict(message.get("usage")) or as_dict(as_dict(message.get("info")).get("usage"))
    for read, written in _USAGE:
        if read in counts or written in counts:
            return tokens(counts, read, written)
    return None


class _Parts:
    """Collects the parts of one message."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.texts: dict[str, str] = {}
        self.derived: dict[str, Json] = {}

    def said(self, whole: str) -> None:
        """Add a text that may hold thoughts and tool calls."""
        pieces: list[Json] = []
        end = 0
        for start, stop, values, body in _details(whole):
            pieces += self._text(whole[end:start])
            pieces.append(whole[start:stop])
            end = stop
            self._detail(values, body)
        pieces += self._text(whole[end:])
        if end:
            self.derived[whole] = {"$cat": pieces}

    def file(self, item: dict[str, Any]) -> None:
        """Add what was attached."""
        url, name = item.get("url"), text(item.get("name"))
        if item.get("type") == "image" or (text(item.get("content_type")) or "").startswith("image/"):
            self.parts.append(image_of(url) | ({"name": name} if name is not None else {}))
            return
        part: Part = {"type": "file"} | ({"name": name} if name is not None else {})
        self.parts.append(part | ({"uri": url} if type(url) is str and url else {}))

    def source(self, item: dict[str, Any]) -> None:
        """Add what an answer rests on."""
        name = text(item.get("name"))
        if uri := text(item.get("url")) or name:
            self.parts.append({"type": "reference", "uri": uri} | ({"name": name} if name is not None else {}))

    def output(self, item: dict[str, Any]) -> None:
        """Add an item of the Responses API."""
        kind = item.get("type")
        if kind == "message":
            said = content_of(item.get("content"))
            self.parts += [{"type": "text", "text": said}] if type(said) is str and said else as_list(said)
        elif kind == "reasoning":
            for block in [*as_list(item.get("summary")), *as_list(item.get("content"))]:
                if thought := text(as_dict(block).get("text")):
                    self.parts.append({"type": "thinking", "text": thought})
        elif kind == "function_call":
            self._call(item.get("call_id"), item.get("name"), item.get("arguments"))
        elif kind == "function_call_output":
            self._result(item.get("call_id"), content_of(item.get("output")))
        elif kind == "open_webui:code_interpreter":
            key = text(item.get("id"))
            self._call(key, "code_interpreter", {"lang": item.get("lang"), "code": item.get("code")})
            if (found := item.get("output")) is not None:
                self._result(key, found if type(found) is str else jsonio.dumps(found).decode())

    def _text(self, said: str) -> list[Json]:
        """Add a text; what stands around it goes to the record."""
        inner = said.strip()
        if not inner:
            return [said] if said else []
        at = said.index(inner)
        pointer: Json = {"$": f"content.{len(self.parts)}.text"}
        self.parts.append({"type": "text", "text": inner})
        return [piece for piece in (said[:at], pointer, said[at + len(inner) :]) if piece]

    def _detail(self, values: dict[str, str], body: str) -> None:
        kind = values.get("type")
        if kind == "tool_calls":
            key = text(values.get("id"))
            self._call(key, values.get("name"), _json(values.get("arguments", "")))
            if result := values.get("result") or body.strip():
                said = _json(result)
                self._result(key, said if type(said) is str else html.unescape(result))
        elif kind == "reasoning":
            lines = html.unescape(body).strip().split("\n")
            thought = "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)
            self.parts += [{"type": "thinking", "text": thought}] if thought else []
        elif code := body.strip():
            self._call(None, kind, {"code": html.unescape(code)})

    def _call(self, key: Json, name: Json, stored: Json) -> None:
        part: Part = {"type": "tool_call"} | ({"id": key} if type(key) is str else {})
        part |= {"name": name} if type(name) is str else {}
        part["arguments"] = value = arguments_of(stored)
        if type(stored) is str and value is not stored:
            self.texts[f"content.{len(self.parts)}.arguments"] = stored
        self.parts.append(part)

    def _result(self, key: Json, said: Json) -> None:
        self.parts.append({"type": "tool_result"} | ({"id": key} if type(key) is str else {}) | {"content": said})


def _details(whole: str) -> Iterator[tuple[int, int, dict[str, str], str]]:
    """The details in a text that are closed: from where to where, their attributes, and what is in them."""
    start = whole.find(_OPEN)
    while start >= 0:
        stop = whole.find(_CLOSE, start)
        if stop < 0:
            return
        head = _HEAD.match(whole, start, stop)
        if head is not None:
            body = whole[head.end() : stop]
            if (summary := _SUMMARY.match(body)) is not None:
                body = body[summary.end() :]
            yield start, stop + len(_CLOSE), dict(_ATTRIBUTE.findall(head[1])), body
        start = whole.find(_OPEN, stop)


def _json(escaped: str) -> Json:
    """A value in an attribute: JSON, perhaps within a JSON text, escaped for HTML."""
    value: Json = html.unescape(escaped)
    for _ in range(2):
        if type(value) is not str or value[:1] not in ("{", "[", '"'):
            break
        try:
            value = jsonio.loads(value.encode("utf-8", "surrogatepass"))
        except ValueError:
            break
    return value
