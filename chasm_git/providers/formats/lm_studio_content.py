"""What a version of a message in LM Studio says: one step, or the steps of an answer that called tools.

Pure functions of one version. Everything it holds beyond that stays in the message's `native`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chasm_git.providers.reading.openai_chat import arguments_of, content_of, image_of
from chasm_git.providers.reading.values import as_dict, as_list, plain, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part
from chasm_git.session.times import iso

File = Callable[[dict[str, Any]], Part]
"""Makes the part of a file that was attached."""

_STATUS = {"userStopped": "interrupted", "failed": "failed", "modelUnloaded": "failed"}
_THOUGHT = ("<think", "SYNTHETIC_REASONING")


def fields_of(version: dict[str, Any], file: File) -> dict[str, Any]:
    """The fields of the message it becomes, see `Builder.message`."""
    role = version.get("role")
    reader = _Version(file)
    steps = as_list(version.get("steps"))
    for item in steps:
        if type(item) is dict:
            reader.step(item)
    stored = version.get("content")
    if type(stored) is str:
        reader.parts += [{"type": "text", "text": stored}] if stored else []
    else:
        reader.blocks(as_list(stored), "text")
    reader.end()
    known = role if role in ("user", "assistant", "system") else "assistant" if steps else "event"
    fields: dict[str, Any] = {"role": known, "content": plain(reader.parts), "json_texts": reader.texts}
    if known == "assistant":
        sender = text(as_dict(version.get("senderInfo")).get("senderName"))
        fields |= {"model": reader.model or sender, "usage": reader.usage, "status": reader.status}
    elif known == "system":
        fields["injected"] = True
    return fields | {"timestamp": moment(version)}


def moment(version: dict[str, Any]) -> str | None:
    """When an answer was begun: the ids of its steps begin with that."""
    for step in as_list(version.get("steps")):
        named = text(as_dict(step).get("stepIdentifier"))
        digits = named.partition("-")[0] if named is not None else ""
        if len(digits) == 13 and digits.isascii() and digits.isdigit():
            return iso(int(digits))
    return None


def mark_of(version: Json) -> Json:
    """What makes a version the one it is, however far its answer has come."""
    value = as_dict(version)
    for step in as_list(value.get("steps")):
        if (named := text(as_dict(step).get("stepIdentifier"))) is not None:
            return ["step", named]
    stored = value.get("content")
    said = [as_dict(item).get("text") or _file_id(as_dict(item)) for item in stored] if type(stored) is list else stored
    return [value.get("role"), said]


class _Version:
    """Collects the parts of one version."""

    def __init__(self, file: File) -> None:
        self.parts: list[Part] = []
        self.texts: dict[str, str] = {}
        self.usage: dict[str, Json] | None = None
        self.model: str | None = None
        self.status: str | None = None
        self._file = file
        self._keys: dict[Json, str] = {}
        """The id of each call by the number that its status has."""
        self._failed: dict[Json, str] = {}
        """Why a call has no result, by its number."""
        self._answered: set[Json] = set()

    def step(self, step: dict[str, Any]) -> None:
        kind = step.get("type")
        if kind == "contentBlock":
            self.blocks(as_list(step.get("content")), "thinking" if _is_thought(step) else "text")
        elif kind == "toolStatus":
            self._status(step)
        said = as_dict(step.get("genInfo")) or (step if kind == "genInfo" else {})
        if said:
            self.model = text(said.get("identifier")) or text(said.get("indexedModelIdentifier")) or self.model
            stats = said.get("stats")
            self.usage = tokens(stats, "promptTokensCount", "predictedTokensCount") or self.usage
            reason = as_dict(stats).get("stopReason")
            self.status = _STATUS.get(reason) if type(reason) is str else None

    def blocks(self, blocks: list[Any], kind: str) -> None:
        """Add content blocks; texts among them are of a kind: ``text`` or ``thinking``."""
        for item in blocks:
            block = as_dict(item)
            named = block.get("type")
            if named == "text":
                if type(said := block.get("text")) is str and said:
                    self.parts.append({"type": kind, "text": said})
            elif named == "file":
                self.parts.append(self._file(block))
            elif named == "image_url":
                self.parts.append(image_of(block.get("image_url")))
            elif named == "toolCallRequest":
                self._call(block)
            elif named == "toolCallResult":
                self._result(block)

    def end(self) -> None:
        """Add why calls came to nothing, where nothing else does."""
        for number, reason in self._failed.items():
            if number in self._keys and number not in self._answered:
                self.parts.append(
                    {"type": "tool_result", "id": self._keys[number], "content": reason, "is_error": True}
                )

    def _call(self, block: dict[str, Any]) -> None:
        inner = as_dict(block.get("toolCallRequest")) or block
        part: Part = {"type": "tool_call"}
        if (key := _key(block) or text(inner.get("id"))) is not None:
            part["id"] = key
            self._keys[_number(block.get("callId"))] = key
        if (name := text(inner.get("name"))) is not None:
            part["name"] = name
        stored = inner.get("parameters") if "parameters" in inner else inner.get("arguments")
        part["arguments"] = value = arguments_of(stored)
        if type(stored) is str and value is not stored:
            self.texts[f"content.{len(self.parts)}.arguments"] = stored
        self.parts.append(part)

    def _result(self, block: dict[str, Any]) -> None:
        part: Part = {"type": "tool_result"}
        if (key := _key(block)) is not None:
            part["id"] = key
        self._answered.add(_number(block.get("callId")))
        stored = block.get("content")
        part["content"] = said = _said(stored)
        if type(stored) is str and said is not stored:
            self.texts[f"content.{len(self.parts)}.content"] = stored
        self.parts.append(part)

    def _status(self, step: dict[str, Any]) -> None:
        status = as_dict(as_dict(step.get("statusState")).get("status"))
        kind = status.get("type")
        if kind == "toolCallFailed" or kind == "toolCallDenied" or kind == "toolCallGenerationFailed":
            reason = text(status.get("error")) or text(status.get("denyReason"))
            self._failed[_number(step.get("callId"))] = reason or ("denied" if kind == "toolCallDenied" else "failed")


def _is_thought(step: dict[str, Any]) -> bool:
    if as_dict(step.get("style")).get("type") == "thinking":
        return True
    prefix = step.get("prefix")
    return type(prefix) is str and any(mark in prefix for mark in _THOUGHT)


def _said(stored: Json) -> Json:
    """What a tool gave back: a list of texts that is stored as its JSON text, else the text itself."""
    if type(stored) is not str:
        return content_of(stored)
    if not stored.startswith("[{"):
        return stored
    try:
        blocks = jsonio.loads(stored.encode())
    except ValueError:
        return stored
    is_plain = all(type(b) is dict and b.keys() == {"type", "text"} and b["type"] == "text" for b in blocks)
    return blocks if is_plain and all(type(block["text"]) is str for block in blocks) else stored


def _key(block: dict[str, Any]) -> str | None:
    """The id by which a call and its result belong together."""
    number = _number(block.get("callId"))
    return text(block.get("toolCallRequestId")) or (str(number) if number is not None else None)


def _number(value: Json) -> str | int | None:
    return value if type(value) is int or type(value) is str else None


def _file_id(block: dict[str, Any]) -> str | None:
    return text(block.get("identifier")) or text(block.get("fileIdentifier"))
