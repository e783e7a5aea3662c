"""The index is written in few large pieces: small ones have to be merged, and words are looked for in each."""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chasm_git.archive.repo import init_archive
from chasm_git.cache import follow
from tests.archive.making import new_session, put, say

COUNT = 40


def _pieces(connection: sqlite3.Connection) -> int:
    found = connection.execute("SELECT count(DISTINCT segid) FROM words_idx").fetchone()
    return int(found[0])


def test_a_build_writes_its_index_in_one_piece(tmp_path: Path) -> None:
    with init_archive(tmp_path / "archive") as archive:
        put(archive, *(new_session(f"s{n}", f"alpha{n} beta", "gamma") for n in range(COUNT)))
        connection = follow.rebuild(archive)
        assert _pieces(connection) == 1
        connection.close()


def test_all_that_grew_is_one_more_piece(tmp_path: Path) -> None:
    with init_archive(tmp_path / "archive") as archive:
        sessions = [new_session(f"s{n:02}", f"alpha{n} beta", "gamma") for n in range(COUNT)]
        # numbered against the order of their names: those come from the trees
        for some in (sessions[COUNT // 2 :], sessions[: COUNT // 2]):
            put(archive, *some)
            follow.opened(archive).close()
        put(archive, *(say(one, f"delta {one.id}") for one in sessions))
        connection = follow.opened(archive)
        assert _pieces(connection) == 3
        held = connection.execute("SELECT rowid FROM words WHERE words MATCH 'delta'").fetchall()
        assert len(held) == COUNT
        connection.close()


def test_who_reads_need_not_wait_while_much_is_put_in(tmp_path: Path) -> None:
    with init_archive(tmp_path / "archive") as archive:
        put(archive, new_session("first", "alpha"))
        follow.opened(archive).close()
        texts = [" ".join(re.findall("...", random.Random(n).randbytes(400_000).hex())) for n in range(8)]
        put(archive, *(new_session(f"s{n}", text) for n, text in enumerate(texts)))
        seen = []

        def look(done: int, total: int) -> None:
            with closing(sqlite3.connect(follow.path_of(archive), timeout=0)) as reader:
                seen.append(reader.execute("SELECT count(*) FROM sessions").fetchone()[0])

        connection = follow.opened(archive, progress=look, notice=pytest.fail, processes=1)
        assert seen == [1] * 8
        assert connection.execute("SELECT count(*) FROM sessions").fetchone()[0] == 9
        connection.close()
