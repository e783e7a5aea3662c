"""The file GPT4All keeps a chat in: a stream of Qt's QDataStream, in versions 0 to 12.

`Reading` and `Writing` have the same methods, each for one kind of value: it is given the value to write and gives the
value that was read (or written). So the layout is said once, in `header` and `item`, and holds for both directions.

Numbers are big-endian. A text is UTF-16 behind its length in bytes; 0xFFFFFFFF stands for no text at all (None).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Any, Protocol

from chasm_git.session.model import Json

MAGIC = 0xF5D553CC
NEWEST = 12
_NOTHING = 0xFFFFFFFF
_DEEPEST = 32
"""Answers within answers that are followed."""
_LARGEST_STATE = 4 * 1024 * 1024
"""Bytes of a model's state that are kept; what a model computes anew is worth no more."""
_VARIANTS = {1: "?", 2: ">i", 3: ">I", 4: ">q", 5: ">Q", 6: ">d"}
"""Numbers a QVariant may hold, by its type; 10 is a text."""


class Malformed(ValueError):
    """The stream does not hold what should be there, or ends; ``str(error)`` says why."""


class Stream(Protocol):
    """One direction: what reads or writes one value after the other."""

    def number(self, kind: str, value: Json) -> Any:
        """A number in the form `struct` calls `kind`."""

    def flag(self, value: Json) -> Any:
        """A truth value; a byte that is neither 0 nor 1 stays a number."""

    def text(self, value: Json) -> Any:
        """A QString."""

    def octets(self, value: Json) -> Any:
        """A QByteArray, in base64."""

    def raw(self, count: int, value: Json) -> Any:
        """So many bytes, in base64."""

    def several(self, kind: str, one: Callable[[Any], Any], values: Json) -> list[Any]:
        """A list: its length in the form `kind`, then each of its values."""


class Reading:
    """Reads from bytes."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at
        """How far it has come."""

    def number(self, kind: str, value: Json = None) -> Any:
        """See `Stream.number`. Raises Malformed."""
        try:
            (found,) = struct.unpack_from(kind, self._data, self.at)
        except struct.error:
            raise Malformed("it ends in the middle") from None
        self.at += struct.calcsize(kind)
        return found

    def flag(self, value: Json = None) -> Any:
        """See `Stream.flag`. Raises Malformed."""
        found = self.number("B")
        return bool(found) if found < 2 else found

    def text(self, value: Json = None) -> Any:
        """See `Stream.text`. Raises Malformed."""
        count = self.number(">I")
        if count == _NOTHING:
            return None
        if count % 2:
            raise Malformed("a text of half characters")
        return self._take(count).decode("utf-16-be", "surrogatepass")

    def octets(self, value: Json = None) -> Any:
        """See `Stream.octets`. Raises Malformed."""
        count = self.number(">I")
        return None if count == _NOTHING else base64.b64encode(self._take(count)).decode()

    def raw(self, count: int, value: Json = None) -> Any:
        """See `Stream.raw`. Raises Malformed."""
        return base64.b64encode(self._take(count)).decode()

    def several(self, kind: str, one: Callable[[Any], Any], values: Json = None) -> list[Any]:
        """See `Stream.several`. Raises Malformed."""
        count = self.number(kind)
        if not 0 <= count <= len(self._data) - self.at:  # each takes a byte at least
            raise Malformed(f"a list of {count}, in {len(self._data) - self.at} bytes")
        return [one(None) for _ in range(count)]

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self.at:
            raise Malformed("it ends in the middle")
        self.at += count
        return self._data[self.at - count : self.at]


class Writing:
    """Writes bytes."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def number(self, kind: str, value: Json) -> Any:
        """See `Stream.number`. Raises KeyError for what is none."""
        try:
            self.pieces.append(struct.pack(kind, value))
        except struct.error as error:
            raise KeyError(f"not a number of the file: {error}") from None
        return value

    def flag(self, value: Json) -> Any:
        """See `Stream.flag`. Raises KeyError for what is none."""
        return self.number("B", int(value) if type(value) is bool else value)

    def text(self, value: Json) -> Any:
        """See `Stream.text`."""
        if type(value) is not str:
            return self.number(">I", _NOTHING)
        data = value.encode("utf-16-be", "surrogatepass")
        self.number(">I", len(data))
        self.pieces.append(data)
        return value

    def octets(self, value: Json) -> Any:
        """See `Stream.octets`. Raises KeyError for what is no base64."""
        if value is None:
            return self.number(">I", _NOTHING)
        self.number(">I", len(data := _decoded(value)))
        self.pieces.append(data)
        return value

    def raw(self, count: int, value: Json) -> Any:
        """See `Stream.raw`. Raises KeyError for what is no base64."""
        self.pieces.append(_decoded(value))
        return value

    def several(self, kind: str, one: Callable[[Any], Any], values: Json) -> list[Any]:
        """See `Stream.several`."""
        listed = values if type(values) is list else []
        self.number(kind, len(listed))
        return [one(value) for value in listed]


def _decoded(value: Json) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise KeyError("bytes of the file are not base64") from None


def version_of(data: bytes) -> int | None:
    """The version of a file: 0 where it does not say one, as before 2.4.5; None where it is newer than we know."""
    stream = Reading(data)
    if len(data) < 8 or stream.number(">I") != MAGIC:
        return 0
    version: int = stream.number(">i")
    return version if 0 < version <= NEWEST else None


def header(stream: Stream, version: int, held: dict[str, Any]) -> dict[str, Any]:
    """What stands before the items; `held` is the value to write. Raises Malformed and KeyError."""
    made: dict[str, Any] = {}
    if version:
        stream.number(">I", MAGIC)
        stream.number(">i", version)
    made["creationDate"] = stream.number(">q", held.get("creationDate"))
    for name in ("id", "name", "userName", "modelId" if version >= 5 else "modelFilename"):
        made[name] = stream.text(held.get(name))
    if version >= 3:
        made["collections"] = stream.several(">I", stream.text, held.get("collections"))
    if version < 11:
        made |= _state(stream, version, held)
    made["items"] = stream.number(">i", held.get("items"))
    return made


def _state(stream: Stream, version: int, held: dict[str, Any]) -> dict[str, Any]:
    """The state of the language model, as older versions kept it to go on faster."""
    made: dict[str, Any] = {}
    is_there: Any = True
    if version >= 6:
        is_there = made["deserializeKV"] = stream.flag(held.get("deserializeKV"))
    if version >= 2:
        made["modelType"] = stream.number(">i", held.get("modelType"))
        made["stateVersion"] = stream.number(">i", held.get("stateVersion"))
    made["response"] = stream.text(held.get("response"))
    made["generatedName"] = stream.text(held.get("generatedName"))
    made["tokens"] = stream.number(">I", held.get("tokens"))
    if not is_there:
        return made
    if version < 4:
        made["logits"] = stream.number(">I", held.get("logits"))
    made["nPast"] = stream.number(">I", held.get("nPast"))
    if version >= 7:
        made["nCtx"] = stream.number(">I", held.get("nCtx"))
    for name in ("logitValues", "tokenValues") if version < 9 else ("tokenValues",):
        kept = held.get(name) or ""
        count = stream.number(">Q", len(_decoded(kept)) // 4)
        made[name] = stream.raw(4 * count, kept)
    made["kvState"] = stream.octets(held.get("kvState"))
    return _without_large(made)


def _without_large(made: dict[str, Any]) -> dict[str, Any]:
    """The state without what is too large to keep; it is then written as one that is to be computed anew."""
    names = [name for name in ("logitValues", "tokenValues", "kvState") if made.get(name)]
    size = sum(len(made[name]) * 3 // 4 for name in names)
    if size <= _LARGEST_STATE:
        return made
    left_out: dict[str, Any] = dict.fromkeys(names, "")
    made = made | left_out | {"leftOut": size}
    if "deserializeKV" in made:
        made["deserializeKV"] = False
    return made


def item(stream: Stream, version: int, held: dict[str, Any]) -> dict[str, Any]:
    """A prompt or an answer; `held` is the value to write. Raises Malformed and KeyError."""
    made: dict[str, Any] = {}
    if version < 12:
        made["id"] = stream.number(">i", held.get("id"))
    made["name"] = stream.text(held.get("name"))
    made["value"] = stream.text(held.get("value"))
    if version < 10:
        made["prompt"] = stream.text(held.get("prompt"))
    made["newResponse"] = stream.text(held.get("newResponse"))
    for name in ("isCurrentResponse", "stopped", "thumbsUpState", "thumbsDownState"):
        made[name] = stream.flag(held.get(name))
    if version >= 11 and made["name"] == "Response: ":
        made["isError"] = stream.flag(held.get("isError"))
    if version >= 8:
        made["sources"] = stream.several(">q", lambda one: _source(stream, one or {}), held.get("sources"))
    elif version >= 3:
        made["references"] = stream.text(held.get("references"))
        made["contexts"] = stream.several(">I", stream.text, held.get("contexts"))
    if version >= 10:
        made["attachments"] = stream.several(">q", lambda one: _attached(stream, one or {}), held.get("attachments"))
    if version >= 12:
        made["subItems"] = stream.several(">q", lambda one: _sub_item(stream, one or {}), held.get("subItems"))
    return made


def _source(stream: Stream, held: dict[str, Any]) -> dict[str, Any]:
    made = {
        name: stream.text(held.get(name)) for name in ("collection", "path", "file", "title", "author", "date", "text")
    }
    return made | {name: stream.number(">i", held.get(name)) for name in ("page", "from", "to")}


def _attached(stream: Stream, held: dict[str, Any]) -> dict[str, Any]:
    return {"url": stream.octets(held.get("url")), "content": stream.octets(held.get("content"))}


def _sub_item(stream: Stream, held: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise Malformed("answers within answers within answers")
    made: dict[str, Any] = {"name": stream.text(held.get("name"))}
    made["value"] = stream.text(held.get("value"))
    if made["name"] == "Think: ":
        made["thinkingTime"] = stream.number(">i", held.get("thinkingTime"))
    elif made["name"] == "ToolCall: ":
        made["toolName"] = stream.text(held.get("toolName"))
        made["params"] = stream.several(">q", lambda one: _param(stream, one or {}), held.get("params"))
        made["result"] = stream.text(held.get("result"))
        made["error"] = stream.number(">i", held.get("error"))
        made["errorString"] = stream.text(held.get("errorString"))
    elif made["name"] not in ("Response: ", "Text: ", "ToolResponse: "):
        raise Malformed(f"a piece of an answer that is called {made['name']!r}")
    made["subItems"] = stream.several(">q", lambda one: _sub_item(stream, one or {}, depth + 1), held.get("subItems"))
    return made


def _param(stream: Stream, held: dict[str, Any]) -> dict[str, Any]:
    """An argument of a call, in a QVariant."""
    made: dict[str, Any] = {"name": stream.text(held.get("name")), "type": stream.number(">i", held.get("type"))}
    made["variant"] = kind = stream.number(">I", held.get("variant"))
    made["isNull"] = stream.flag(held.get("isNull"))
    if kind == 0 or kind == 10:
        made["value"] = stream.text(held.get("value"))
    elif kind == 1:
        made["value"] = stream.flag(held.get("value"))
    elif kind in _VARIANTS:
        made["value"] = value = stream.number(_VARIANTS[kind], held.get("value"))
        if value != value or value in (float("inf"), float("-inf")):
            raise Malformed("an argument that is no number")
    else:
        raise Malformed(f"an argument of the Qt type {kind}")
    return made
