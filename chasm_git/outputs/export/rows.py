"""Sessions line by line: JSON lines for programs, CSV for spreadsheets. One line, or row, is one message."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import orjson

from chasm_git.session.readable import visible

COLUMNS = (
    *("session", "provider", "title", "workspace", "message", "role", "timestamp", "model"),
    *("content", "thinking", "tool_calls", "references", "flags"),
)
_FLAGS = ("injected", "sidechain", "inactive")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def json_lines(shown: dict[str, Any], carried: dict[str, Any] | None) -> bytes:
    """A session in its universal form, one message a line, each with the session it belongs to.

    Args:
        carried: stands in the first line, see `session.carried`.
    """
    about = {"session": shown["id"], **{name: shown[name] for name in ("provider", "title", "workspace")}}
    lines = [{**about, **message} for message in shown["messages"]] or [about]
    if carried is not None:
        lines[0]["chasm"] = carried
    return b"".join(json_line(line) for line in lines)


def json_line(value: Any) -> bytes:
    """One JSON value on a line."""
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # lone surrogates
        import json

        return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def csv_heading() -> bytes:
    """The first row of a CSV file."""
    return _csv([COLUMNS])


def csv_rows(shown: dict[str, Any]) -> bytes:
    """A session in its universal form as rows of CSV (RFC 4180); no cell is a formula to a spreadsheet."""
    about = [shown[name] for name in ("id", "provider", "title", "workspace")]
    return _csv(map(cell, [*about, *_said(message)]) for message in shown["messages"])


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def _said(message: dict[str, Any]) -> list[Any]:
    flags = [flag for flag in (*(flag for flag in _FLAGS if message.get(flag)), message.get("status")) if flag]
    said = "\n\n".join(text for text in (message["content"], message.get("error")) if text)
    return [
        *(message[name] for name in ("id", "role", "timestamp", "model")),
        said,
        "\n\n".join(message["thinking"]),
        _json(message["tool_calls"]),
        _json(message["references"]),
        " ".join(flags),
    ]


def _json(value: list[Any]) -> str:
    return json_line(value).decode().rstrip("\n") if value else ""


def cell(value: Any) -> str:
    """A value as the text of a cell: nothing in it is a formula, or drives a program that shows it."""
    text = "" if value is None else visible(str(value).replace("\r\n", "\n"))
    return f"'{text}" if text.startswith(_FORMULA) else text
