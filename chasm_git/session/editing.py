"""Versions of a message as texts a person can read, compare and edit; and an edited text as content again. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from chasm_git.session import codec, encode
from chasm_git.session.body import Body
from chasm_git.session.model import Message, Part

SCISSORS = "# ------------------------ >8 ------------------------"
"""What stands below this line of an edited text does not count."""

_OPEN, _BETWEEN, _CLOSE = "<<<<<<<", "=======", ">>>>>>>"
_BLANK_FILE = b"chasm: 1\nid: x\nprovider: x\nmessages:\n- id: x\n  role: user\n"


class NotMerged(ValueError):
    """An edited text that cannot take the place of the versions; says why."""


def text_of(body: Body) -> str:
    """What a body says: its text; of one made of several parts, its content as it stands in the file."""
    only = _only_text(body.message)
    if only is not None:
        return only
    bare = Message(body.message.id, "user", content=body.message.content)
    lines = encode.body(bare).decode("utf-8", "replace").split("\n")[1:]
    return "\n".join(line[2:] for line in lines)


def texts_of(bodies: Sequence[Body]) -> list[str]:
    """What several versions say; where that is the same, the whole of them."""
    texts = [text_of(body) for body in bodies]
    if len(set(texts)) == len(texts):
        return texts
    return ["\n".join(line[2:] for line in body.data.decode("utf-8", "replace").split("\n")) for body in bodies]


def content_from(body: Body, text: str) -> str | list[Part]:
    """The content an edited text stands for. Raises NotMerged for one that is none.

    Args:
        body: the version whose `text_of` it was made from.
    """
    content = body.message.content
    if _only_text(body.message) is not None:
        return text if isinstance(content, str) else [{**content[0], "text": text}]
    lines = "".join(f"  {line}\n" if line else "\n" for line in text.rstrip("\n").split("\n"))
    try:
        return codec.loads(_BLANK_FILE + lines.encode()).messages[0].content
    except (codec.CodecError, UnicodeEncodeError) as error:
        raise NotMerged(f"that is no content of a message: {error}") from None


def document(texts: Sequence[str], labels: Sequence[str], about: str) -> str:
    """What an editor opens: the versions, between marks where they differ, and what to do with them."""
    if len(texts) == 2:
        lines = _woven(texts[0].split("\n"), texts[1].split("\n"), labels)
    else:
        lines = [f"{_OPEN} {labels[0]}", *texts[0].split("\n")]
        for text, label in zip(texts[1:], labels[1:], strict=True):
            lines += [f"{_BETWEEN} {label}", *text.split("\n")]
        lines.append(f"{_CLOSE} {labels[-1]}")
    help_lines = [f"# {line}".rstrip() for line in about.split("\n")]
    return "\n".join([*lines, SCISSORS, *help_lines, ""])


def written(edited: str, texts: Sequence[str], labels: Sequence[str]) -> str:
    """What a person made of a `document`. Raises NotMerged where marks are left."""
    lines = edited.replace("\r\n", "\n").split("\n")
    if SCISSORS in lines:
        lines = lines[: lines.index(SCISSORS)]
    marks = {f"{mark} {label}" for mark in (_OPEN, _BETWEEN, _CLOSE) for label in labels}
    left = next((line for line in lines if line in marks), None)
    if left is not None:
        raise NotMerged(f"the mark {left!r} is still there")
    text = "\n".join(lines)
    return text if any(one.endswith("\n") for one in texts) else text.rstrip("\n")


def difference(texts: Sequence[str], labels: Sequence[str]) -> list[str]:
    """The first version and each of the others, as unified diffs."""
    lines: list[str] = []
    for text, label in zip(texts[1:], labels[1:], strict=True):
        found = difflib.unified_diff(texts[0].split("\n"), text.split("\n"), labels[0], label, lineterm="")
        lines += found
    return lines


def _woven(one: list[str], other: list[str], labels: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for kind, start, end, from_, to in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += one[start:end]
        else:
            lines += [f"{_OPEN} {labels[0]}", *one[start:end], _BETWEEN + f" {labels[1]}", *other[from_:to]]
            lines.append(f"{_CLOSE} {labels[1]}")
    return lines


def _only_text(message: Message) -> str | None:
    """The text of a message that is nothing else."""
    content = message.content
    if isinstance(content, str):
        return content
    if len(content) == 1 and type(content[0]) is dict and content[0].get("type") == "text":
        text = content[0].get("text")
        return text if isinstance(text, str) else None
    return None
