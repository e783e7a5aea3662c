"""What a ChatGPT message says: its ``content`` by ``content_type``, and the files it points to."""

from __future__ import annotations

import base64
from typing import Any

from chasm_git.providers.base import Problem
from chasm_git.providers.reading.export_file import ExportFile, MemberError, media_type_of
from chasm_git.providers.reading.values import as_dict, as_list, plain, text
from chasm_git.session import jsonio
from chasm_git.session.model import Part

_ROLES = frozenset({"user", "assistant", "system", "tool"})
_HIDDEN = frozenset({"user_editable_context", "model_editable_context"})
_RECAP = "reasoning_recap"
_ABOUT = ("user_profile", "user_instructions")
_TEXTS = ("text", "result", "output_str", "summary", "content", "model_set_context")
"""Where content that is no list of parts has its text."""


class Content:
    """Reads the messages of one conversation.

    Args:
        file: the export, for the files beside it.
        problems: told of files that are there and cannot be read.
    """

    def __init__(self, file: ExportFile, problems: list[Problem]) -> None:
        self._file = file
        self._problems = problems

    def fields(self, message: dict[str, Any], call: str | None) -> dict[str, Any]:
        """Role, content and the like, for `Builder.message`.

        Args:
            call: id of the tool call above, which a tool's message answers.
        """
        metadata = as_dict(message.get("metadata"))
        content = as_dict(message.get("content"))
        kind = text(content.get("content_type"))
        role = as_dict(message.get("author")).get("role")
        parts = [] if kind == _RECAP else self._parts(content, kind)
        parts += self._uploads(metadata, parts)
        if type(role) is not str or role not in _ROLES or not parts:
            return {"role": "event"}
        recipient = message.get("recipient")
        fields: dict[str, Any] = {"role": role}
        if role == "tool":
            answer: Part = {"type": "tool_result"} | ({"id": call} if call is not None else {})
            fields["content"] = [answer | {"content": plain(parts)}]
        elif role == "assistant":
            fields["model"] = text(metadata.get("model_slug")) or text(metadata.get("resolved_model_slug"))
            if type(recipient) is str and recipient not in ("all", ""):
                fields |= _call(message, recipient, parts)
            else:
                fields["content"] = plain(parts)
        else:
            fields["content"] = plain(parts)
            fields["injected"] = role == "system" or kind in _HIDDEN or _is_hidden(metadata)
        return fields

    def _parts(self, content: dict[str, Any], kind: Any) -> list[Part]:
        if kind == "thoughts":
            return _thoughts(content)
        if kind == "system_error":
            error: Part = {"type": "error", "text": text(content.get("text")) or text(content.get("name")) or ""}
            return [error | ({"code": content["name"]} if text(content.get("name")) else {})]
        listed = content.get("parts")
        if type(listed) is list:
            return [made for item in listed for made in self._part(item)]
        if kind == "user_editable_context":
            return [_text(said) for name in _ABOUT if (said := text(content.get(name)))]
        if kind == "computer_output":
            return self._part(content.get("screenshot"))
        said = next((found for name in _TEXTS if (found := text(content.get(name)))), None) or text(content.get("url"))
        return [_text(said)] if said is not None else []

    def _part(self, item: Any) -> list[Part]:
        """One entry of ``parts``: a text, or an object that points to a file."""
        if type(item) is str:
            return [_text(item)] if item else []
        record = as_dict(item)
        pointer = text(record.get("asset_pointer"))
        if pointer is not None:
            kind = "image" if "image" in str(record.get("content_type")) else "file"
            return [self._file_part(kind, pointer.rpartition("://")[2], {"uri": pointer})]
        if (said := text(record.get("text"))) is not None:
            return [_text(said)]
        inner = [record.get("audio_asset_pointer"), *as_list(record.get("frames_asset_pointers"))]
        return [part for one in inner if type(one) is dict and one is not item for part in self._part(one)]

    def _uploads(self, metadata: dict[str, Any], parts: list[Part]) -> list[Part]:
        """Files that were attached, but for those that stand in the text."""
        shown = {_file_id(part["uri"]) for part in parts if type(part.get("uri")) is str}
        made = []
        for item in as_list(metadata.get("attachments")):
            record = as_dict(item)
            key, name = text(record.get("id")), text(record.get("name"))
            if (key is None and name is None) or key in shown:
                continue
            known: Part = {"name": name} if name is not None else {}
            media_type = text(record.get("mime_type")) or text(record.get("mimeType"))
            if media_type is not None:
                known["media_type"] = media_type
            kind = "image" if media_type is not None and media_type.startswith("image/") else "file"
            made.append(self._file_part(kind, key or "", known))
        return made

    def _file_part(self, kind: str, key: str, known: Part) -> Part:
        """A file, with its bytes where the export has them."""
        key = _file_id(key)
        part: Part = {"type": kind, **known}
        found = self._file.bundle.asset(key) if key else None
        if found is None:
            return part
        try:
            data = self._file.bundle.bytes_of(found)
        except MemberError as error:
            self._problems.append(Problem(self._file.bundle.label(found.name), str(error), fatal=False))
            return part
        part.setdefault("name", found.name.rpartition("/")[2])
        media_type = media_type_of(found.name, data)
        if media_type is not None:
            part.setdefault("media_type", media_type)
        part["data"] = base64.b64encode(data).decode()
        return part


def _text(said: str) -> Part:
    return {"type": "text", "text": said}


def _file_id(pointer: str) -> str:
    return pointer.rpartition("://")[2].partition("#")[0].partition("?")[0]


def _thoughts(content: dict[str, Any]) -> list[Part]:
    made: list[Part] = []
    for item in as_list(content.get("thoughts")) or as_list(content.get("parts")):
        record = as_dict(item)
        said = text(item) or text(record.get("content")) or text(record.get("summary"))
        if said is not None:
            made.append({"type": "thinking", "text": said})
    return made


def _call(message: dict[str, Any], recipient: str, parts: list[Part]) -> dict[str, Any]:
    """A message to a tool: what is said to it are its arguments."""
    said = "\n".join(part["text"] for part in parts if type(part.get("text")) is str)
    arguments: Any = said
    if said[:1] in ("{", "["):
        try:
            arguments = jsonio.loads(said.encode())
        except ValueError:
            arguments = said  # code, which begins like that
    part: Part = {"type": "tool_call"}
    if (key := text(message.get("id"))) is not None:
        part["id"] = key
    content = [part | {"name": recipient, "arguments": arguments}]
    return {"content": content, "json_texts": {"content.0.arguments": said} if arguments is not said else None}


def _is_hidden(metadata: dict[str, Any]) -> bool:
    return (
        metadata.get("is_visually_hidden_from_conversation") is True or metadata.get("is_user_system_message") is True
    )
