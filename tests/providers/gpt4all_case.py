"""Chats of GPT4All in all versions of its file, written as QDataStream writes them."""

from __future__ import annotations

import struct
from typing import Any

Pieces = list[bytes]


def text(value: str | None) -> bytes:
    if value is None:
        return b"\xff" * 4
    data = value.encode("utf-16-be", "surrogatepass")
    return struct.pack(">I", len(data)) + data


def octets(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def several(form: str, values: list[bytes]) -> bytes:
    return struct.pack(form, len(values)) + b"".join(values)


def sub(name: str, value: str, between: bytes = b"", inner: list[bytes] | None = None) -> bytes:
    return text(name) + text(value) + between + several(">q", inner or [])


def call(name: str, result: str, error: int = 0, reason: str = "") -> bytes:
    variants = [
        text("code") + struct.pack(">iIB", 0, 10, 0) + text("1+1"),
        text("digits") + struct.pack(">iIBi", 1, 2, 0, 3),
        text("exact") + struct.pack(">iIBB", 2, 1, 0, 1),
        text("limit") + struct.pack(">iIBd", 1, 6, 0, 0.5),
    ]
    between = text(name) + several(">q", variants) + text(result) + struct.pack(">i", error) + text(reason)
    return sub("ToolCall: ", "```run```", between)


def state(version: int, large: int) -> bytes:
    kept = version < 6 or large > 0
    made = struct.pack("B", kept) if version >= 6 else b""
    made += struct.pack(">ii", 1, 0) if version >= 2 else b""
    made += text("The response") + text("A generated name") + struct.pack(">I", 77)
    if not kept:
        return made
    made += struct.pack(">I", 5) if version < 4 else b""
    made += struct.pack(">I", 9) + (struct.pack(">I", 2048) if version >= 7 else b"")
    made += struct.pack(">Q", 2) + b"\x00\x01" * 4 if version < 9 else b""
    return made + struct.pack(">Q", 3) + b"\x02" * 12 + octets(b"\x03" * large)


def item(version: int, name: str, value: str, pieces: list[bytes] | None = None, **flags: int) -> bytes:
    made = struct.pack(">i", 0) if version < 12 else b""
    made += text(name) + text(value) + (text("the prompt") if version < 10 else b"") + text(None)
    made += struct.pack("4B", flags.get("current", 0), flags.get("stopped", 0), 0, flags.get("down", 0))
    if version >= 11 and name == "Response: ":
        made += struct.pack("B", flags.get("failed", 0))
    if version >= 8:
        source = b"".join(map(text, ("books", "/home/ana/a.txt", "a.txt", "Tides", "", "", "An excerpt")))
        made += several(">q", [source + struct.pack(">iii", -1, 3, 5)] if flags.get("sources") else [])
    elif version >= 3:
        made += text("1. a.txt") + several(">I", [text("An excerpt")])
    if version >= 10:
        attached = octets(b"file:///home/ana/my%20notes.txt") + octets(b"Two tides.")
        made += several(">q", [attached] if flags.get("attached") else [])
    return made + (several(">q", pieces or []) if version >= 12 else b"")


def chat(version: int, key: str = "11111111-2222-4333-8444-000000000000", large: int = 12, **more: Any) -> bytes:
    """A chat with a question, its answer, and a second question whose answer was stopped."""
    made = struct.pack(">Ii", 0xF5D553CC, version) if version else b""
    made += struct.pack(">q", 1767261600) + text(key) + text("Tides") + text(more.get("title", "")) + text("a-model")
    made += several(">I", [text("books")]) if version >= 3 else b""
    made += state(version, large) if version < 11 else b""
    thought = sub("Response: ", "", inner=[sub("Think: ", "<think>Moon and sun.</think>", struct.pack(">i", 1200))])
    called = sub("Response: ", "", inner=[sub("Text: ", "I will count."), call("javascript_interpret", "2")])
    failing = sub("Response: ", "", inner=[call("javascript_interpret", "", 2, "Too slow")])
    pieces = [thought, called, sub("ToolResponse: ", "2"), failing]
    items = [
        item(version, "Prompt: ", "Why are there two tides a day?", sources=1, attached=1),
        item(version, "Response: ", "The moon pulls on both sides of the earth.", pieces, down=1),
        item(version, "Prompt: ", "And the sun? \ud83c\udf1e"),
        item(version, "Response: ", "It adds", stopped=1, current=1),
    ]
    return made + struct.pack(">i", len(items)) + b"".join(items)
