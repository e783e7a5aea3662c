"""The list of a workspace's chats that VS Code shows: one JSON text in the database ``state.vscdb``.

VS Code never looks into the folder of the session files. What it shows is the value of ``chat.ChatSessionStore.index``
in the table ``ItemTable`` (1.92 to 1.139)::

    {"version":1,"entries":{ID:{"sessionId":ID,"title":…,"lastMessageDate":ms,"timing":{…},"initialLocation":"panel",
                                "isEmpty":false,"isExternal":false,…}}}

One entry without a title makes VS Code forget the whole list, and it writes the loss back. So entries are put in as
text, between the others, which stay byte for byte what they were; entries that VS Code would not accept go, and what
was there before stays in a copy of the database.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeAlias
from urllib.parse import quote

from chasm_git.errors import ChasmError
from chasm_git.providers.formats.vscode_content import as_dict, as_list
from chasm_git.providers.formats.vscode_said import message_text
from chasm_git.providers.writing.contract import INDEX, Query, RowsChange
from chasm_git.session import jsonio, times
from chasm_git.session.model import Json

KEY = "chat.ChatSessionStore.index"
VERSION = 1
BUSY = 10.0
"""Seconds to wait for another program that holds the database."""
SHOWN = 50
"""Chats that every version keeps in its list; 1.139 keeps 400. The oldest above that are dropped from it."""

Entry: TypeAlias = dict[str, Json]

_TABLE = "CREATE TABLE IF NOT EXISTS ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)"
_LONGEST_TITLE = 200
_UNTITLED = "New Chat"


class IndexUnwritable(ChasmError):
    """The index cannot be changed without harm."""


class Damaged(ValueError):
    """A text that is no index VS Code would read."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index, taken apart without being changed."""

    head: str
    """The text up to the first entry."""
    entries: dict[str, tuple[str, Any]]
    """Each entry by its key: its text, and its value."""
    tail: str
    """The text behind the last entry."""

    @classmethod
    def of(cls, text: str) -> Index:
        """Take an index apart. Raises Damaged; IndexUnwritable for a version that is not known."""
        try:
            top, behind = _members(text, _space(text, 0))
            if text[behind:].strip():
                raise ValueError(f"something stands behind it at character {behind}")
            spans = {key: (start, end) for key, start, end in top}
            version = _value(text, *spans["version"])
            start, _ = spans["entries"]
            entries, end = _members(text, start)
        except (ValueError, KeyError, IndexError, RecursionError) as error:
            raise Damaged(f"no index: {error}") from None
        if version != VERSION or type(version) is bool:
            raise IndexUnwritable(f"the list of chats is of version {version!r}, which is not known here")
        taken = {key: (text[first:last], _value(text, first, last)) for key, first, last in entries}
        return cls(text[: start + 1], taken, text[end - 1 :])

    def rejected(self) -> list[str]:
        """Keys of the entries for which VS Code would throw the whole index away."""
        return [key for key, (_, value) in self.entries.items() if not acceptable(value)]

    def with_entries(self, entries: Mapping[str, Entry]) -> str:
        """The text with these entries added or put in the place of theirs, and without those VS Code rejects."""
        texts = {key: text for key, (text, value) in self.entries.items() if key in entries or acceptable(value)}
        texts |= {key: jsonio.dumps(entry).decode() for key, entry in entries.items()}
        body = ",".join(f"{jsonio.dumps(key).decode()}:{text}" for key, text in texts.items())
        return self.head + body + self.tail


def empty() -> Index:
    """The index of a workspace that has none."""
    return Index.of('{"version":1,"entries":{}}')


def acceptable(entry: Any) -> bool:
    """Whether VS Code takes an entry."""
    return (
        type(entry) is dict
        and type(entry.get("sessionId")) is str
        and type(entry.get("title")) is str
        and type(entry.get("lastMessageDate")) in (int, float)
    )


def entry_of(session_id: str, state: Mapping[str, Any]) -> Entry:
    """The entry of a session, complete for every version that knows the index.

    Args:
        session_id: the name of its file, without suffix.
        state: the session's object.
    """
    requests = [request for request in as_list(state.get("requests")) if type(request) is dict]
    last = requests[-1] if requests else {}
    created = _time(state.get("creationDate")) or next(filter(None, (_time(r.get("timestamp")) for r in requests)), 0)
    asked = _time(last.get("timestamp")) or created
    done = _time(as_dict(last.get("modelState")).get("completedAt")) or asked
    location = state.get("initialLocation")
    return {
        "sessionId": session_id,
        "title": title_of(state),
        "lastMessageDate": asked,
        "timing": {
            "created": created,
            "lastRequestStarted": asked,
            "lastRequestEnded": done,
            "startTime": created,
            "endTime": done,
        },
        "initialLocation": location if type(location) is str and location != "editing-session" else "panel",
        "hasPendingEdits": state.get("hasPendingEdits") is True,
        "isEmpty": not requests,
        "isExternal": False,
        "lastResponseState": _response_state(last),
    }


def title_of(state: Mapping[str, Any]) -> str:
    """How VS Code calls a session: its own title, else the first line the user typed."""
    for title in (state.get("customTitle"), state.get("computedTitle")):
        if type(title) is str and title.strip():
            return title
    for request in as_list(state.get("requests")):
        if type(request) is dict and (text := message_text(request).strip()):
            return text.splitlines()[0][:_LONGEST_TITLE]
    return _UNTITLED


def _response_state(request: dict[str, Any]) -> int:
    """1 complete, 2 cancelled, 3 failed; an answer that was still coming counts as cancelled."""
    state = as_dict(request.get("modelState")).get("value")
    if state in (1, 2, 3) and type(state) is int:
        return int(state)
    return 2 if state in (0, 4) or request.get("isCanceled") is True else 1


def _time(value: Any) -> int | None:
    """A time of a request in ms, if it is one."""
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 < value < 1e14:
        return None
    return int(value) if times.iso(value) is not None else None


@dataclass(slots=True)
class Updated:
    """What became of an index."""

    written: bool = False
    backup: Path | None = None
    """The copy of the database from before; None where there was none, or nothing was written."""
    repaired: str | None = None
    """What was wrong with the index that was there."""
    count: int = 0
    """Chats of VS Code's own that are in the list now."""


@dataclass(slots=True)
class Present:
    """The index a database holds."""

    index: Index = field(default_factory=empty)
    damage: str | None = None
    """Why the text that is there could not be read; `index` is then empty."""
    text: str | None = None
    """The text that is there, where it is an index."""
    row: tuple[str, bytes] | None = None
    """How it is stored: SQLite's type of the value, and its bytes."""
    has_table: bool = True


def read(database: Path) -> Present:
    """The index in a database; an empty one where there is none. Raises IndexUnwritable for what is no database."""
    if not database.exists():
        return Present(has_table=False)
    try:
        with closing(_connect(database, "ro")) as connection:
            return _present(connection)
    except sqlite3.Error as error:
        raise IndexUnwritable(f"{database}: {error}") from None


def update(
    database: Path,
    choose: Callable[[Present], Mapping[str, Entry]],
    backup: Path,
) -> Updated:
    """Put entries into the index of a database, which is made where it is missing.

    Args:
        choose: gives, for the index as it is while nobody else can change it, the entries to put in. Where its
            `damage` says why it could not be read, all entries that are to be in the new one.
        backup: gets a copy of the database as it was; must not exist yet. Made only if something is written.

    Raises:
        IndexUnwritable: another program holds the database, or it is damaged, or of an unknown version.
        OSError: the backup cannot be written.
    """
    made = Updated()
    existed = database.exists()
    try:
        with closing(_connect(database, "rw" if existed else "rwc")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                _update(connection, database, existed, choose, backup, made)
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
    except sqlite3.Error as error:
        hint = "; quit the editor and try again" if "locked" in str(error) else ""
        raise IndexUnwritable(f"{database} is left as it was: {error}{hint}") from None
    return made


def _update(
    connection: sqlite3.Connection,
    database: Path,
    existed: bool,
    choose: Callable[[Present], Mapping[str, Entry]],
    backup: Path,
    made: Updated,
) -> None:
    connection.execute(_TABLE)
    if not existed:
        connection.execute("PRAGMA user_version = 1")
    present = _present(connection)
    rejected = present.index.rejected()
    entries = choose(present)
    text = present.index.with_entries(entries)
    if present.damage is not None:
        made.repaired = f"the list of chats could not be read ({present.damage}) and was made anew"
    elif rejected:
        made.repaired = f"VS Code would have rejected the list of chats for {', '.join(rejected)}"
    made.count = sum(as_dict(value).get("isExternal") is not True for _, value in Index.of(text).entries.values())
    if text == present.text or (present.row is None and not entries):
        connection.execute("COMMIT" if existed else "ROLLBACK")
        return
    if existed:
        _back_up(database, backup)
        made.backup = backup
    for statement, given in change(database, present, text, INDEX).statements:
        connection.execute(statement, given)
    connection.execute("COMMIT")
    made.written = True


def change(database: Path, present: Present, text: str, what: str, key: str = KEY) -> RowsChange:
    """What puts another text in the place of the one that was read from a database, as part of a plan."""
    where = ("SELECT typeof(value), CAST(value AS BLOB) FROM ItemTable WHERE key = ?", (key,))
    if present.row is None:
        put: Query = ("INSERT INTO ItemTable (key, value) VALUES (?, ?)", (key, text))
        back: Query = ("DELETE FROM ItemTable WHERE key = ?", (key,))
    else:
        kind, old = present.row
        put = ("UPDATE ItemTable SET value = ? WHERE key = ?", (text.encode() if kind == "blob" else text, key))
        cast = "CAST(? AS TEXT)" if kind == "text" else "?"
        back = (f"UPDATE ItemTable SET value = {cast} WHERE key = ?", (old, key))
    expected = ((where, [present.row] if present.row is not None else []),)
    if not present.has_table:
        return RowsChange(database, ((_TABLE, ()), put), (), (back,), (_TABLE, "PRAGMA user_version = 1"), what)
    return RowsChange(database, (put,), expected, (back,), None, what)


def _back_up(database: Path, backup: Path) -> None:
    """Copy a database as it stands. Raises OSError where the copy cannot be made."""
    backup.parent.mkdir(parents=True, exist_ok=True)
    with backup.open("xb"):
        pass
    with closing(_connect(database, "ro")) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)


def _connect(database: Path, mode: str) -> sqlite3.Connection:
    place = f"file:{quote(str(database.absolute()))}?mode={mode}"
    return sqlite3.connect(place, uri=True, timeout=BUSY, isolation_level=None)


def _present(connection: sqlite3.Connection) -> Present:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'ItemTable'").fetchone() is None:
        return Present(has_table=False)
    query = "SELECT typeof(value), CAST(value AS BLOB) FROM ItemTable WHERE key = ?"
    row = connection.execute(query, (KEY,)).fetchone()
    if row is None or not row[1]:  # VS Code takes an empty value for none
        return Present(row=row)
    try:
        text = bytes(row[1]).decode()
        return Present(Index.of(text), None, text, row)
    except UnicodeDecodeError as error:
        return Present(damage=f"not UTF-8 at byte {error.start}", row=row)
    except Damaged as damage:
        return Present(damage=str(damage), row=row)


def span(text: str, key: str) -> tuple[int, int]:
    """Where in the text of a JSON object the value of a key stands. Raises ValueError, KeyError."""
    try:
        found, _ = _members(text, _space(text, 0))
    except (IndexError, RecursionError) as error:
        raise ValueError(f"no object: {error}") from None
    return {name: (start, end) for name, start, end in found}[key]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _value(text: str, start: int, end: int) -> Any:
    return _DECODER.decode(text[start:end])


def _space(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _members(text: str, at: int) -> tuple[list[tuple[str, int, int]], int]:
    """Keys of the object at a place of a JSON text, where their values begin and end; and the object's own end.

    Raises ValueError and IndexError for anything else.
    """
    found: list[tuple[str, int, int]] = []
    if text[at] != "{":
        raise ValueError(f"no object at character {at}")
    at = _space(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _space(text, at)
        if type(key) is not str or text[at] != ":":
            raise ValueError(f"no key at character {at}")
        start = _space(text, at + 1)
        _, end = _DECODER.raw_decode(text, start)
        found.append((key, start, end))
        at = _space(text, end)
        if text[at] == ",":
            at = _space(text, at + 1)
            if text[at] == "}":
                raise ValueError(f"no key at character {at}")
        elif text[at] != "}":
            raise ValueError(f"no end of a value at character {at}")
    return found, at + 1
