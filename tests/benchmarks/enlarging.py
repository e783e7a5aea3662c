"""Homes of any size from the fixtures: what is in them again and again, each time with ids and more text of its own.

Fixtures say little and show every kind of record; people's files hold much text in few kinds. What is added to each
text is as long as in real sessions: half of them have less than 90 characters, the mean is ten times that.
"""

from __future__ import annotations

import json
import math
import random
import re
import sqlite3
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

_ID = re.compile(r"(?:^|_|[a-z])(?:[Ii]d|[Uu]uid|hash|parent|leaf)$|^(?:uuid|id|key)$")
_SHORTEST = 6
"""A shorter id may well be a word of the text."""
_STEP = 10_000
"""Between the numbers of one copy and the next."""
_NO_TEXT = re.compile(r"[Tt]itle|[Nn]ame|[Tt]ime|[Dd]ate|[Pp]ath|[Mm]odel|^(?:type|role|cwd|created_at|updated_at)$")
_PROSE = re.compile(r"[^\W\d][^\s<>{}]*\s\S")
"""How a text begins that somebody said: not a time, not markup, not JSON."""


@cache
def _library() -> str:
    folder = Path(sysconfig.get_paths()["stdlib"])
    return "".join((folder / name).read_text("utf-8") for name in ("argparse.py", "tarfile.py", "typing.py"))


def _longer(text: str, copy: int) -> str:
    """A text with more in it after its first word; the same for the same text and copy."""
    chance = random.Random(f"{copy} {text}")
    length = min(60_000, int(chance.lognormvariate(math.log(90), 2.17)))
    start = chance.randrange(len(_library()) - length)
    word, space, rest = text.partition(" ")
    return f"{word} {_library()[start : start + length]}{space}{rest}"


def _lengthened(value: Any, key: str, copy: int) -> Any:
    """A JSON value whose texts are longer, those within JSON texts too."""
    if isinstance(value, dict):
        return {name: _lengthened(item, name, copy) for name, item in value.items()}
    if isinstance(value, list):
        return [_lengthened(item, key, copy) for item in value]
    if not isinstance(value, str) or _NO_TEXT.search(key):
        return value
    if value[:1] in "{[" and (held := _parsed(value)) is not None:
        return json.dumps(_lengthened(held, key, copy), ensure_ascii=False, separators=(",", ":"))
    return _longer(value, copy) if _PROSE.match(value) else value


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


def _compact(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def enlarged(path: Path, size: int) -> bool:
    """Make a file about `size` bytes large; False for one that is none of the three kinds that can be."""
    head = path.read_bytes()[:16]
    if head.startswith(b"SQLite format 3"):
        return _database(path, size)
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return False
    try:
        return _document(path, json.loads(text), size)
    except ValueError:
        return _lines(path, text, size)


def _renaming(texts: Iterator[str]) -> Callable[[str, int], str]:
    """A function that gives a text with all ids in `texts` (JSON) those of another copy, as long as they were."""
    found: set[str] = set()
    for text in texts:
        try:
            _collect(json.loads(text), "", found)
        except ValueError:
            continue
    known = sorted((one for one in found if len(one) >= _SHORTEST), key=lambda one: (-len(one), one))
    if not known:
        return lambda text, copy: text
    pattern = re.compile("|".join(map(re.escape, known)))
    return lambda text, copy: pattern.sub(lambda match: f"{match[0][:-4]}{copy:04x}", text) if copy else text


def _collect(value: Any, key: str, into: set[str]) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            _collect(item, name, into)
    elif isinstance(value, list):
        for item in value:
            _collect(item, key, into)
    elif isinstance(value, str) and _ID.search(key) and re.fullmatch(r"[\w.:-]+", value):
        into.add(value)


def _lines(path: Path, text: str, size: int) -> bool:
    rows = [row for row in text.split("\n") if row.startswith("{") and row.endswith("}")]
    if len(rows) < 2:
        return _plain(path, text, size) if path.suffix == ".md" else False
    renamed = _renaming(iter(rows))
    written, copy = 0, 0
    with path.open("w", encoding="utf-8") as file:
        file.write(rows[0] + "\n")
        while written < size:
            for row in rows[1:]:
                line = _compact(_lengthened(json.loads(renamed(row, copy)), "", copy))
                written += len(line) + 1
                file.write(line + "\n")
            copy += 1
    return True


def _plain(path: Path, text: str, size: int) -> bool:
    """Markdown: its lines that begin like prose get longer."""
    written, copy = 0, 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            lines = (_longer(line, copy) if _PROSE.match(line) else line for line in text.split("\n"))
            again = "\n".join(lines)
            written += len(again)
            file.write(again)
            copy += 1
    return True


def _document(path: Path, value: Any, size: int) -> bool:
    """Repeats what stands in the longest list of the document, or in the largest object of objects."""
    listed = [one for one in _holders(value, 0) if _compact(_lengthened(one, "", 1)) != _compact(one)]
    found = max(listed, key=lambda one: (isinstance(one, list), len(json.dumps(one))), default=None)
    if not found:
        return False
    own = json.dumps(found)
    renamed = _renaming(iter([json.dumps(value)]))
    written, copy = 0, 1
    while written < size:
        again = _lengthened(json.loads(renamed(own, copy)), "", copy)
        written += len(_compact(again))
        if isinstance(found, list):
            found.extend(again)
        else:
            found.update(again)
        copy += 1
    path.write_text(_compact(value), "utf-8")
    return True


def _holders(value: Any, depth: int) -> Iterator[list[Any] | dict[str, Any]]:
    """Lists of objects, and objects of many objects by their ids, in a document."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        yield value
        if len(value) > 1 or depth > 2:
            return
    items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, dict) and len(items) > 1 and all(isinstance(item, dict) for item in items):
        yield value
        return
    for item in items:
        yield from _holders(item, depth + 1)


def _database(path: Path, size: int) -> bool:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        tables = [
            (name, [(row[1], bool(row[5])) for row in connection.execute(f'PRAGMA table_info("{name}")')])
            for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            if not name.startswith("sqlite_") and sql and "VIRTUAL" not in sql and "fts" not in name
        ]
        rows = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name, _ in tables}
        cells = [
            str(cell) for listed in rows.values() for row in listed for cell in row if isinstance(cell, str | bytes)
        ]
        named = [
            json.dumps({column: cell})
            for name, columns in tables
            for row in rows[name]
            for (column, is_key), cell in zip(columns, row, strict=True)
            if isinstance(cell, str) and (is_key or _ID.search(column))
        ]
        renamed = _renaming(iter([*named, *(cell for cell in cells if cell[:1] in "{[")]))
        written, copy = 0, 1
        while written < size:
            for name, columns in tables:
                marks = ",".join("?" * len(columns))
                made = [_row(row, columns, renamed, copy) for row in rows[name]]
                written += sum(len(cell) for row in made for cell in row if isinstance(cell, str | bytes))
                connection.executemany(f'INSERT OR IGNORE INTO "{name}" VALUES ({marks})', made)
            copy += 1
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
    return True


def _row(
    row: tuple[Any, ...], columns: list[tuple[str, bool]], renamed: Callable[[str, int], str], copy: int
) -> list[Any]:
    made: list[Any] = []
    for (column, is_key), cell in zip(columns, row, strict=True):
        if isinstance(cell, str):
            renewed = renamed(cell, copy)
            made.append(renewed if is_key else _lengthened(renewed, column, copy))
        elif isinstance(cell, int) and (is_key or _ID.search(column)):
            made.append(cell + copy * _STEP)
        else:
            made.append(cell)
    return made
