"""Making messages from a provider's records: the one place where readers meet `native` and `attachments`.

A reader says what a record means (role, content, time); `Builder.message` keeps the rest, moves what is large into
attachments and makes the id where the provider gives none.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from chasm_git.session import attachments, jsonio
from chasm_git.session.model import Json, Message, Part
from chasm_git.session.native import DEPTH, LONG, MARKERS, SHORTEST, Index, TooDeep, fold, raw_line, stored_text

_POINTERS: dict[str, dict[str, str]] = {name: {"$": name} for name in ("id", "timestamp", "content", "turn", "model")}
"""What most messages point to; `fold` copies them."""


class Builder:
    """Collects the messages of one session, in the order of the source, and the attachments they need."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.attachments: dict[str, bytes] = {}
        self._seen: dict[str, int] = {}

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
        derived: dict[str, Json] | None = None,
        **fields: Any,
    ) -> Message:
        """Add the message that `record` (a JSON value) stands for, and return it.

        Args:
            record: the provider's record, unchanged; the message may share what it holds, so leave it alone after.
                Pass the record's own objects on in `content` and `usage` where they are the same (a tool's input as
                `arguments`): they are then stored once.
            id: the provider's id of the record; None makes one from the record itself, the same on every read.
            content: text or typed parts, with their large and base64 values still in them.
            line: the source line, where JSON does not give it back from `record`: it is kept instead.
            json_texts: texts of the record that are the JSON of a content value, by that value's path
                (``{"content.0.arguments": '{"cmd":"ls"}'}``): then only the value is stored.
            derived: texts of the record that stand in the content in another way, each with the native value that gives
                it back (`native.slice_of` a text that was joined from several, a ``$cat`` of some).
            fields: any other field of `Message`.
        """
        messages = self.messages
        key = self._unique(id if id is not None else record_id(record, line))
        above = messages[-1].id if messages else None
        made = Message(key, role, timestamp, content, above, **fields)
        try:
            self._store(made, record, line, json_texts, derived)
        except TooDeep:
            if not isinstance(content, str):
                made.content = [_shallow(part) for part in content]
            if jsonio.deeper(made.usage, DEPTH):
                made.usage = None
            self._store(made, record, line if line is not None else jsonio.dumps(record), None, None)
        messages.append(made)
        return made

    def _store(
        self,
        made: Message,
        record: Any,
        line: bytes | None,
        json_texts: dict[str, str] | None,
        derived: dict[str, Json] | None,
    ) -> None:
        """Put the content as it is stored, and the rest of the record, into a message. Raises TooDeep."""
        index = Index()
        strings, content, usage = index.strings, made.content, made.usage
        if len(made.id) > SHORTEST:
            strings[made.id] = _POINTERS["id"]
        if made.timestamp is not None:
            strings.setdefault(made.timestamp, _POINTERS["timestamp"])
        stored: str | list[Part] = content
        if not isinstance(content, str):
            stored = [self._part(part, f"content.{number}", index) for number, part in enumerate(content)]
        elif len(content) > LONG:
            stored = self._long_text(content, index)
        elif len(content) > SHORTEST:
            strings.setdefault(content, _POINTERS["content"])
        if made.turn is not None and len(made.turn) > SHORTEST:
            strings.setdefault(made.turn, _POINTERS["turn"])
        if made.model is not None and len(made.model) > SHORTEST:
            strings.setdefault(made.model, _POINTERS["model"])
        if usage is not None:
            index.add_container(usage, "usage")
        if json_texts:
            for path, text in json_texts.items():
                _json_text(text, path, content, index)
        if derived:
            for text, marker in derived.items():
                strings.setdefault(text, marker)
        if line is not None:
            made.native = raw_line(line, self.attachments)
        else:
            made.native = fold(record, index, self.attachments)
        made.content = stored
        if usage is not None:
            made.usage = self._stored(usage)

    def _unique(self, key: str) -> str:
        """Equal ids in one source are told apart by how many came before."""
        before = self._seen.get(key, 0)
        self._seen[key] = before + 1
        return self._unique(f"{key}~{before + 1}") if before else key

    def _long_text(self, text: str, index: Index) -> str | list[Part]:
        """The content of a text that may be too long for a session file."""
        stored = stored_text(text, self.attachments)
        if stored == text:
            index.add_string(text, "content")
            return text
        index.add_string(text, "content.0.text")
        return [{"type": "text", "text": stored}]

    def _part(self, part: Part, path: str, index: Index) -> Part:
        """The part as it is stored: itself, where nothing in it has to change."""
        made = None
        for key, value in part.items():
            kind = type(value)
            if kind is str:
                length = len(value)
                if length <= SHORTEST:
                    continue
                if length <= LONG and key != "data" and "." not in key:
                    index.add_string(value, f"{path}.{key}")
                    continue
                new = self._string(part, key, value, path, index)
            elif kind is dict or kind is list:
                new = self._container(key, value, path, index)
            else:
                continue
            if new is not value:
                if made is None:
                    made = part.copy()
                made[key] = new
        stored = part if made is None else made
        return {"$escaped": stored} if next(iter(part), None) in MARKERS else stored

    def _string(self, part: Part, key: str, value: str, path: str, index: Index) -> Any:
        place = f"{path}.{key}" if "." not in key else None
        if key == "data" and part.get("type") in ("image", "file"):
            index.add_data(value, f"{path}.data")
            media_type = part.get("media_type")
            stored = attachments.store_base64(
                value, media_type if isinstance(media_type, str) else None, self.attachments
            )
            if stored is not None:
                return stored
        elif place is not None:
            index.add_string(value, place)
        return stored_text(value, self.attachments) if len(value) > LONG else value

    def _container(self, key: str, value: Any, path: str, index: Index) -> Any:
        place = f"{path}.{key}"
        if key == "content" and type(value) is list:  # parts within a part
            if path.count(".") > 2 * DEPTH:
                raise TooDeep(f"nested more than {DEPTH} deep")
            made = [
                self._part(item, f"{place}.{n}", index) if type(item) is dict else self._stored(item)
                for n, item in enumerate(value)
            ]
            return value if all(new is item for new, item in zip(made, value, strict=True)) else made
        if "." not in key:
            index.add_container(value, place)
        return self._stored(value)

    def _stored(self, value: Any, depth: int = 1) -> Any:
        """A content value with long strings moved out and dicts that look like ours escaped; itself where untouched."""
        kind = type(value)
        if kind is str:
            return value if len(value) <= LONG else stored_text(value, self.attachments)
        if kind is not dict and kind is not list:
            return value
        if depth > DEPTH:
            raise TooDeep(f"nested more than {DEPTH} deep")
        made = None
        for key, item in value.items() if kind is dict else enumerate(value):
            if type(item) is str and len(item) <= LONG:
                continue
            new = self._stored(item, depth + 1)
            if new is not item:
                if made is None:
                    made = value.copy()
                made[key] = new
        stored = value if made is None else made
        return {"$escaped": stored} if kind is dict and next(iter(value), None) in MARKERS else stored


def _json_text(text: str, path: str, content: str | list[Part], index: Index) -> None:
    """Let `text` point to the value at `path` if one of the two common ways of writing JSON gives it back."""
    if len(text) <= len(path) + 16:
        return
    value: Any = {"content": content}
    try:
        for step in path.split("."):
            value = value[int(step)] if type(value) is list else value[step]
        if jsonio.dumps(value).decode() == text:
            index.strings.setdefault(text, {"$json": path})
        elif json.dumps(value, ensure_ascii=False) == text:
            index.strings.setdefault(text, {"$json_spaced": path})
    except (LookupError, TypeError, ValueError):
        return  # it is the text of something else: it is kept as it is


def _shallow(part: Part) -> Part:
    """A part whose values are deeper than we store, as their JSON texts."""
    return {key: jsonio.dumps(value).decode() if jsonio.deeper(value, DEPTH) else value for key, value in part.items()}


def record_id(record: Any, line: bytes | None = None) -> str:
    """An id for a record that has none: a hash of its content, so that it is the same wherever it is met again."""
    return "h-" + hashlib.sha256(line if line is not None else jsonio.dumps(record)).hexdigest()[:20]
