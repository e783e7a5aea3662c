"""Lossless records: what a provider's record holds beyond the normalized message, made by one mechanism for all.

`fold` replaces every value of a record that already stands in the message by a pointer to it; `unfold` puts the values
back, so that the record comes out equal, key order included. Markers are dicts whose *first* key is one of ours::

    {"$": "content.0.text"}            the value at that place of the message (id, timestamp, turn, model, content…)
    {"$json": "content.0.arguments"}   the compact JSON text of that value (``$json_spaced``: with ", " and ": ")
    {"$slice": "content.0.text", "at": [3, 40]}   characters 3 to 40 of that text (joined from several of the record)
    {"$cat": [value, …]}               these strings, one after the other (data: URLs around an attachment)
    {"$octets": "iVBORw0…"}            the bytes of this base64 text as JavaScript writes them: {"0":137,"1":80,…}
    {"$attachment": name, …}           a reference object: see `attachments`
    {"$escaped": {…}}                  a record's own dict whose first key looks like one of these
    {"$line": "…"}                     in place of a record: the source line itself, where JSON does not give it back
    {"$line64": "…"}                   the same in base64, for a line that is not UTF-8

Only strings longer than their pointer are replaced, and containers only where the message holds the very object. The
text of ``$line`` and ``$line64`` is a reference object where it is long.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from chasm_git.session import attachments, jsonio
from chasm_git.session.model import Message

MARKERS = frozenset(
    {"$", "$json", "$json_spaced", "$slice", "$cat", "$octets", "$attachment", "$escaped", "$line", "$line64"}
)
DEPTH = 128
"""Containers within containers a message may hold: all that walks messages does so by recursion."""
SHORTEST = 18
"""A string this short is kept: its pointer would be no shorter."""
FEWEST_OCTETS = 32
"""Shorter dumps of bytes are kept: their base64 is no shorter."""
LONG = attachments.TEXT_LIMIT // 4
"""Characters that can be more than `attachments.TEXT_LIMIT` bytes."""

_FIELDS = frozenset({"id", "role", "timestamp", "content", "turn", "model", "status", "file", "usage"})


class TooDeep(ValueError):
    """A record that is nested more than `DEPTH` deep; its source line is kept instead."""


class Index:
    """Where the values of one message stand: strings by value, containers by identity."""

    __slots__ = ("containers", "has_data", "strings")

    def __init__(self) -> None:
        self.strings: dict[str, dict[str, Any]] = {}
        self.containers: dict[int, dict[str, str]] = {}
        self.has_data = False
        """Whether one of the strings is binary data, which ``data:`` URLs may hold."""

    def add_string(self, text: str, path: str) -> None:
        """Note that `text` stands at `path`; the first place that is given stays."""
        if len(text) > SHORTEST and len(text) > len(path) + 6:
            self.strings.setdefault(text, {"$": path})

    def add_data(self, text: str, path: str) -> None:
        """Note that the base64 `text` stands at `path`."""
        self.has_data = True
        self.strings.setdefault(text, {"$": path})

    def add_container(self, value: dict[str, Any] | list[Any], path: str) -> None:
        """Note that this very object stands at `path`."""
        if value:
            self.containers[id(value)] = {"$": path}


def fold(value: Any, index: Index, into: dict[str, bytes]) -> Any:
    """A record's `value` with all that `index` knows replaced by pointers, long texts moved to attachments (`into`).

    What needs no change is not copied: the result shares it with `value`. Raises TooDeep.
    """
    kind = type(value)
    if kind is dict or kind is list:
        return index.containers.get(id(value)) or _fold(value, index, into, 1)
    if kind is str and len(value) > SHORTEST:
        pointer = index.strings.get(value)
        return pointer.copy() if pointer is not None else _fold_long(value, index, into)
    return value


def _fold(container: Any, index: Index, into: dict[str, bytes], depth: int) -> Any:
    """As `fold`, of a dict or list. All values of all records are met in this loop."""
    if depth > DEPTH:
        raise TooDeep(f"nested more than {DEPTH} deep")
    first: Any = None
    items: Iterable[tuple[Any, Any]]
    if type(container) is dict:
        first, items = next(iter(container), None), container.items()
        if first == "0" and (dumped := octets(container)) is not None:
            return _fold_octets(dumped, index, into)
    else:
        items = enumerate(container)
    made = None
    strings, containers = index.strings, index.containers
    for key, item in items:
        kind = type(item)
        if kind is str:
            if len(item) <= SHORTEST:
                continue
            if item in strings:
                new: Any = strings[item].copy()
            elif len(item) > LONG or index.has_data:
                new = _fold_long(item, index, into)
            else:
                continue
        elif kind is dict or kind is list:
            if not item:
                continue
            new = containers.get(id(item)) if containers else None
            if new is None:
                new = _fold(item, index, into, depth + 1)
        else:
            continue
        if new is not item:
            if made is None:
                made = container.copy()
            made[key] = new
    folded = container if made is None else made
    return {"$escaped": folded} if first in MARKERS else folded


def _fold_long(text: str, index: Index, into: dict[str, bytes]) -> Any:
    if index.has_data and text.startswith("data:") and 0 < (comma := text.find(",")) < 200:
        pointer = index.strings.get(text[comma + 1 :])
        if pointer is not None:
            return {"$cat": [text[: comma + 1], pointer.copy()]}
    return stored_text(text, into) if len(text) > LONG else text


def octets(value: Any) -> bytes | None:
    """The bytes of a JSON object that JavaScript made of a byte array; None for any other value, and for few bytes."""
    if type(value) is not dict or len(value) < FEWEST_OCTETS:
        return None
    for number, (key, octet) in enumerate(value.items()):
        if type(octet) is not int or not 0 <= octet <= 255 or key != str(number):
            return None
    return bytes(value.values())


def _fold_octets(data: bytes, index: Index, into: dict[str, bytes]) -> dict[str, Any]:
    text = base64.b64encode(data).decode()
    pointer = index.strings.get(text)
    return {"$octets": pointer.copy() if pointer is not None else attachments.store_base64(text, None, into)}


def slice_of(path: str, start: int, end: int) -> dict[str, Any]:
    """The native value for a text that stands at `path` from character `start` on, up to `end`."""
    return {"$slice": path, "at": [start, end]}


def stored_text(text: str, into: dict[str, bytes]) -> Any:
    """The reference object of a text that is too long for a session file, moved to `into`; any other text itself."""
    try:
        return attachments.store_text(text, into) if len(text.encode()) > attachments.TEXT_LIMIT else text
    except UnicodeEncodeError:  # lone surrogates: no UTF-8 file can hold it, the session file can
        return text


def raw_line(line: bytes, into: dict[str, bytes] | None = None) -> dict[str, Any]:
    """The native value that keeps a source line (without its line feed) as it is; a long one is moved to `into`."""
    limit = attachments.TEXT_LIMIT if into is not None else len(line)
    try:
        text: Any = line.decode()
        marker = "$line"
        if len(line) > limit and into is not None:
            text = attachments.store_text(text, into)
    except UnicodeDecodeError:
        text = base64.b64encode(line).decode()
        marker = "$line64"
        if len(line) > limit and into is not None:
            text = attachments.store_base64(text, None, into)
    return {marker: text}


def kept_line(value: Any, load: attachments.Load) -> bytes | None:
    """The line that `raw_line` kept in `value`; None where it holds none. Raises KeyError for a missing attachment."""
    marker = next(iter(value), None) if type(value) is dict else None
    if marker not in ("$line", "$line64"):
        return None
    text = _loaded(value[marker], load)
    if marker == "$line":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise KeyError("$line64 is not base64") from None


def unfold(message: Message, load: attachments.Load) -> Any:
    """The record a message was made from; None where its line was no record.

    Raises KeyError where an attachment or a pointed-to value is missing.
    """
    line = kept_line(message.native, load)
    if line is None:
        return _unfold(message.native, message, load)
    try:
        return jsonio.loads(line)
    except ValueError:
        return None


def record_line(message: Message, load: attachments.Load) -> bytes:
    """The source line (without line feed) a message was made from; for providers that write JSON lines."""
    line = kept_line(message.native, load)
    return line if line is not None else jsonio.dumps(_unfold(message.native, message, load))


def _unfold(value: Any, message: Message, load: attachments.Load) -> Any:
    kind = type(value)
    if kind is list:
        return [_unfold(item, message, load) for item in value]
    if kind is not dict:
        return value
    first = next(iter(value), None)
    if first not in MARKERS:
        return {key: _unfold(item, message, load) for key, item in value.items()}
    inner = value[first]
    if first == "$escaped" and type(inner) is dict:
        return {key: _unfold(item, message, load) for key, item in inner.items()}
    if first == "$attachment":
        return _loaded(value, load)
    if first == "$cat" and type(inner) is list:
        return "".join(str(_unfold(item, message, load)) for item in inner)
    if first == "$octets":
        return _octets_object(_unfold(inner, message, load))
    if first == "$slice" and type(inner) is str:
        return _sliced(plain(look_up(message, inner), load), value.get("at"))
    if first not in ("$", "$json", "$json_spaced") or type(inner) is not str:
        raise KeyError(f"{first} says nothing that can be put back")
    pointed = plain(look_up(message, inner), load)
    if first == "$json":
        return jsonio.dumps(pointed).decode()
    if first == "$json_spaced":
        return json.dumps(pointed, ensure_ascii=False)
    return pointed


def _octets_object(text: Any) -> dict[str, int]:
    try:
        return {str(number): octet for number, octet in enumerate(base64.b64decode(text, validate=True))}
    except (TypeError, ValueError):
        raise KeyError("$octets is not base64") from None


def _sliced(text: Any, at: Any) -> str:
    if type(text) is str and type(at) is list and len(at) == 2 and all(type(n) is int and n >= 0 for n in at):
        return text[at[0] : at[1]]
    raise KeyError("$slice says nothing that can be put back")


def look_up(message: Message, path: str) -> Any:
    """The value at a pointer's path. Raises KeyError where there is none."""
    head, *rest = path.split(".")
    value = getattr(message, head) if head in _FIELDS else None
    for step in rest:
        if type(value) is dict and "$escaped" in value and next(iter(value)) == "$escaped":
            value = value["$escaped"]
        try:
            value = value[int(step)] if type(value) is list else value[step]  # type: ignore[index]
        except (IndexError, KeyError, ValueError, TypeError):
            raise KeyError(path) from None
    if value is None:
        raise KeyError(path)
    return value


def plain(value: Any, load: attachments.Load) -> Any:
    """A content value with its reference objects resolved and its escapes undone."""
    kind = type(value)
    if kind is list:
        return [plain(item, load) for item in value]
    if kind is not dict:
        return value
    if attachments.is_reference(value):
        return _loaded(value, load)
    if "$escaped" in value and next(iter(value)) == "$escaped" and type(value["$escaped"]) is dict:
        value = value["$escaped"]
    return {key: plain(item, load) for key, item in value.items()}


def _loaded(value: Any, load: attachments.Load) -> str:
    """A string that may have moved to an attachment. Raises KeyError for anything else, or where it is missing."""
    if type(value) is str:
        return value
    if attachments.is_reference(value) and type(value["$attachment"]) is str:
        try:
            return attachments.load_string(value, load)
        except UnicodeDecodeError:
            raise KeyError(f"attachment {value['$attachment']} is damaged") from None
    raise KeyError("a text or a reference to an attachment is expected")
