"""`chasm recover`: damaged, left over, shrunken sessions; other disks; one form into another."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.calling import Program
from tests.providers.vscode_case import asked, state
from tests.providers.writing_case import files
from tests.recovery.making import claude, codex

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
THREE = "33333333-3333-4333-8333-333333333333"


@pytest.fixture
def at(tmp_path: Path) -> Path:
    """A home without anything in it."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def ids(chasm: Program) -> set[str]:
    return {one["id"] for one in chasm("list", "sessions", "--json", "-n", "1000").json}


def test_shrunken_sessions_are_put_back(fresh: Program, at: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    home = ("--home", str(at))
    places = [claude(at, folder, one, turns=6) for one in (ONE, TWO, THREE)]
    whole = [place.read_bytes() for place in places]
    fresh("harvest", "run", *home)
    assert fresh("recover", "shrunk", *home).out.startswith("no tool has less")
    for place, data in zip(places[:2], whole, strict=False):
        place.write_bytes(b"".join(data.splitlines(keepends=True)[:2]))
    fresh("harvest", "run", *home)
    found = fresh("recover", "shrunk", "--json", *home).json
    assert [(one["id"], one["held"], one["lost"]) for one in found] == [(ONE, 2, 4), (TWO, 2, 4)]
    assert "2 sessions are shorter" in fresh("recover", "status", *home).out

    assert "would be: 1 completed" in fresh("recover", "shrunk", ONE[:4], "--dry-run", *home).out
    assert places[0].read_bytes() != whole[0]
    rows = places[1].read_bytes().splitlines(keepends=True)
    new = rows[-1].replace(b"-000000000001", b"-000000000099").replace(b"answer 1", b"another end")
    places[1].write_bytes(b"".join([*rows, new]))  # it went on meanwhile
    called = fresh("recover", "shrunk", "--all", *home)
    assert "1 completed" in called.out and "1 newer" in called.out
    assert places[0].read_bytes() == whole[0] and new in places[1].read_bytes()
    assert fresh("recover", "shrunk", ONE, *home).out == "1 same\n"
    fresh("harvest", "run", *home)
    assert [one["id"] for one in fresh("recover", "shrunk", "--json", *home).json] == [TWO]
    assert "name sessions, or --all" in fresh("recover", "shrunk", ONE, "--all", *home, expect=2).err


def test_a_scan_finds_all_of_it(fresh: Program, at: Path, tmp_path: Path) -> None:
    home = ("--home", str(at))
    place = claude(at, tmp_path / "shop", ONE, turns=4)
    shutil.copy(place, place.with_name(f"{ONE}.jsonl.bak"))
    torn = claude(at, tmp_path / "shop", TWO, turns=4)
    torn.write_bytes(torn.read_bytes()[:-30])
    (tmp_path / "shop").mkdir()
    before = files(at)
    called = fresh("recover", "scan", *home)
    assert called.out.startswith("2 files looked at: 1 damaged, 1 left over with sessions, 0 sessions orphaned")
    assert str(torn) in called.out and "recover repair" in called.err and "recover extract" in called.err
    fresh("harvest", "run", *home)
    found = fresh("recover", "scan", "--json", *home).json
    assert [(one["path"], one["form"], one["lost_bytes"] > 0) for one in found["damaged"]] == [
        (str(torn), "jsonl", True)
    ]
    assert [(one["sessions"], one["unknown_messages"]) for one in found["leftovers"]] == [(1, 0)]
    assert files(at) == before

    place.write_bytes(b"".join(place.read_bytes().splitlines(keepends=True)[:1]))
    (below,) = fresh("recover", "scan", str(place.parent), "--json", *home).json["damaged"]
    assert below["path"] == str(torn)
    shutil.rmtree(fresh.archive)
    found = fresh("recover", "scan", "--json", *home).json
    assert [(one["unknown_sessions"], one["unknown_messages"]) for one in found["leftovers"]] == [(1, 4)]


def test_a_scan_looks_at_databases(fresh: Program, at: Path, tmp_path: Path) -> None:
    for name in ("whole.db", "short.db"):
        with closing(sqlite3.connect(tmp_path / name)) as database, database:
            database.execute("CREATE TABLE t (a)")
            database.executemany("INSERT INTO t VALUES (?)", [("x" * 500,) for _ in range(100)])
    data = (tmp_path / "short.db").read_bytes()
    (tmp_path / "short.db").write_bytes(data[: len(data) // 2])
    (tmp_path / "wiped.vscdb").write_bytes(b"\0" * 4096)
    found = fresh("recover", "scan", str(tmp_path), "--home", str(at), "--json").json
    said = {Path(one["path"]).name: one["reason"] for one in found["problems"]}
    assert set(said) == {"short.db", "wiped.vscdb"}
    assert f"cut off at {len(data) // 2} of {len(data)} bytes" in said["short.db"]


def test_a_rescued_disk(fresh: Program, at: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    claude(disk / "home" / "ana", "/home/ana/shop", ONE)
    codex(disk / "home" / "bob", "/home/bob/cart", TWO)
    lone = claude(tmp_path / "made", "/x", THREE, turns=4)
    (disk / "lost+found").mkdir()
    (disk / "lost+found" / "inode.jsonl").write_bytes(lone.read_bytes()[:-25])
    before = files(disk)
    called = fresh("recover", "extract", str(disk), "--dry-run", "--home", str(at))
    assert "would harvest" in called.out or "new" in called.out
    fresh("recover", "extract", str(disk), "--home", str(at))
    assert ids(fresh) == {ONE, TWO, THREE} and files(disk) == before
    assert fresh("recover", "extract", str(disk), "--home", str(at)).out.startswith("nothing that the archive")
    assert "nothing new" in fresh("harvest", "run", "--home", str(at)).out
    assert "no file or folder" in fresh("recover", "extract", str(disk / "none"), expect=2).err


def test_what_was_put_aside_and_what_broke(fresh: Program, tmp_path: Path) -> None:
    place = claude(tmp_path / "made", "/home/ana/shop", ONE, turns=8)
    (tmp_path / "aside").mkdir()
    shutil.copy(place, tmp_path / "aside" / f"{ONE}.jsonl.bak")
    chats = {TWO: state(asked(1, "Where is it?", "Here."), sessionId=TWO)}
    with closing(sqlite3.connect(tmp_path / "aside" / "state.vscdb")) as database, database:
        database.execute("CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
        database.execute("INSERT INTO ItemTable VALUES ('interactive.sessions', ?)", (json.dumps(chats),))
    (tmp_path / "aside" / "state.vscdb").rename(tmp_path / "aside" / "state.vscdb.backup")
    (tmp_path / "aside" / "workspace.json").write_text('{"folder":"file:///home/ana/cart"}')
    other = claude(tmp_path / "made", "/home/ana/shop", THREE, turns=8)
    with zipfile.ZipFile(tmp_path / "whole.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(other, f"backup/{THREE}.jsonl")
        packed.writestr("backup/more.txt", "x" * 100)
    (tmp_path / "aside" / "torn.zip").write_bytes((tmp_path / "whole.zip").read_bytes()[:-140])

    called = fresh("recover", "extract", str(tmp_path / "aside"), "--json", expect=None)
    assert ids(fresh) == {ONE, TWO, THREE}, called
    assert fresh("show", "session", TWO, "--json").json["workspace"] == "/home/ana/cart"


def test_into_new_files(fresh: Program, tmp_path: Path) -> None:
    place = claude(tmp_path / "made", "/home/ana/shop", ONE, turns=4)
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(place.read_bytes()[:-25])
    fresh("recover", "extract", str(cut), "--to", str(tmp_path / "out"))
    (made,) = (tmp_path / "out").rglob("*.jsonl")
    assert made.read_bytes().startswith(b"".join(place.read_bytes().splitlines(keepends=True)[:3]))
    fresh("recover", "extract", str(cut), "--to", str(tmp_path / "text"), "--format", "md")
    assert "question 2" in next((tmp_path / "text").rglob("*.md")).read_text()
    assert not fresh.archive.exists()
    called = fresh("recover", "extract", str(tmp_path / "none"), "--to", str(tmp_path / "none"), expect=2)
    assert "no file or folder" in called.err
    talk = {
        "id": "abc",
        "title": "T",
        "messages": [{"role": "user", "content": "one"}, {"role": "user", "content": "2"}],
    }
    (tmp_path / "torn.json").write_bytes(json.dumps(talk).encode()[:-6] + b"\0" * 9)
    called = fresh("recover", "extract", str(tmp_path / "torn.json"), "--to", str(tmp_path / "j"), "--format", "json")
    (made,) = (tmp_path / "j").rglob("*.json")
    assert json.loads(made.read_bytes())["messages"][0]["content"] == "one"
    assert "torn.json: damaged" in called.err
    (tmp_path / "words.json").write_text('{"words": 1}')
    called = fresh("recover", "extract", str(tmp_path / "words.json"), "--to", str(tmp_path / "none"), expect=1)
    assert "no session was found" in called.err


def test_repair(fresh: Program, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":2')
    assert "nothing was written" in fresh("recover", "repair", str(path), "--dry-run").err
    called = fresh("recover", "repair", str(path))
    assert called.out == (
        "1 lines whole, 6 bytes lost\n  - at 8: 6 bytes: a line that is cut off\n"
        f"written: {tmp_path / 'a.recovered.jsonl'}\n"
    )
    made = fresh("recover", "repair", str(path), "--in-place", "--json").json
    assert path.read_bytes() == b'{"a":1}\n' and Path(made["kept"]).read_bytes() == b'{"a":1}\n{"b":2'
    assert "is not damaged" in fresh("recover", "repair", str(path)).out
    assert "not both" in fresh("recover", "repair", str(path), "--in-place", "--to", "x", expect=2).err
    (tmp_path / "state.vscdb").touch()
    assert "recover extract" in fresh("recover", "repair", str(tmp_path / "state.vscdb"), expect=2).err


def test_convert(fresh: Program, tmp_path: Path) -> None:
    place = claude(tmp_path / "made", "/home/ana/shop", ONE, turns=4)
    fresh("recover", "convert", str(place), "--to", "md", "-o", str(tmp_path / "a.md"))
    assert "question 2" in (tmp_path / "a.md").read_text()
    fresh("recover", "convert", str(tmp_path / "a.md"), "--to", "json")
    assert json.loads((tmp_path / "a.json").read_text())["messages"][0]["content"].startswith("question 0")
    fresh("recover", "convert", str(tmp_path / "a.json"), "--to", "jsonl", "-o", str(tmp_path / "b.jsonl"))
    assert len((tmp_path / "b.jsonl").read_bytes().splitlines()) >= 4
    assert "exists" in fresh("recover", "convert", str(tmp_path / "a.md"), "--to", "json", expect=1).err
    out = fresh("recover", "convert", str(tmp_path / "b.jsonl"), "--to", "md", "-o", "-").out
    assert "question 2" in out and not fresh.archive.exists()


def test_convert_what_vscode_reads(fresh: Program, tmp_path: Path) -> None:
    chat = state(asked(1, "Where is it?", "Here."), asked(2, "And now?", "There."), sessionId=TWO)
    flat = tmp_path / f"{TWO}.json"
    flat.write_text(json.dumps(chat))
    fresh("recover", "convert", str(flat), "--to", "jsonl")
    (line,) = flat.with_suffix(".jsonl").read_text().splitlines()
    assert json.loads(line) == {"kind": 0, "v": chat}
    flat.unlink()
    fresh("recover", "convert", str(flat.with_suffix(".jsonl")), "--to", "json")
    assert json.loads(flat.read_text()) == chat
    out = fresh("recover", "convert", str(flat), "--to", "json", "--universal", "-o", "-").out
    assert json.loads(out)["provider"] == "vscode"


def test_status_without_an_archive(fresh: Program, at: Path) -> None:
    claude(at, "/home/ana/shop", ONE)
    called = fresh("recover", "status", "--home", str(at))
    assert called.out.startswith("1 files hold what no harvest has read") and "no archive yet" in called.err
    fresh("harvest", "run", "--home", str(at))
    status = fresh("recover", "status", "--home", str(at), "--json").json
    assert (status["sessions"], status["waiting"], status["shrunk"]) == (1, 0, 0)


def test_a_harvest_of_what_only_has_exports(fresh: Program, at: Path) -> None:
    called = fresh("harvest", "run", "--provider", "chatgpt", "--home", str(at), expect=2)
    assert "chasm harvest import FILE" in called.err
