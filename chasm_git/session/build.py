"""Making messages from a provider's records: the one place where readers meet `native` and `attachments`.

A reader says what a record means (role, content, time); `Builder.message` keeps the rest, moves what is large into
attachments and makes the id where the provider gives none.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from chasm_git.session import attachments, jsonio
from chasm_git.session.model import Message, Part
from chasm_git.session.native import MARKERS, Index, fold, raw_line

_JSON_TEXT_KEYS = ("$json", "$json_spaced")


class Builder:
    """Collects the messages of one session, in the order of the source, and the attachments they need."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.attachments: dict[str, bytes] = {}
        self._seen: Counter[str] = Counter()

    def message(
        self,
        record: Any,
        *,
        id: str | None,
        role: str,
        timestamp: str | None = None,
        content: str | list[Part] = "",
        line: bytes | None = None,
        json_texts: dict[str, str] | None = None,
        **fields: Any,
    ) -> Message:
        """Add the message that `record` (a JSON value) stands for, and return it.

        Args:
            record: the provider's record, unchanged. Pass the record's own objects on in `content` where they are
                the same (a tool's input as `arguments`): they are then stored once.
            id: the provider's id of the record; None makes one from the record itself, the same on every read.
            content: text or typed parts, with their large and base64 values still in them.
            line: the source line, where JSON does not give it back from `record`: it is kept instead.
            json_texts: texts of the record that are the JSON of a content value, by that value's path
                (``{"content.0.arguments": '{"cmd":"ls"}'}``): then only the value is stored.
            fields: any other field of `Message`.
        """
        index = Index()
        key = self._unique(id if id is not None else record_id(record, line))
        index.add_string(key, "id")
        for name in ("timestamp", "turn", "model"):
            value = timestamp if name == "timestamp" else fields.get(name)
            if value is not None:
                index.add_string(value, name)
        stored: str | list[Part]
        if isinstance(content, str):
            index.add_string(content, "content")
            stored = self._text(content) if len(content) > attachments.TEXT_LIMIT // 4 else content
        else:
            stored = [self._part(part, f"content.{number}", index) for number, part in enumerate(content)]
        for path, text in (json_texts or {}).items():
            self._json_text(text, path, stored, index)
        native = raw_line(line) if line is not None else fold(record, index, self.attachments)
        above = self.messages[-1].id if self.messages else None
        made = Message(key, role, timestamp, stored, above, native=native, **fields)
        self.messages.append(made)
        return made

    def _unique(self, key: str) -> str:
        """Equal ids in one source are told apart by how many came before."""
        self._seen[key] += 1
        return key if self._seen[key] == 1 else self._unique(f"{key}~{self._seen[key]}")

    def _text(self, text: str) -> str | list[Part]:
        stored = self._large(text)
        return text if stored is text else [{"type": "text", "text": stored}]

    def _large(self, text: str) -> Any:
        try:
            if len(text.encode()) > attachments.TEXT_LIMIT:
                return attachments.store_text(text, self.attachments)
        except UnicodeEncodeError:  # lone surrogates: no UTF-8 file can hold it, the session file can
            return text
        return text

    def _part(self, part: Part, path: str, index: Index) -> Part:
        made: Part = {}
        binary = part.get("type") in ("image", "file")
        for key, value in part.items():
            place = f"{path}.{key}"
            if key == "data" and binary and type(value) is str:
                index.strings.setdefault(value, {"$": place})
                stored = attachments.store_base64(value, part.get("media_type"), self.attachments)
                made[key] = stored if stored is not None else self._large(value)
            elif key == "content" and type(value) is list:
                made[key] = [
                    self._part(item, f"{place}.{n}", index) if type(item) is dict else item
                    for n, item in enumerate(value)
                ]
            else:
                index.add_value(value, place)
                made[key] = self._stored(value)
        return made

    def _stored(self, value: Any) -> Any:
        """A content value with long strings moved out and dicts that look like ours escaped; itself where untouched."""
        kind = type(value)
        if kind is str:
            return value if len(value) <= attachments.TEXT_LIMIT // 4 else self._large(value)
        if kind is dict:
            made = {key: self._stored(item) for key, item in value.items()}
            return {"$escaped": made} if next(iter(value), None) in MARKERS else made
        if kind is list:
            return [self._stored(item) for item in value]
        return value

    def _json_text(self, text: str, path: str, stored: str | list[Part], index: Index) -> None:
        """Let `text` point to the value at `path` if one of the two common ways of writing JSON gives it back."""
        import json

        if len(text) <= len(path) + 16:
            return
        value = jsonio.loads(text.encode())
        if jsonio.dumps(value).decode() == text:
            index.strings.setdefault(text, {"$json": path})
        elif json.dumps(value, ensure_ascii=False) == text:
            index.strings.setdefault(text, {"$json_spaced": path})


def record_id(record: Any, line: bytes | None = None) -> str:
    """An id for a record that has none: a hash of its content, so that it is the same wherever it is met again."""
    return "h-" + hashlib.sha256(line if line is not None else jsonio.dumps(record)).hexdigest()[:20]
