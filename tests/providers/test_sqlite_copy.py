"""Databases are read from a copy: with their log, locked, damaged, and with whatever cells and columns they have."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.providers.base import Env, Problem, Source
from chasm_git.providers.reading import sqlite_copy
from chasm_git.providers.reading.cells import stored, value_of
from chasm_git.providers.reading.sqlite_copy import Row, opened, order_of
from tests.providers.databases import build


def read(path: Path, table: str = "t", *parsed: str) -> tuple[list[Row], list[Problem]]:
    problems: list[Problem] = []
    with opened(path, problems) as database:
        return database.rows(table, parsed), problems


def stamp_of(path: Path) -> str:
    (found,) = sqlite_copy.source("p", "k", path)
    assert isinstance(found, Source)
    return found.stamp


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_cells_of_every_kind(tmp_path: Path) -> None:
    path = build(
        tmp_path / "a.db",
        """CREATE TABLE t (id, a, b, c, d, e, f);
        INSERT INTO t VALUES (1, NULL, 9223372036854775807, 0.1, x'00ff', CAST(x'61ff' AS TEXT), 9e999);""",
    )
    rows, problems = read(path)
    assert problems == []
    assert rows == [
        {
            "id": 1,
            "a": None,
            "b": 2**63 - 1,
            "c": 0.1,
            "d": {"$base64": "AP8="},
            "e": {"$text64": "Yf8="},
            "f": {"$real": "inf"},
        }
    ]
    assert {column: stored(cell) for column, cell in rows[0].items()} == rows[0]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ('{"a":[1,2]}', {"a": [1, 2]}),
        ("[]", []),
        ('{"a": "é"}', {"$spaced": {"a": "é"}}),
        ('{"a": "\\u00e9"}', {"$ascii": {"a": "é"}}),
        ('["\\u003cb\\u003e"]', {"$html": ["<b>"]}),
        ('{"$base64":"AA=="}', '{"$base64":"AA=="}'),
        ('{"a" :1}', '{"a" :1}'),
        ('{"a":', '{"a":'),
        ("plain", "plain"),
        ('"text"', '"text"'),
    ],
)
def test_json_texts_come_back(text: str, cell: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("INSERT INTO t VALUES (?)", (text,))
    (row,) = read(path, "t", "a")[0]
    assert row == {"a": cell}
    assert stored(row["a"]) == text


def test_what_a_cell_says() -> None:
    assert value_of({"$spaced": {"a": 1}}) == {"a": 1}
    assert value_of('{"a" : 1}') == {"a": 1}
    assert value_of('{"a" : ') == '{"a" : '
    assert value_of({"$base64": "AA=="}) == {"$base64": "AA=="}


@given(st.lists(st.one_of(st.none(), st.integers(), st.text(), st.floats(allow_nan=False), st.just({}))))
def test_any_cells_can_be_sorted(values: list[Any]) -> None:
    assert len(sorted(map(order_of, values))) == len(values)


def test_the_log_is_read_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("CREATE TABLE t (id)")
        writer.execute("INSERT INTO t VALUES (1)")
        writer.commit()
        before, marks = state_of(tmp_path), stamp_of(path)
        assert read(path) == ([{"id": 1}], [])
        assert state_of(tmp_path) == before
        writer.execute("INSERT INTO t VALUES (2)")
        writer.commit()
        assert stamp_of(path) != marks
        writer.execute("INSERT INTO t VALUES (3)")  # not committed
        assert len(read(path)[0]) == 2


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_locked_database_is_read(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute(f"PRAGMA journal_mode = {mode}")
        writer.execute("CREATE TABLE t (id)")
        writer.execute("INSERT INTO t VALUES (1)")
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("INSERT INTO t VALUES (2)")
        assert read(path) == ([{"id": 1}], [])


def large(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", ((n, "x" * 500) for n in range(400)))
    return path.read_bytes()


def test_rows_around_a_damage_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    data = bytearray(large(path))
    page = 4096 * (len(data) // 4096 // 2)
    data[page : page + 4096] = b"\xaa" * 4096
    path.write_bytes(data)
    rows, problems = read(path)
    numbers = [row["id"] for row in rows]
    assert 380 < len(numbers) < 400 and numbers == sorted(set(numbers))
    assert numbers[0] == 0 and numbers[-1] == 399
    assert len(problems) == 1 and not problems[0].fatal and ".recover" in problems[0].reason


def test_a_database_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    data = large(path)
    for count in range(0, len(data), 4096 * 7 + 100):
        path.write_bytes(data[:count])
        try:
            rows, _ = read(path)
        except sqlite_copy.Unreadable as error:
            assert str(error)
            continue
        assert all(row["a"] == "x" * 500 for row in rows)


def test_what_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"no database " * 100)
    with pytest.raises(sqlite_copy.Unreadable, match="not a readable database"):
        read(path)
    path.write_bytes(b"")
    assert read(path) == ([], [])
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing.db")


def test_one_that_is_too_large_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large(tmp_path / "a.db")
    monkeypatch.setattr(sqlite_copy, "LARGEST", 1000)
    with pytest.raises(sqlite_copy.Unreadable, match="more than can be copied"):
        read(tmp_path / "a.db")


def test_the_copy_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large(tmp_path / "a.db")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    with opened(tmp_path / "a.db", []) as database:
        (folder,) = (tmp_path / "temporary").iterdir()
        assert folder.stat().st_mode & 0o077 == 0 and (os.name == "nt" or list(folder.iterdir()) == [])
        assert len(database.rows("t")) == 400
    assert list((tmp_path / "temporary").iterdir()) == []


def test_tables_and_columns_are_taken_as_they_are(tmp_path: Path) -> None:
    path = build(
        tmp_path / "a.db",
        '''CREATE TABLE "od""d" ("a b", "q"""); INSERT INTO "od""d" VALUES (1, 'x');
        CREATE VIEW v AS SELECT 1 AS id;
        CREATE TABLE w (k TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO w VALUES ('b'), ('a');''',
    )
    assert read(path, 'od"d')[0] == [{"a b": 1, 'q"': "x"}]
    assert read(path, "v")[0] == read(path, "missing")[0] == []
    assert read(path, "w")[0] == [{"k": "a"}, {"k": "b"}]


def test_sources(tmp_path: Path) -> None:
    assert list(sqlite_copy.source("p", "k", tmp_path / "missing.db")) == []
    assert json.dumps(stamp_of(build(tmp_path / "a.db", "CREATE TABLE t (a)")))
    assert sqlite_copy.data_home(Env(tmp_path)) == tmp_path / ".local" / "share"
    assert sqlite_copy.data_home(Env(tmp_path, {"XDG_DATA_HOME": "/data"})) == Path("/data")
