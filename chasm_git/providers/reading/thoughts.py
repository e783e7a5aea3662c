"""Answers of models that write their thoughts before it, in tags: ``<think>…</think>``."""

from __future__ import annotations

from chasm_git.session.model import Json, Part

_OPEN, _CLOSE = "<think>", "</think>"


def split(said: str, at: int = 0) -> tuple[list[Part], dict[str, Json]]:
    """The parts of an answer's text, thoughts apart, and the text as `Builder.message` takes it in ``derived``.

    Only what stands first is a thought, and more thoughts right behind it; one that is never closed goes to the end.

    Args:
        at: how many parts stand before it in the message, which must become a list.
    """
    parts: list[Part] = []
    pieces: list[Json] = []
    rest = said
    while (bare := rest.lstrip()).startswith(_OPEN):
        inner, close, behind = bare[len(_OPEN) :].partition(_CLOSE)
        _add(parts, pieces, rest[: len(rest) - len(bare)] + _OPEN, inner, close, "thinking", at)
        rest = behind
    if not pieces:
        return ([{"type": "text", "text": said}] if said else []), {}
    _add(parts, pieces, "", rest, "", "text", at)
    return parts, {said: {"$cat": [piece for piece in pieces if piece]}}


def _add(parts: list[Part], pieces: list[Json], before: str, inner: str, behind: str, kind: str, at: int) -> None:
    bare = inner.strip()
    if not bare:
        pieces.append(before + inner + behind)
        return
    start = inner.index(bare)
    pieces += [before + inner[:start], {"$": f"content.{at + len(parts)}.text"}, inner[start + len(bare) :] + behind]
    parts.append({"type": kind, "text": bare})
