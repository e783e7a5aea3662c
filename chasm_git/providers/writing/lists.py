"""Lists that tools keep of their sessions: an entry comes in, all others stay as they stand, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chasm_git.providers.reading.values import as_dict
from chasm_git.providers.writing.applying import content
from chasm_git.providers.writing.contract import INDEX, FileChange, WritePlan
from chasm_git.session import jsonio
from chasm_git.session.model import Json


def add_to_list(plan: WritePlan, path: Path, key: str, *entries: dict[str, Json]) -> None:
    """Plan that a JSON list in a file gets entries of sessions, as far as it has none.

    Args:
        key: where entries have the id. Raises OSError.
    """
    data, before = content(path)
    try:
        text = with_entries(data if data is not None else b"[]", key, entries)
    except ValueError:
        plan.notes.append(f"{path.name} cannot be read, and was left alone: the session will not be listed")
        return
    if text is not None:
        plan.changes.append(FileChange(path, text, before, INDEX))


def with_entries(text: bytes, key: str, entries: Iterable[dict[str, Json]]) -> bytes | None:
    """A JSON list with more entries; None where it has them all. Raises ValueError for anything else than a list."""
    there = jsonio.loads(text)
    if type(there) is not list:
        raise ValueError("not a list")
    known = [as_dict(one).get(key) for one in there]
    new = [jsonio.dumps(entry) for entry in entries if entry[key] not in known]
    head = text.rstrip()[:-1].rstrip()
    return head + b",".join([*([b""] if there else []), *new]) + b"]" if new else None
