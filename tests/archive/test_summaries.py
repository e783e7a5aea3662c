"""Summaries kept between runs: they save reading, and nothing depends on them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chasm_git.archive import repo, summaries
from chasm_git.archive.repo import init_archive
from chasm_git.archive.summaries import Summaries, path_of, remember
from chasm_git.session import codec
from chasm_git.session.summary import Summary, summarize

FILE = b"""chasm: 1
id: %s
provider: codex
tags: ["a","b"]
messages:
- id: m1
  role: user
  timestamp: "2026-01-08T12:00:00.000Z"
  content: hello
"""


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[repo.Archive]:
    with init_archive(tmp_path / "a") as made:
        yield made


def written(archive: repo.Archive, name: bytes) -> str:
    from chasm_git.archive.commit import Writer

    with Writer(archive) as writer:
        return writer.add("blob", FILE % name)


def kept(archive: repo.Archive) -> dict[str, Summary]:
    with closing(sqlite3.connect(path_of(archive))) as connection:
        blobs = [blob for (blob,) in connection.execute("SELECT blob FROM summaries")]
    found = Summaries(archive)
    found.load(blobs)
    return found._known


def test_what_was_read_once_is_not_read_again(archive: repo.Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = written(archive, b"one")
    first = Summaries(archive)
    said = first.read(blob)
    first.save()
    assert said == summarize(FILE % b"one")
    second = Summaries(archive)
    second.load([blob])
    monkeypatch.setattr(type(archive), "read", lambda self, blob: pytest.fail("read again"))
    assert second.read(blob) == said
    assert second.of(None) is None


def test_many_are_loaded_at_once(archive: repo.Archive) -> None:
    said = {f"{number:040x}": summarize(FILE % (b"s%d" % number)) for number in range(300)}
    remember(archive, said)
    wanted = list(said)[:150]
    found = Summaries(archive)
    found.load(wanted)
    assert found._known == {blob: said[blob] for blob in wanted}


def test_a_file_that_cannot_be_read_is_never_kept(archive: repo.Archive) -> None:
    from chasm_git.archive.commit import Writer

    with Writer(archive) as writer:
        blob = writer.add("blob", b"no session")
    found = Summaries(archive)
    for _ in range(2):
        with pytest.raises(codec.CodecError):
            found.read(blob)
    assert found.of(blob) is None and found.count(blob) == 0
    found.save()
    assert not path_of(archive).exists()


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + bytes(4096)])
def test_a_damaged_file_is_made_again(archive: repo.Archive, content: bytes) -> None:
    path_of(archive).parent.mkdir(exist_ok=True)
    path_of(archive).write_bytes(content)
    blob = written(archive, b"one")
    found = Summaries(archive)
    found.load([blob])
    said = found.read(blob)
    found.save()
    assert kept(archive) == {blob: said}


def test_another_versions_file_is_made_again(archive: repo.Archive) -> None:
    blob = written(archive, b"one")
    remember(archive, {"0" * 40: summarize(FILE % b"old")})
    with closing(sqlite3.connect(path_of(archive))) as connection:
        connection.execute("PRAGMA user_version=99")
    found = Summaries(archive)
    found.load(["0" * 40])
    assert found._known == {}
    found.read(blob)
    found.save()
    assert list(kept(archive)) == [blob]


def test_a_row_that_makes_no_sense_is_passed_over(archive: repo.Archive) -> None:
    blob = written(archive, b"one")
    remember(archive, {blob: summarize(FILE % b"one")})
    with closing(sqlite3.connect(path_of(archive))) as connection, connection:
        connection.execute("UPDATE summaries SET said = ?", (b'["x"]',))
    found = Summaries(archive)
    found.load([blob])
    assert found.read(blob) == summarize(FILE % b"one")


def test_a_locked_file_is_left_alone(archive: repo.Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "_BUSY", 0.01)
    blob = written(archive, b"one")
    remember(archive, {"0" * 40: summarize(FILE % b"old")})
    with closing(sqlite3.connect(path_of(archive))) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        found = Summaries(archive)
        found.load([blob])
        assert found.read(blob).id == "one"
        found.save()
        holder.rollback()
    assert list(kept(archive)) == ["0" * 40]


def test_stale_ones_go(archive: repo.Archive) -> None:
    said = {f"{number:040x}": summarize(FILE % (b"s%d" % number)) for number in range(500)}
    remember(archive, said)
    used = set(list(said)[:20])
    summaries.prune(archive, used)
    assert set(kept(archive)) == used


def test_a_harvest_leaves_what_a_list_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from chasm_git.api import Env, Listed, make_archive

    home = Path(__file__).parents[2] / "fixtures" / "demo" / "claude-code"
    with make_archive(tmp_path / "b") as archive:
        archive.harvest(Env(home))
        monkeypatch.setattr(repo.Archive, "read", lambda self, blob: pytest.fail("a session file was read"))
        listed = list(archive.sessions())
    assert listed and all(isinstance(one, Listed) for one in listed)
