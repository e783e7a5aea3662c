"""The texts a message is made of: all of them, or as much as a page can show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

_LONGEST = 40_000
"""Characters of one text that are shown in a page."""


def blocks_of(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a message of the universal form says, piece by piece, each with what it is."""
    for thought in message["thinking"]:
        yield "thinking", thought
    if message["content"]:
        yield "result" if message["role"] == "tool" else "text", message["content"]
    for call in message["tool_calls"]:
        arguments = call["arguments"]
        yield f"tool {call['name'] or ''}".strip(), arguments if isinstance(arguments, str) else _pretty(arguments)
        if call["result"] is not None:
            yield "error of the tool" if call["is_error"] else "result of the tool", call["result"]
    if "error" in message:
        yield "error", message["error"]
    for kind in ("references", "edits", "images", "files"):
        if message.get(kind):
            yield kind, _pretty(message[kind])
    for number, variant in enumerate(message.get("variants", ()), 1):
        yield f"variant {number}", _pretty(variant)


def cut(message: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """A message with every long text of it cut, and whether there was nothing to cut."""
    cutting = _Cutting()
    shown = {name: cutting.value(value) for name, value in message.items()}
    return (message, True) if not cutting.did else (shown, False)


class _Cutting:
    did = False

    def value(self, value: Any) -> Any:
        if type(value) is str:
            if len(value) <= _LONGEST:
                return value
            self.did = True
            return f"{value[:_LONGEST]}…\n[{len(value) - _LONGEST:,} more characters]"
        if type(value) is list:
            return [self.value(item) for item in value]
        if type(value) is dict:
            return {key: self.value(item) for key, item in value.items()}
        return value


def _pretty(value: Any) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:  # lone surrogates
        import json

        return json.dumps(value, indent=2)
