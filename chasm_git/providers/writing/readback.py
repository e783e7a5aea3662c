"""Reading back what was written, with the provider's own reader; and telling what a store holds already.

Two sessions are compared by their *records* where these are to come back exactly, and by *what is said* where a session
was converted: texts, calls and results, whatever records they stand in.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from pathlib import Path

from chasm_git.providers.base import Env, Problem, Provider, Source
from chasm_git.providers.reading.values import as_dict
from chasm_git.providers.writing.contract import ORIGIN, Expected, Standing, WritePlan
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.native import kept_line, plain, record_line

Said = Counter[tuple[str, ...]]

_LOOKED_AT = 3
"""Messages a converted session's marker may stand in."""


def records(session: Session, load: Load) -> Counter[bytes]:
    """The records a session was read from, in no order; a torn tail is one too. Raises KeyError.

    A side file's records are marked with its name.
    """
    found: Counter[bytes] = Counter()
    for message in session.messages:
        if message.native is not None:
            mark = b"" if message.file is None else message.file.encode("utf-8", "surrogatepass") + b"\0"
            found[mark + record_line(message, load)] += 1
    if tail := kept_line(as_dict(session.native).get("tail"), load):
        found[tail] += 1
    return found


def standing(theirs: Counter[bytes] | None, ours: Counter[bytes]) -> Standing:
    """What a store that holds the records `theirs` (None: not this session) has, against `ours`."""
    if theirs is None:
        return Standing.ABSENT
    if theirs == ours:
        return Standing.SAME
    extra = theirs - ours
    listed = sorted(ours)
    return Standing.OLDER if all(_begins_one(line, listed) for line in extra) else Standing.NEWER


def _begins_one(line: bytes, listed: list[bytes]) -> bool:
    """Whether a record is the beginning of one of some that are in order."""
    at = bisect_left(listed, line)
    return bool(line) and at < len(listed) and listed[at].startswith(line)


def said(session: Session, load: Load) -> Said:
    """What people, models and tools say in a session, as a reader sees it. Raises KeyError."""
    found: Said = Counter()
    for message in session.messages:
        if message.deleted or message.inactive or message.injected or message.role not in ("user", "assistant", "tool"):
            continue
        for part in merged([plain(part, load) for part in message.parts()]):
            if (fact := fact_of(message.role, part)) is not None:
                found[fact] += 1
    return found


def merged(parts: list[Part]) -> list[Part]:
    """Parts, with texts that follow each other put together: formats that hold one text a message do so."""
    made: list[Part] = []
    for part in parts:
        if made and part.get("type") == made[-1].get("type") == "text":
            made[-1] = {"type": "text", "text": f"{made[-1].get('text', '')}\n\n{part.get('text', '')}"}
        else:
            made.append(part)
    return made


def fact_of(role: str, part: Part) -> tuple[str, ...] | None:
    """One thing that is said; None for what is not compared."""
    kind = part.get("type")
    if kind == "text" or kind == "thinking":
        text = str(part.get("text", "")).strip()
        return (role if kind == "text" else "thinking", text) if text else None
    if kind == "tool_call":
        return "call", str(part.get("name")), jsonio.dumps(part.get("arguments")).decode()
    if kind == "tool_result":
        return "result", result_text(part.get("content")).strip()
    return ("image", str(part.get("data", part.get("uri")))) if kind == "image" else None


def result_text(content: Json) -> str:
    """A tool's result as text; what else is in it is left out."""
    if type(content) is str:
        return content
    texts = [item.get("text") for item in content if type(item) is dict] if type(content) is list else []
    return "\n\n".join(text for text in texts if type(text) is str)


def held(
    provider: Provider, env: Env, place: Path, session_id: str, *, is_listed: bool = True
) -> tuple[Session, Load] | None:
    """The session as a provider's reader finds it in the source at `place`; None where it does not. Raises OSError.

    Args:
        is_listed: see `Expected`.
    """
    handed = Source(provider.name, str(place), place, "")
    for source in provider.discover(env) if is_listed else [handed] if place.is_file() else []:
        if isinstance(source, Problem) or source.path != place:
            continue
        reading = provider.read(source)
        for session in reading.sessions:
            if session.id == session_id:
                return session, reading.attachments.__getitem__
    return None


def missing(provider: Provider, plan: WritePlan) -> list[str]:
    """What does not come back of a plan that was carried out: a line each."""
    return [line for one in plan.expected for line in _missing(provider, plan.env, one)]


def _missing(provider: Provider, env: Env, expected: Expected) -> list[str]:
    found = held(provider, env, expected.place, expected.session_id, is_listed=expected.is_listed)
    if found is None:
        return [f"session {expected.session_id} is not found at {expected.place}"]
    session, load = found
    there = records(session, load)
    if expected.records is not None:
        lost, more = expected.records - there, there - expected.records
        return [f"{expected.session_id}: {lost.total()} records lost, {more.total()} more"] if lost or more else []
    left = expected.said - said(session, load)
    return [f"{expected.session_id}: {fact[0]} lost: {fact[-1][:60]!r}" for fact in left if not _kept(fact[-1], there)]


def _kept(text: str, there: Counter[bytes]) -> bool:
    """Whether a text stands in a record all the same: a reader may show it as something else than a person's words."""
    needle = jsonio.dumps(text)[1:-1]
    return any(needle in line for line in there)


def origin_of(session: Session) -> dict[str, str] | None:
    """What the marker of a converted session says it was made of; None for a session that the tool itself made."""
    for native in (session.native, *(message.native for message in session.messages[:_LOOKED_AT])):
        found = _marker(native, 4)
        if found is not None:
            return found
    return None


def _marker(value: Json, deep: int) -> dict[str, str] | None:
    if type(value) is dict:
        mark = value.get(ORIGIN)
        if type(mark) is dict and all(type(mark.get(name)) is str for name in ("provider", "id")):
            return mark
        if deep:
            return next((found for item in value.values() if (found := _marker(item, deep - 1)) is not None), None)
    return None
