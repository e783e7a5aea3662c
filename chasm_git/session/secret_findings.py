"""Findings as people and settings files are told of them: which kind, in which message, and next to nothing of what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from chasm_git.session import jsonio
from chasm_git.session.secrets import Finding, Scanner

_SHOWN = 4
_ID = re.compile(rb"- id: ([^\n]*)")
_START = b"\n- "


class Sighting(NamedTuple):
    """A credential in one message (or the header, or an attachment), wherever and however often it stands there."""

    rule: str
    fingerprint: str
    message: str
    """Id of the message; "" for the header, and for what has no messages."""
    shown: str
    """Its first characters: four at most, and never more than a fifth."""
    times: int
    decision: str
    """See `secrets.Finding.decision`."""


def sightings(data: bytes, found: Iterable[Finding], *, is_session: bool = True) -> list[Sighting]:
    """Findings of a file by message, each credential once in each."""
    seen: dict[tuple[str, str], Sighting] = {}
    for one in found:
        message = _message(data, one.start) if is_session else ""
        key = one.fingerprint, message
        before = seen.get(key)
        if before is not None:
            seen[key] = before._replace(times=before.times + 1)
        else:
            shown = beginning(data[one.start : one.end])
            seen[key] = Sighting(one.rule, one.fingerprint, message, shown, 1, one.decision)
    return list(seen.values())


def news(before: bytes, now: bytes, scanner: Scanner) -> list[Sighting]:
    """The credentials in the messages of a session file that are not in an earlier version of it as they are.

    What the earlier version of such a message held is no news. Raises secret_patterns.TooSlow.
    """
    earlier = before.removesuffix(b"\n").split(_START)  # else the last message would be another one
    known = set(earlier)
    parts = now.removesuffix(b"\n").split(_START)
    fresh = [part for number, part in enumerate(parts) if number and part not in known]
    # the header of a session is not there to be missed: an empty one takes its place
    head = parts[0] if parts[0] not in known else b"messages:"
    found = _seen(_START.join([head, *fresh]), scanner)
    if not found:
        return []
    still = set(parts)
    gone = [part for part in earlier[1:] if part not in still]
    head = earlier[0] if earlier[0] and earlier[0] not in still else b"messages:"
    old = {one.fingerprint for one in _seen(_START.join([head, *gone]), scanner)}
    return [one for one in found if one.fingerprint not in old]


def beginning(secret: bytes) -> str:
    """So much of a credential as its owner needs to know it again."""
    return secret[: min(_SHOWN, len(secret) // 5)].decode("ascii", "replace") + "…"


def masked_text(text: str, scanner: Scanner) -> str:
    """A text to be shown or to go into a commit message, its credentials masked. Raises secret_patterns.TooSlow."""
    data = text.encode("utf-8", "surrogatepass")
    found = scanner.scan(data)
    if not found:
        return text
    pieces: list[bytes] = []
    at = 0
    for one in found:
        pieces += (data[at : one.start], one.mask.encode())
        at = one.end
    return b"".join([*pieces, data[at:]]).decode("utf-8", "surrogatepass")


def _seen(data: bytes, scanner: Scanner) -> list[Sighting]:
    return sightings(data, scanner.scan_session(data))


def _message(data: bytes, at: int) -> str:
    start = data.rfind(_START, 0, at + 1) + 1
    found = _ID.match(data, start)
    if found is None:
        return ""
    text = found[1].strip()
    if text.startswith(b'"'):
        try:
            value = jsonio.loads(text)
        except ValueError:
            value = None
        if isinstance(value, str):
            return value
    return text.decode("utf-8", "replace")
