"""Sessions that are rows of a database: how their rows become records, and how the rows come back.

A record is the rows that belong to one message, by their tables (a row, or a list of rows)::

    {"message": {"id": …, …}, "part": [{…}, {…}]}

Rows that belong to the session alone stand in its `native`, under ``tables``, in the same way. Where one row holds two
messages (a prompt and its answer), the second record has the rest of its columns, under the name ``+<table>``.
"""

from __future__ import annotations

import re
from typing import Any

from chasm_git.providers.reading.cells import stored
from chasm_git.providers.reading.document import folded, unfolded
from chasm_git.providers.reading.sqlite_copy import Row
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Session
from chasm_git.session.native import unfold

_UNSAFE = re.compile(r"[^0-9A-Za-z._-]+")
_TABLES = "tables"


def kept(rows: dict[str, Json], into: dict[str, bytes]) -> dict[str, Json]:
    """What a session's `native` keeps of rows that are no message's; long texts go to `into`, the attachments."""
    return {_TABLES: folded(rows, into)}


def of_session(session: Session, load: Load) -> dict[str, list[Row]]:
    """The rows of a session as the database held them, by table. Raises KeyError where an attachment is missing."""
    made: dict[str, list[Row]] = {}
    shared: set[tuple[str, bytes]] = set()
    """Rows that are given back already: what several messages share stands with each of them."""
    native = session.native if type(session.native) is dict else {}
    records = [unfolded(native.get(_TABLES), load)]
    records += [unfold(message, load) for message in session.messages if message.native is not None]
    for record in records:
        for table, rows in record.items() if type(record) is dict else ():
            if table.startswith("+"):
                whole = made.setdefault(table[1:], [{}])
                whole[-1] = whole[-1] | _stored(rows)
            else:
                into = made.setdefault(table, [])
                for row in map(_stored, rows if type(rows) is list else [rows]):
                    mark = (table, jsonio.dumps(row)) if row.get("id") is not None else None
                    if mark is None or mark not in shared:
                        into.append(row)
                    if mark is not None:
                        shared.add(mark)
    return made


def export(session: Session, load: Load) -> dict[str, bytes]:
    """A JSON document with the rows of a session, by table: ``{"session": [{…}], "message": [{…}, …]}``."""
    return {file_name(session): jsonio.dumps(of_session(session, load))}


def file_name(session: Session) -> str:
    """A name for a session's document."""
    return f"{_UNSAFE.sub('-', session.id).lstrip('.')[:200] or 'session'}.json"


def _stored(row: Any) -> Row:
    return {column: stored(cell) for column, cell in row.items()} if type(row) is dict else {}
