"""What a chunk of an AI Studio prompt says: its ``text``, which its ``parts`` repeat, code that ran, files."""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list, plain, text
from chasm_git.session.model import Part
from chasm_git.session.times import iso

_DRIVE = ("driveDocument", "driveImage", "driveVideo", "driveAudio")


def fields_of(chunk: dict[str, Any], model: str | None) -> dict[str, Any]:
    """Role, content and the like, for `Builder.message`."""
    is_thought = chunk.get("isThought") is True
    listed = [as_dict(part) for part in as_list(chunk.get("parts"))]
    parts = [made for part in listed for made in _part(part, is_thought)]
    if (
        not any(part["type"] in ("text", "thinking") for part in parts)
        and (said := text(chunk.get("text"))) is not None
    ):
        parts.insert(0, {"type": "thinking" if is_thought else "text", "text": said})
    if not any("executableCode" in part or "codeExecutionResult" in part for part in listed):
        parts += _code(chunk)
    parts += _files(chunk)
    if (fault := text(chunk.get("errorMessage"))) is not None:
        parts.append({"type": "error", "text": fault})
    role, time = chunk.get("role"), iso(chunk.get("createTime"))
    if role not in ("user", "model") or not parts:
        return {"role": "event", "timestamp": time}
    fields: dict[str, Any] = {"role": "user", "timestamp": time, "content": plain(parts)}
    if role == "model":
        fields |= {"role": "assistant", "model": model}
        if type(count := chunk.get("tokenCount")) is int:
            fields["usage"] = {"output_tokens": count}
    if fault is not None:
        fields["status"] = "failed"
    return fields


def _part(part: dict[str, Any], is_thought: bool) -> list[Part]:
    made: list[Part] = []
    if (said := text(part.get("text"))) is not None:
        made.append({"type": "thinking" if is_thought or part.get("thought") is True else "text", "text": said})
    return made + _inline(part.get("inlineData")) + _code(part)


def _code(record: dict[str, Any]) -> list[Part]:
    code, ran = record.get("executableCode"), record.get("codeExecutionResult")
    made: list[Part] = []
    if type(code) is dict:
        made.append({"type": "tool_call", "id": "code", "name": "code_execution", "arguments": code})
    if type(ran) is dict:
        answer: Part = {"type": "tool_result", "id": "code", "content": text(ran.get("output")) or ""}
        made.append(answer | ({} if ran.get("outcome") in (None, "OUTCOME_OK") else {"is_error": True}))
    return made


def _inline(value: Any) -> list[Part]:
    record = as_dict(value)
    data, media_type = text(record.get("data")), text(record.get("mimeType"))
    if data is None:
        return []
    kind = "image" if media_type is not None and media_type.startswith("image/") else "file"
    return [{"type": kind} | ({"media_type": media_type} if media_type is not None else {}) | {"data": data}]


def _files(chunk: dict[str, Any]) -> list[Part]:
    made = _inline(chunk.get("inlineFile")) + _inline(chunk.get("inlineImage"))
    for name in _DRIVE:
        record = as_dict(chunk.get(name))
        if (key := text(record.get("id"))) is not None:
            known: Part = {
                "type": "image" if name == "driveImage" else "file",
                "uri": f"https://drive.google.com/open?id={key}",
            }
            known |= {"name": record["name"]} if text(record.get("name")) else {}
            made.append(known | ({"media_type": record["mimeType"]} if text(record.get("mimeType")) else {}))
    if (key := text(as_dict(chunk.get("youtubeVideo")).get("id"))) is not None:
        made.append({"type": "reference", "uri": f"https://www.youtube.com/watch?v={key}"})
    return made
