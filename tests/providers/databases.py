"""Homes with databases in them: fixtures hold their SQL (``opencode.db.sql``), the tests make the databases of it."""

from __future__ import annotations

import atexit
import json
import shutil
import sqlite3
import tempfile
from base64 import b64encode
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Provider, Reading
from chasm_git.session import codec


@cache
def built(home: Path) -> Path:
    """A home whose SQL files are databases; a home without any is given back as it is."""
    if not any(home.rglob("*.sql")):
        return home
    folder = tempfile.mkdtemp(prefix="chasm-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Path(folder) / home.name
    shutil.copytree(home, made)
    for script in sorted(made.rglob("*.sql")):
        build(script.with_suffix(""), script.read_text(encoding="utf-8"))
        script.unlink()
    return made


def build(path: Path, script: str) -> Path:
    """Make a database of SQL statements."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def rows_of(path: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table as a document has them: blobs in base64."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [
            {
                key: {"$base64": b64encode(row[key]).decode()} if type(row[key]) is bytes else row[key]
                for key in row.keys()  # noqa: SIM118 - a Row is no dict
            }
            for row in connection.execute(f'SELECT * FROM "{table}"')
        ]


def given_back(provider: Provider, readings: list[Reading], table: str) -> list[dict[str, Any]]:
    """The rows of a table that all sessions' documents hold, after they were stored."""
    rows: list[dict[str, Any]] = []
    for reading in readings:
        for session in reading.sessions:
            again = codec.loads(codec.dumps(session))
            (data,) = provider.export(again, reading.attachments.__getitem__).values()
            rows += json.loads(data).get(table, [])
    return rows


def as_set(rows: list[dict[str, Any]]) -> list[str]:
    """Rows without their order; the order of columns counts."""
    return sorted(map(json.dumps, rows))
