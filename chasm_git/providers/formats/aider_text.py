"""The Markdown of aider's chats, cut into blocks: what was typed, what was answered, what the program said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from chasm_git.session.model import Part

START = re.compile(rb"^# aider chat started at [^\n]*$", re.MULTILINE)
PROMPT, ANSWER, PROGRAM = "prompt", "answer", "program"

_THOUGHT = re.compile(r"<(thinking-content-[0-9a-f]+)>\n(.*?)\n</\1>\n?(.*)", re.DOTALL)
_SHOWN_THOUGHT = re.compile(r"-*\n?► \*\*THINKING\*\*\n(.*?)\n-+\n► \*\*ANSWER\*\*\n(.*)", re.DOTALL)
_MODEL = re.compile(r"^> (?:Main m|M)odel: (\S+) with ", re.MULTILINE)
_TOKENS = re.compile(r"^> Tokens: ([\d.,]+k?) sent, (?:.*? )?([\d.,]+k?) received", re.MULTILINE)
_ERROR = re.compile(r"^> ((?:litellm\.)?\w*(?:Error|Exception): .*)$", re.MULTILINE)


class Block(NamedTuple):
    """Lines of one kind, with the empty ones above them; of what the program says, each line is one."""

    kind: str
    data: bytes


def blocks(data: bytes) -> Iterator[Block]:
    """The blocks of a session, which starts with its heading. Empty lines below the last one are none of it."""
    kind = PROGRAM
    lines: list[bytes] = []
    empty: list[bytes] = []
    for line in re.findall(rb"[^\n]*\n", data):
        stripped = line.rstrip(b"\r\n")
        if not stripped:
            empty.append(line)
            continue
        new = _kind(stripped, kind, bool(empty)) if lines else kind
        if lines and (new != kind or new == PROGRAM or (new == PROMPT and empty)):
            yield Block(kind, b"".join(lines))
            lines = []
        lines += [*empty, line]
        kind, empty = new, []
    if lines:
        yield Block(kind, b"".join(lines))


def _kind(line: bytes, above: str, after_empty: bool) -> str:
    """What a line is: lines of an answer may look like any other, but do not end in two spaces."""
    is_ours = above != ANSWER or line.endswith(b"  ")
    if line.startswith(b"####") and is_ours:
        return PROMPT
    if line.startswith(b">") and is_ours:
        return PROGRAM
    return above if above == PROGRAM and not after_empty else ANSWER  # the rest of what the program said


def answer_parts(whole: str) -> list[Part]:
    """What an answer says, and what was thought before it."""
    said = whole.strip()
    found = _THOUGHT.fullmatch(said)
    shown = _SHOWN_THOUGHT.fullmatch(said) if found is None else None
    if found is None and shown is None:
        return [{"type": "text", "text": said}]
    thought, rest = (found[2], found[3]) if found is not None else (shown[1], shown[2])  # type: ignore[index]
    parts = (("thinking", thought.strip()), ("text", rest.strip()))
    return [{"type": kind, "text": text} for kind, text in parts if text]


def said_by_program(whole: str) -> dict[str, Any]:
    """What the program's own lines say of the model, its tokens, and what failed."""
    fields: dict[str, Any] = {}
    if (model := _MODEL.search(whole)) is not None:
        fields["model"] = model[1]
    if (tokens := _TOKENS.search(whole)) is not None:
        fields["usage"] = {"input_tokens": _number(tokens[1]), "output_tokens": _number(tokens[2])}
    if errors := _ERROR.findall(whole):
        fields["content"] = [{"type": "error", "text": error.strip()} for error in errors]
    return fields


def _number(text: str) -> int:
    """A count as it is shown: ``730`` or ``1.1k``."""
    digits = text.rstrip("k.,").replace(",", "")
    try:
        return round(float(digits) * (1000 if text.endswith("k") else 1))
    except ValueError:
        return 0
