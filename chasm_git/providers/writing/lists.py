"""Lists that tools keep of their sessions: an entry comes in, all others stay as they stand, byte for byte."""

from __future__ import annotations

from pathlib import Path

from chasm_git.providers.reading.values import as_dict
from chasm_git.providers.writing.applying import content
from chasm_git.providers.writing.contract import INDEX, FileChange, WritePlan
from chasm_git.session import jsonio
from chasm_git.session.model import Json


def add_to_list(plan: WritePlan, path: Path, key: str, entry: dict[str, Json]) -> None:
    """Plan that a JSON list in a file gets the entry of a session; nothing where it has one.

    Args:
        key: where entries have the id. Raises OSError.
    """
    data, before = content(path)
    try:
        text = with_entry(data, key, entry) if data is not None else with_entry(b"[]", key, entry)
    except ValueError:
        plan.notes.append(f"{path.name} cannot be read, and was left alone: the session will not be listed")
        return
    if text is not None:
        plan.changes.append(FileChange(path, text, before, INDEX))


def with_entry(text: bytes, key: str, entry: dict[str, Json]) -> bytes | None:
    """A JSON list with one more entry; None where it has it. Raises ValueError for anything else than a list."""
    entries = jsonio.loads(text)
    if type(entries) is not list:
        raise ValueError("not a list")
    if any(as_dict(one).get(key) == entry[key] for one in entries):
        return None
    head = text.rstrip()[:-1].rstrip()
    return head + (b"," if entries else b"") + jsonio.dumps(entry) + b"]"
