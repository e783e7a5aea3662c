"""Lossless records: what a provider's record holds beyond the normalized message, made by one mechanism for all.

`fold` replaces every value of a record that already stands in the message by a pointer to it; `unfold` puts the values
back, so that the record comes out equal, key order included. Markers are dicts whose *first* key is one of ours::

    {"$": "content.0.text"}            the value at that place of the message (id, timestamp, turn, model, content…)
    {"$json": "content.0.arguments"}   the compact JSON text of that value (``$json_spaced``: with ", " and ": ")
    {"$cat": [value, …]}               these strings, one after the other (data: URLs around an attachment)
    {"$attachment": name, …}           a reference object: see `attachments`
    {"$escaped": {…}}                  a record's own dict whose first key looks like one of these
    {"$line": "…"}                     in place of a record: the source line itself, where JSON does not give it back
    {"$line64": "…"}                   the same in base64, for a line that is not UTF-8

Only strings longer than their pointer are replaced, and containers only where the message holds the very object.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from chasm_git.session import attachments, jsonio
from chasm_git.session.model import Message

MARKERS = frozenset({"$", "$json", "$json_spaced", "$cat", "$attachment", "$escaped", "$line", "$line64"})
_SHORTEST = 18
"""A string this short is kept: its pointer would be no shorter."""


class Index:
    """Where the values of one message stand: strings by value, containers by identity."""

    __slots__ = ("containers", "strings")

    def __init__(self) -> None:
        self.strings: dict[str, dict[str, str]] = {}
        self.containers: dict[int, dict[str, str]] = {}

    def add_string(self, text: str, path: str) -> None:
        """Note that `text` stands at `path`; the first place that is given stays."""
        if len(text) > _SHORTEST and len(text) > len(path) + 6:
            self.strings.setdefault(text, {"$": path})

    def add_value(self, value: Any, path: str) -> None:
        """Note a tool call's arguments: the object itself, and its JSON texts (providers store either)."""
        if type(value) is str:
            self.add_string(value, path)
        elif type(value) is dict or type(value) is list:
            self.containers[id(value)] = {"$": path}


def fold(value: Any, index: Index, into: dict[str, bytes]) -> Any:
    """A record's `value` with all that `index` knows replaced by pointers, long texts moved to attachments (`into`)."""
    kind = type(value)
    if kind is str:
        if len(value) <= _SHORTEST:
            return value
        pointer = index.strings.get(value)
        return pointer if pointer is not None else _fold_long(value, index, into)
    if kind is dict:
        if id(value) in index.containers:
            return index.containers[id(value)]
        folded = {key: fold(item, index, into) for key, item in value.items()}
        return {"$escaped": folded} if next(iter(value), None) in MARKERS else folded
    if kind is list:
        if id(value) in index.containers:
            return index.containers[id(value)]
        return [fold(item, index, into) for item in value]
    return value


def _fold_long(text: str, index: Index, into: dict[str, bytes]) -> Any:
    if text.startswith("data:") and (comma := text.find(",")) < 200:
        pointer = index.strings.get(text[comma + 1 :])
        if pointer is not None:
            return {"$cat": [text[: comma + 1], pointer]}
    if len(text) > attachments.TEXT_LIMIT // 4 and len(text.encode("utf-8", "replace")) > attachments.TEXT_LIMIT:
        try:
            return attachments.store_text(text, into)
        except UnicodeEncodeError:
            return text
    return text


def raw_line(line: bytes) -> dict[str, str]:
    """The native value that keeps a source line (without its line feed) as it is."""
    try:
        return {"$line": line.decode()}
    except UnicodeDecodeError:
        return {"$line64": base64.b64encode(line).decode()}


def unfold(message: Message, load: attachments.Load) -> Any:
    """The record a message was made from. Raises KeyError where an attachment or a pointed-to value is missing."""
    return _unfold(message.native, message, load)


def record_line(message: Message, load: attachments.Load) -> bytes:
    """The source line (without line feed) a message was made from; for providers that write JSON lines."""
    native = message.native
    if type(native) is dict:
        first = next(iter(native), None)
        if first == "$line":
            return str(native["$line"]).encode("utf-8", "surrogatepass")
        if first == "$line64":
            return base64.b64decode(native["$line64"])
    return jsonio.dumps(unfold(message, load))


def _unfold(value: Any, message: Message, load: attachments.Load) -> Any:
    if type(value) is list:
        return [_unfold(item, message, load) for item in value]
    if type(value) is not dict:
        return value
    first = next(iter(value), None)
    if first not in MARKERS:
        return {key: _unfold(item, message, load) for key, item in value.items()}
    if first == "$attachment":
        return attachments.load_string(value, load)
    if first == "$escaped":
        return {key: _unfold(item, message, load) for key, item in value["$escaped"].items()}
    if first == "$cat":
        return "".join(_unfold(item, message, load) for item in value["$cat"])
    if first in ("$line", "$line64"):
        return value
    pointed = plain(look_up(message, value[first]), load)
    if first == "$json":
        return jsonio.dumps(pointed).decode()
    if first == "$json_spaced":
        return json.dumps(pointed, ensure_ascii=False)
    return pointed


def look_up(message: Message, path: str) -> Any:
    """The value at a pointer's path. Raises KeyError where there is none."""
    head, *rest = path.split(".")
    value = getattr(message, head, None)
    for step in rest:
        try:
            value = value[int(step)] if type(value) is list else value[step]  # type: ignore[index]
        except (IndexError, ValueError, TypeError):
            raise KeyError(path) from None
    return value


def plain(value: Any, load: attachments.Load) -> Any:
    """A content value with its reference objects resolved and its escapes undone."""
    if type(value) is list:
        return [plain(item, load) for item in value]
    if type(value) is not dict:
        return value
    if attachments.is_reference(value):
        return attachments.load_string(value, load)
    if next(iter(value), None) == "$escaped":
        value = value["$escaped"]
    return {key: plain(item, load) for key, item in value.items()}
