"""Carrying out a plan: all of it or nothing, never over something newer, never outside the tool's folder."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chasm_git.providers.base import Env
from chasm_git.providers.writing import applying, contract, readback
from chasm_git.providers.writing.contract import (
    INDEX,
    ChangedMeanwhile,
    Expected,
    FileChange,
    NotPutBack,
    NotReadBack,
    RowsChange,
    Standing,
    WritePlan,
    WriteRefused,
)
from tests.archive import dying
from tests.providers import writing_case as case
from tests.providers.writing_case import Kept

CLAUDE = "a1000000-0000-4000-8000-000000000001"
CODEX = "019c9a00-0000-7000-8000-000000000107"


def one_of(provider: str, key: str) -> Kept:
    return next(one for one in case.kept(provider) if one.session.id == key)


def put(provider: str, one: Kept, env: Env, backup: Path) -> Path:
    """Write a session, and give its file."""
    plan = case.plan(provider, one, env)
    contract.load(provider).write(plan, backup=backup)
    return plan.expected[0].place


def test_what_lost_its_end_is_completed_and_the_loss_is_kept(tmp_path: Path) -> None:
    one, env = one_of("claude-code", CLAUDE), Env(tmp_path / "home")
    place = put("claude-code", one, env, tmp_path / "kept")
    whole = place.read_bytes()
    for cut in (0, len(whole) // 2, len(whole) - 1):
        place.write_bytes(whole[:cut])
        place.chmod(0o640)
        plan = case.plan("claude-code", one, env)
        assert plan.standing is (Standing.SAME if cut == len(whole) - 1 else Standing.OLDER)
        written = contract.load("claude-code").write(plan, backup=tmp_path / f"kept{cut}")
        assert place.read_bytes() == whole[: cut if plan.standing is Standing.SAME else None]
        assert [path.read_bytes() for path in written.kept] == ([whole[:cut]] if written.paths else [])
        assert place.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("more", [b'{"type":"user","uuid":"new"}\n', b"\x00\xff not a row", b'{"type":"us'])
def test_what_is_newer_is_not_written_over(more: bytes, tmp_path: Path) -> None:
    one, env = one_of("claude-code", CLAUDE), Env(tmp_path / "home")
    place = put("claude-code", one, env, tmp_path / "kept")
    grown = place.read_bytes() + more
    place.write_bytes(grown[20:] if more.startswith(b"\x00") else grown)
    before = case.files(env.home)
    plan = case.plan("claude-code", one, env)
    writer = contract.load("claude-code")
    if more == b'{"type":"us':  # a row that is being written begins like ours, and is nobody's yet
        assert plan.standing in (Standing.OLDER, Standing.NEWER)
        return
    assert plan.standing is Standing.NEWER
    with pytest.raises(WriteRefused, match="holds more of"):
        writer.write(plan, backup=tmp_path / "kept")
    assert case.files(env.home) == before
    written = writer.write(plan, backup=tmp_path / "forced", force=True)
    assert place.read_bytes() == one.place.read_bytes()
    assert [path.read_bytes() for path in written.kept] == list(before.values())


def test_something_else_in_its_place_is_not_written_over(tmp_path: Path) -> None:
    one, env = one_of("claude-code", CLAUDE), Env(tmp_path / "home")
    place = case.plan("claude-code", one, env).expected[0].place
    place.parent.mkdir(parents=True)
    place.write_bytes(b"my notes")
    plan = case.plan("claude-code", one, env)
    with pytest.raises(WriteRefused):
        contract.load("claude-code").write(plan, backup=tmp_path / "kept")
    assert place.read_bytes() == b"my notes"


def test_a_store_that_changed_since_is_looked_at_again(tmp_path: Path) -> None:
    one, env = one_of("claude-code", CLAUDE), Env(tmp_path / "home")
    plan = case.plan("claude-code", one, env)
    place = put("claude-code", one, env, tmp_path / "kept")
    before = place.read_bytes()
    with pytest.raises(ChangedMeanwhile):
        contract.load("claude-code").write(plan, backup=tmp_path / "kept")
    assert place.read_bytes() == before


def test_a_change_in_the_last_moment_is_seen(tmp_path: Path) -> None:
    place = tmp_path / "a"
    place.write_bytes(b"old")
    with pytest.raises(ChangedMeanwhile):
        applying.replace(place, b"new", lambda: False)
    assert case.files(tmp_path) == {"a": b"old"}


def test_what_a_killed_run_left_is_swept_away(tmp_path: Path) -> None:
    left, fresh = tmp_path / ".chasm-1-abc.tmp", tmp_path / ".chasm-2-abc.tmp"
    left.write_bytes(b"half")
    fresh.write_bytes(b"somebody is at it")
    os.utime(left, (1, 1))
    applying.replace(tmp_path / "a", b"new", lambda: True)
    assert case.files(tmp_path) == {"a": b"new", fresh.name: b"somebody is at it"}


def steps(work: Callable[[], object], reset: Callable[[], None]) -> Iterator[int]:
    """Let `work` die at each of its steps in turn; after each death, `reset` is called."""
    for last in range(500):
        is_done = dying.run(work, last)
        yield last
        if is_done:
            return
        reset()
    raise AssertionError("it does not end")


def test_files_that_a_killed_run_left_are_taken_over(tmp_path: Path) -> None:
    """A converted session is many small files: the run that finds some of them there completes it."""
    one, env = one_of("claude-code", CLAUDE), case.home_for("opencode", tmp_path)
    writer = contract.load("opencode")
    plan = case.plan("opencode", one, env)
    whole = {change.path: change.data for change in plan.changes if isinstance(change, FileChange)}
    for number, (path, data) in enumerate([*whole.items()][:3]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if number else b"half")
    writer.write(case.plan("opencode", one, env), backup=tmp_path / "kept")
    assert {path: path.read_bytes() for path in whole} == whole
    assert case.plan("opencode", one, env).standing is Standing.SAME


@pytest.mark.parametrize("provider", ["claude-code", "continue", "opencode"])
def test_a_kill_leaves_the_old_or_the_new(provider: str, tmp_path: Path) -> None:
    """Files whole, databases whole; and the next run completes it."""
    one = next(case.kept(provider))
    env = Env(tmp_path / "home")
    writer = contract.load(provider)
    if provider == "opencode":
        one = next(kept for kept in case.kept(provider) if kept.place.suffix == ".db")

    def start() -> None:
        shutil.rmtree(tmp_path, ignore_errors=True)
        env.home.mkdir(parents=True)
        if provider == "opencode":
            case.database(provider, env.home)
        elif provider == "continue":
            index = env.home / ".continue" / "sessions" / "sessions.json"
            index.parent.mkdir(parents=True)
            index.write_bytes(b'[{"sessionId":"x"}]')
        else:
            place = case.plan(provider, one, env).expected[0].place
            place.parent.mkdir(parents=True)
            place.write_bytes(one.place.read_bytes()[:1000])

    start()
    old = case.files(env.home)
    plan = case.plan(provider, one, env)

    def work() -> None:
        writer.write(case.plan(provider, one, env), backup=tmp_path / "kept")

    whole = {change.path: change.data for change in plan.changes if isinstance(change, FileChange)}
    deaths = 0
    for _ in steps(work, start):
        deaths += 1
        now = {path: path.read_bytes() if path.exists() else None for path in whole}
        for path, data in now.items():
            assert data in (old.get(path.relative_to(env.home).as_posix()), whole[path])
        writer.write(case.plan(provider, one, env), backup=tmp_path / "kept2")
        done = case.plan(provider, one, env)
        assert (done.standing, done.changes) == (Standing.SAME, [])
        start()
    assert deaths > 5


def test_nothing_stays_of_what_is_not_read_back(tmp_path: Path) -> None:
    one, env = one_of("claude-code", CLAUDE), Env(tmp_path / "home")
    plan = case.plan("claude-code", one, env)
    plan.changes.append(FileChange(plan.root / "index", b"x", None, "index"))
    plan.expected.append(Expected("another", plan.expected[0].place, None))
    with pytest.raises(NotReadBack, match="another is not found"):
        contract.load("claude-code").write(plan, backup=tmp_path / "kept")
    assert case.files(tmp_path) == {} and not plan.root.exists()


def test_rows_that_are_not_read_back_are_taken_back(tmp_path: Path) -> None:
    one = next(kept for kept in case.kept("opencode") if kept.place.suffix == ".db")
    env = Env(tmp_path / "home")
    path = case.database("opencode", env.home)
    before = dump(path)
    plan = case.plan("opencode", one, env)
    plan.expected.append(Expected("another", path, None))
    with pytest.raises(NotReadBack):
        contract.load("opencode").write(plan, backup=tmp_path / "kept")
    assert dump(path) == before
    (copy,) = (tmp_path / "kept").iterdir()
    assert dump(copy) == before and copy.stat().st_mode & 0o777 == 0o600


def test_any_row_of_a_session_that_changed_since_is_looked_at_again(tmp_path: Path) -> None:
    """A title, a list of things to do: whatever would be written over."""
    one = next(kept for kept in case.kept("opencode") if kept.place.suffix == ".db")
    env = Env(tmp_path / "home")
    path = case.database("opencode", env.home)
    writer = contract.load("opencode")
    writer.write(case.plan("opencode", one, env), backup=tmp_path / "kept")
    with closing(sqlite3.connect(path)) as connection, connection:
        (last,) = connection.execute("SELECT max(id) FROM message").fetchone()
        connection.execute("DELETE FROM part WHERE message_id = ?", (last,))
        connection.execute("DELETE FROM message WHERE id = ?", (last,))
    plan = case.plan("opencode", one, env)
    assert plan.standing is Standing.OLDER
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE session SET title = 'Called anew'")
    before = dump(path)
    with pytest.raises(ChangedMeanwhile):
        writer.write(plan, backup=tmp_path / "kept")
    assert dump(path) == before


def test_a_step_back_that_fails_does_not_keep_the_others_from_being_taken(tmp_path: Path) -> None:
    """And it is told: nobody is to believe that all is as it was."""
    one, env = one_of("claude-code", CLAUDE), Env(tmp_path / "home")
    path = tmp_path / "home" / ".claude" / "projects" / "rows.db"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE t (a)")
    plan = case.plan("claude-code", one, env)
    add = (("INSERT INTO t VALUES (1)", ()),)
    plan.changes.append(RowsChange(path, add, undo=(("DELETE FROM missing", ()),)))
    plan.expected.append(Expected("another", plan.expected[0].place, None))
    with pytest.raises(NotPutBack, match=r"another is not found.*no such table.*kept"):
        contract.load("claude-code").write(plan, backup=tmp_path / "kept")
    assert case.files(env.home).keys() == {".claude/projects/rows.db"}
    (copy,) = (tmp_path / "kept").iterdir()
    assert applying.rows_of(copy, ("SELECT a FROM t", ())) == [[]]


def test_a_write_that_ends_early_leaves_no_folder_and_no_database(tmp_path: Path) -> None:
    store = tmp_path / "store"
    broken = RowsChange(store / "a" / "new.db", (("INSERT INTO missing VALUES (1)", ()),), create=())
    moved = FileChange(store / "b" / "c" / "file", b"x", None)
    for change in (broken, moved):
        plan = WritePlan("claude-code", "x", Env(tmp_path), store, changes=[change])
        if change is moved:
            plan.changes.append(FileChange(store / "b" / "other", b"x", "it was there"))
        with pytest.raises(WriteRefused):
            contract.load("claude-code").write(plan, backup=tmp_path / "kept")
        assert list(tmp_path.iterdir()) == []


def test_each_state_of_a_session_that_is_replaced_is_kept(tmp_path: Path) -> None:
    """The tool wrote between a first try and the one that went through: both states are kept, a list's first alone."""
    place, index = tmp_path / "store" / "session", tmp_path / "store" / "index"
    place.parent.mkdir()
    writer, kept = contract.load("claude-code"), list[Path]()
    for number in (1, 2, 2, 3):
        for path in (place, index):
            path.write_bytes(b"%d" % number)
        changes = [
            FileChange(path, b"new", applying.seen(path), what) for path, what in ((place, "session"), (index, INDEX))
        ]
        plan = WritePlan("claude-code", "x", Env(tmp_path), place.parent, changes=list(changes))
        kept += writer.write(plan, backup=tmp_path / "kept").kept
    assert sorted(path.read_bytes() for path in set(kept)) == [b"1", b"1", b"2", b"3"]


def test_rows_that_changed_since_are_looked_at_again(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    change = RowsChange(path, (("UPDATE t SET a = 2", ()),), ((("SELECT a FROM t", ()), [(5,)]),))
    plan = WritePlan("claude-code", "x", Env(tmp_path), tmp_path, changes=[change])
    with pytest.raises(ChangedMeanwhile):
        contract.load("claude-code").write(plan, backup=tmp_path / "kept")
    assert applying.rows_of(path, ("SELECT a FROM t", ())) == [[(1,)]]
    plan.changes = [RowsChange(tmp_path / "none.db", ())]
    with pytest.raises(WriteRefused, match="is not there"):
        contract.load("claude-code").write(plan, backup=tmp_path / "kept")
    plan.changes = [RowsChange(path, (("UPDATE missing SET a = 2", ()),))]
    with pytest.raises(WriteRefused, match="no such table"):
        contract.load("claude-code").write(plan, backup=tmp_path / "kept")


def test_a_row_of_somebody_else_stops_the_whole_write(tmp_path: Path) -> None:
    one = next(kept for kept in case.kept("opencode") if kept.place.suffix == ".db")
    env = Env(tmp_path / "home")
    path = case.database("opencode", env.home)
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(message)")]
        values = [
            one.session.messages[-1].id if name == "id" else "other" if name == "session_id" else 1 for name in columns
        ]
        connection.execute(f"INSERT INTO message VALUES ({', '.join('?' * len(values))})", values)
        connection.commit()
    before = dump(path)
    with pytest.raises(WriteRefused):
        contract.load("opencode").write(case.plan("opencode", one, env), backup=tmp_path / "kept")
    assert dump(path) == before


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return sorted(connection.iterdump())


def test_links_do_not_lead_out(tmp_path: Path) -> None:
    one, env = one_of("claude-code", CLAUDE), Env(tmp_path / "home")
    place = case.plan("claude-code", one, env).expected[0].place
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place.parent.parent.mkdir(parents=True)
    place.parent.symlink_to(elsewhere)
    with pytest.raises(WriteRefused, match="leads out"):
        contract.load("claude-code").write(case.plan("claude-code", one, env), backup=tmp_path / "kept")
    place.parent.unlink()
    place.parent.mkdir()
    place.symlink_to(elsewhere / "x")
    with pytest.raises(WriteRefused, match="is a link"):
        contract.load("claude-code").write(case.plan("claude-code", one, env), backup=tmp_path / "kept")
    assert list(elsewhere.iterdir()) == []


def test_a_store_that_is_a_link_is_the_store(tmp_path: Path) -> None:
    one, env = one_of("claude-code", CLAUDE), Env(tmp_path / "home")
    (tmp_path / "dotfiles").mkdir()
    env.home.mkdir()
    (env.home / ".claude").symlink_to(tmp_path / "dotfiles")
    put("claude-code", one, env, tmp_path / "kept")
    assert list((tmp_path / "dotfiles").rglob(f"{CLAUDE}.jsonl"))


@pytest.mark.skipif(sys.platform != "linux", reason="names a process its own way")
def test_a_running_tool_is_waited_for(tmp_path: Path) -> None:
    one, env = one_of("codex", CODEX), Env(tmp_path / "home")
    place = put("codex", one, env, tmp_path / "kept")
    place.write_bytes(place.read_bytes()[:3000])
    plan = case.plan("codex", one, env)
    plan.running = ("chasm-test-tool",)
    with subprocess.Popen(["sleep", "60"], executable=shutil.which("sleep")) as other:
        other.kill()
    tool = subprocess.Popen(["chasm-test-tool", "60"], executable=shutil.which("sleep"))
    try:
        with pytest.raises(WriteRefused, match=f"process {tool.pid}"):
            contract.load("codex").write(plan, backup=tmp_path / "kept")
        contract.load("codex").write(plan, backup=tmp_path / "kept", force=True)
    finally:
        tool.kill()
        tool.wait()
    assert place.read_bytes() == one.place.read_bytes()


def test_records_say_who_is_ahead() -> None:
    from collections import Counter

    ours = Counter([b"a", b"bc"])
    assert readback.standing(None, ours) is Standing.ABSENT
    assert readback.standing(Counter([b"bc", b"a"]), ours) is Standing.SAME
    assert readback.standing(Counter([b"a", b"b"]), ours) is Standing.OLDER  # half a row of ours
    assert readback.standing(Counter([b"a", b"a"]), ours) is Standing.OLDER
    assert readback.standing(Counter([b"d"]), ours) is Standing.NEWER
