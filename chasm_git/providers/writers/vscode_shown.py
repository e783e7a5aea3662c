"""Parts of a conversation as VS Code shows them: tool calls with their results, attachments, places."""

from __future__ import annotations

import uuid
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from chasm_git.providers.formats.vscode_said import INVOCATION
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part

_LONGEST_LABEL = 80


def invocation_of(part: Part, number: int) -> dict[str, Any]:
    """A tool call as the screen shows it."""
    name = str(part.get("name") or "tool")
    arguments = part.get("arguments")
    said = arguments if type(arguments) is str else jsonio.dumps(arguments if arguments is not None else {}).decode()
    label = _label(arguments)
    shown = f"{name}: {label}" if label else name
    key = part.get("id")
    return {
        "kind": INVOCATION,
        "toolCallId": key if type(key) is str and key else f"call_{number}",
        "toolId": name,
        "invocationMessage": {"value": _escaped(shown)},
        "pastTenseMessage": {"value": _escaped(shown)},
        "isConfirmed": {"type": 1},
        "isComplete": True,
        "source": {"type": "internal", "label": "Built-In"},
        "resultDetails": {"input": said, "output": [], "isError": False},
    }


def _label(arguments: Json) -> str:
    """The argument that tells most: the first short text."""
    values = arguments.values() if type(arguments) is dict else [arguments]
    for value in values:
        if type(value) is str and value.strip():
            line = value.strip().splitlines()[0]
            return line if len(line) <= _LONGEST_LABEL else line[: _LONGEST_LABEL - 1] + "…"
    return ""


def _escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    return "".join("\\" + char if char in "\\`*_{}[]()#+-.!<>|~$&" else char for char in text)


def output_of(item: Part) -> dict[str, Json] | None:
    """A piece of a result."""
    text = item.get("text")
    if item.get("type") == "text":
        if text is None or text == "":
            return {"type": "embed", "isText": True, "value": ""}
        said = text if type(text) is str else jsonio.dumps(text).decode()
        return {"type": "embed", "isText": True, "value": said}
    if item.get("type") == "image" and type(item.get("data")) is str:
        return {"type": "embed", "isText": False, "value": item["data"], "mimeType": item.get("media_type")}
    if item.get("type") == "reference" and (place := place_of({**item, "range": None})) is not None:
        return {"type": "ref", "uri": place}
    return None


def attached_of(part: Part) -> dict[str, Json] | None:
    """Something the user sent with the text."""
    kind = part.get("type")
    if kind == "image" and type(part.get("data")) is str:
        name = part.get("name") or "image"
        return {
            "id": f"image_{uuid.uuid5(uuid.NAMESPACE_OID, part['data'])}",
            "name": name,
            "kind": "image",
            "value": {"$base64": part["data"]},
            "mimeType": part.get("media_type"),
            "references": [],
        }
    if kind in ("reference", "file") and (place := place_of(part)) is not None:
        uri = str(part["uri"])
        name = part.get("name") or PurePosixPath(unquote(uri)).name or uri
        return {"kind": "file", "id": uri, "name": name, "value": place}
    return None


def place_of(part: Part) -> dict[str, Json] | None:
    """A URI, or a location in a file, as VS Code stores it; None for what is neither URI nor absolute path."""
    uri = part.get("uri")
    if type(uri) is not str:
        return None
    if uri.startswith("/"):
        uri = "file://" + quote(uri, safe="/~")
    scheme, colon, rest = uri.partition(":")
    if not colon or len(scheme) < 2 or not scheme.isascii() or not scheme.replace("-", "").isalnum():
        return None
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    authority, path = "", rest
    if rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        path = slash + path
    made: dict[str, Json] = {"$mid": 1, "external": uri, "path": unquote(path), "scheme": scheme}
    for key, value in (("authority", authority), ("query", query), ("fragment", fragment)):
        if value:
            made[key] = unquote(value)
    if scheme == "file" and not authority:
        made["fsPath"] = made["path"]
    lines = part.get("range")
    if type(lines) is list and len(lines) == 2 and all(type(line) is int and line > 0 for line in lines):
        first, last = lines
        area = {"startLineNumber": first, "startColumn": 1, "endLineNumber": last, "endColumn": 1}
        return {"uri": made, "range": area}
    return made
