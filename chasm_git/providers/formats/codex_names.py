"""The names of Codex's sessions, which its rollouts do not always hold.

Two places beside the rollouts: ``session_index.jsonl`` (a row for each naming, the last one counts) and the ``threads``
table of ``state_<n>.sqlite`` (WAL mode). Both are read when the first session is, and again when they have changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from chasm_git.providers.base import Problem, stamp
from chasm_git.providers.reading.jsonl import rows
from chasm_git.session import times

_LARGEST = 256 * 1024 * 1024
"""Bytes of a database above which names are not worth the copy."""
_PROMPTS = ("first_user_message", "preview")
"""Columns of ``threads`` that a title may only repeat."""


class Name(NamedTuple):
    """What a session is called, and since when (UTC, ISO 8601) as far as that is known."""

    text: str
    since: str = ""


class Names:
    """Names by session id, cached by the stat of the files they come from."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, dict[str, Name]]] = {}

    def of(self, session_id: str, own: Name | None, places: Any, problems: list[Problem]) -> str | None:
        """The name of a session.

        Args:
            own: the name its rollout holds.
            places: ``{"index": path, "state": path}``, as `discover` found them; anything else is no place.
            problems: gets what could not be read, once for each state of the file.
        """
        index, state = (places.get("index"), places.get("state")) if type(places) is dict else (None, None)
        noted = self._names(index, _from_index, problems).get(session_id) if type(index) is str else None
        found = max((name for name in (own, noted) if name is not None), key=lambda name: name.since, default=None)
        if found is None and type(state) is str:
            found = self._names(state, _from_state, problems).get(session_id)
        return found.text if found is not None else None

    def _names(self, place: str, read: Any, problems: list[Problem]) -> dict[str, Name]:
        path = Path(place)
        marks = _stamp(path)
        known = self._known.get(place)
        if known is None or known[0] != marks:
            try:
                names: dict[str, Name] = read(path)
            except (OSError, ValueError) as error:
                # What was read before is still the best there is: a locked database takes no name away.
                names = known[1] if known is not None else {}
                problems.append(Problem(place, f"names of sessions not read: {error}", fatal=False))
            known = self._known[place] = (marks, names)
        return known[1]


def _log(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _stamp(path: Path) -> str:
    """The state of a file and of the write-ahead log it may have."""
    marks = []
    for file in (path, _log(path)):
        try:
            marks.append(stamp(file.stat()))
        except OSError:
            marks.append("")
    return "|".join(marks)


def _from_index(path: Path) -> dict[str, Name]:
    names: dict[str, Name] = {}
    for row in rows(path.read_bytes())[0]:
        record = row.record
        if type(record) is not dict:
            continue
        key, text = record.get("id"), record.get("thread_name")
        if type(key) is str and type(text) is str and text.strip():
            names[key] = Name(text.strip(), times.iso(record.get("updated_at")) or "")
    return names


def _from_state(path: Path) -> dict[str, Name]:
    """Names from the client's database. Raises OSError and ValueError where it cannot be read."""
    from chasm_git.providers.reading import sqlite_copy

    size = path.stat().st_size
    if size > _LARGEST:
        raise ValueError(f"{size} bytes are more than names are worth")
    faults: list[Problem] = []
    with sqlite_copy.opened(path, faults) as database:
        if "id" not in database.columns("threads"):
            raise ValueError("no table of threads in it")
        threads = database.rows("threads")
    if faults:
        raise ValueError(faults[0].reason)
    names: dict[str, Name] = {}
    for row in threads:
        name = row.get("name")
        key, text = row.get("id"), name if type(name) is str and name.strip() else row.get("title")
        if type(key) is not str or type(text) is not str or not text.strip():
            continue
        if text is name or not any(_is_start_of(text, row.get(prompt)) for prompt in _PROMPTS):
            names[key] = Name(text.strip())
    return names


def _is_start_of(title: str, prompt: Any) -> bool:
    """Whether a title is only the prompt again, whole or cut."""
    if type(prompt) is not str:
        return False
    words = " ".join(title.split()).removesuffix("…").removesuffix("...").rstrip()
    return " ".join(prompt.split()).startswith(words)
