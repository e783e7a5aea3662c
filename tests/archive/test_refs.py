"""Refs move by compare-and-swap, beside git, and every move is on record."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chasm_git.archive.plumbing.locks import LockHeld
from chasm_git.archive.plumbing.refs import DamagedRef, RefMoved, list_refs, read_ref, update_refs
from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.errors import ChasmError
from tests.archive.repository import PATH, build, committed, fsck, run, save, session, status

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def archive(tmp_path):
    with init_archive(tmp_path / "archive") as archive:
        save(archive, {PATH.format(1): session(1, "a")})
        yield archive


def test_refs_are_read_as_git_reads_them(archive):
    head = archive.head()
    update_refs(archive, {"refs/tags/one": (None, head), "refs/chasm/providers/m/p": (None, head)}, "made")
    run(archive.worktree, "pack-refs", "--all")
    older = run(archive.worktree, "rev-parse", "HEAD~1")
    update_refs(archive, {"refs/tags/two": (None, older), "refs/tags/one": (head, older)}, "moved")
    lines = run(archive.worktree, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    assert [f"{name} {value}" for name, value in list_refs(archive, "refs/").items()] == lines
    assert read_ref(archive, "refs/tags/one") == older
    assert read_ref(archive, "refs/heads/main") == head
    assert read_ref(archive, "HEAD") == head
    assert read_ref(archive, "refs/heads/none") is None
    assert list_refs(archive, "refs/tags/") == {"refs/tags/one": older, "refs/tags/two": older}
    assert list_refs(archive, "refs/tags/o") == {"refs/tags/one": older}


def test_all_move_or_none(archive):
    head = archive.head()
    older = run(archive.worktree, "rev-parse", "HEAD~1")
    with pytest.raises(RefMoved) as moved:
        update_refs(archive, {"refs/tags/a": (None, head), "refs/tags/b": (older, head)}, "no")
    assert (moved.value.ref, moved.value.found) == ("refs/tags/b", None)
    with pytest.raises(RefMoved):
        update_refs(archive, {"refs/heads/main": (None, older)}, "no")
    assert list_refs(archive, "refs/tags/") == {}
    assert not list(archive.git_dir.glob("**/*.lock"))
    assert not list(archive.scratch.iterdir())


def test_every_move_is_in_the_reflog(archive):
    old = archive.head()
    save(archive, {PATH.format(2): session(2, "b")}, "first line\n\nmore: \x00 text")
    new = archive.head()
    assert run(archive.worktree, "reflog", "-1", "--format=%gs", "main") == "first line more: text"
    assert run(archive.worktree, "rev-parse", "main@{1}") == old
    assert run(archive.worktree, "rev-parse", "HEAD@{1}") == old
    assert (archive.git_dir / "logs/HEAD").read_bytes() == (archive.git_dir / "logs/refs/heads/main").read_bytes()
    run(archive.worktree, "reset", "-q", "--hard", "HEAD@{1}")
    assert PATH.format(2) not in committed(archive.worktree)
    update_refs(archive, {"refs/chasm/x/y": (None, new)}, "kept")
    assert run(archive.worktree, "reflog", "--format=%gs", "refs/chasm/x/y") == "kept"
    fsck(archive.worktree)


def test_removing_a_ref(archive):
    head = archive.head()
    made = {f"refs/tags/{name}": (None, head) for name in ("a", "b", "c")}
    update_refs(archive, made, "made")
    run(archive.worktree, "tag", "-a", "b2", "-m", "annotated")
    run(archive.worktree, "pack-refs", "--all")
    with pytest.raises(RefMoved):
        update_refs(archive, {"refs/tags/b": ("0" * 40, None)}, "no")
    update_refs(
        archive, {"refs/tags/b": (head, None), "refs/tags/b2": (read_ref(archive, "refs/tags/b2"), None)}, "gone"
    )
    assert set(list_refs(archive, "refs/tags/")) == {"refs/tags/a", "refs/tags/c"}
    assert run(archive.worktree, "tag") == "a\nc"
    update_refs(archive, {"refs/tags/b/below": (None, head)}, "a folder in its place")
    update_refs(archive, {"refs/tags/b/below": (head, None)}, "gone")
    update_refs(archive, {"refs/tags/b": (None, head)}, "back")
    assert run(archive.worktree, "tag") == "a\nb\nc"
    fsck(archive.worktree)


@pytest.mark.parametrize("packed", [False, True])
def test_a_name_that_is_the_beginning_of_another(archive, packed):
    head = archive.head()
    update_refs(archive, {"refs/chasm/providers/laptop": (None, head), "refs/chasm/x/y/z": (None, head)}, "made")
    if packed:
        run(archive.worktree, "pack-refs", "--all")
    for name in ("refs/chasm/providers/laptop/codex", "refs/chasm/x/y"):
        with pytest.raises(ChasmError, match="in the way"):
            update_refs(archive, {name: (None, head)}, "no")
    assert len(list_refs(archive, "refs/chasm/")) == 2
    assert not list(archive.git_dir.glob("**/*.lock"))


_BAD = ["main", "refs/a..b/c", "refs/heads/x.lock", "refs/heads/", "refs/h/a b", "refs/../HEAD/x", "refs/h/\x01"]


@pytest.mark.parametrize("name", _BAD)
def test_names_git_does_not_allow(archive, name):
    assert subprocess.run(["git", "check-ref-format", name], check=False).returncode
    with pytest.raises(ValueError, match="not a name"):
        update_refs(archive, {name: (None, archive.head())}, "no")


def test_names_git_allows(archive):
    for name in ("refs/heads/ä/ö", "refs/chasm/providers/Ana's Mac/claude-code".replace(" ", "_"), "refs/tags/v1.0@x"):
        assert not subprocess.run(["git", "check-ref-format", name], check=False).returncode
        update_refs(archive, {name: (None, archive.head())}, "yes")
        assert run(archive.worktree, "rev-parse", name) == archive.head()


def test_a_damaged_ref_is_not_taken_for_none(archive):
    (archive.git_dir / "refs/heads/main").write_bytes(bytes(41))
    with pytest.raises(DamagedRef, match="logs/refs/heads/main"):
        archive.head()
    with pytest.raises(DamagedRef):
        update_refs(archive, {"refs/heads/main": (None, "1" * 40)}, "no")


def test_locks_of_others_are_waited_for_and_named(archive):
    lock = archive.git_dir / "refs/heads/main.lock"
    lock.write_bytes(b"")
    head = archive.head()
    new = build(archive, {PATH.format(2): session(2, "b")})
    with pytest.raises(LockHeld, match="another git command"):
        update_refs(archive, {"refs/heads/main": (head, new)}, "x", timeout=0.1)
    os.utime(lock, (1, 1))
    with pytest.raises(LockHeld, match="remove that file"):
        update_refs(archive, {"refs/heads/main": (head, new)}, "x", timeout=0.1)
    waiting = subprocess.Popen([sys.executable, "-c", f"import time, os; time.sleep(.3); os.unlink({str(lock)!r})"])
    update_refs(archive, {"refs/heads/main": (head, new)}, "x", timeout=10)
    waiting.wait()
    assert archive.head() == new


def test_the_branch_of_a_bare_clone_that_head_calls_otherwise(tmp_path, archive):
    run(tmp_path, "clone", "-q", "--bare", str(archive.worktree), "copy.git")
    with open_archive(tmp_path / "copy.git") as copy:
        assert copy.head() == archive.head()
        save(copy, {PATH.format(2): session(2, "b")})
        assert run(tmp_path / "copy.git", "rev-parse", "main") == copy.head()


_RACER = """
import sys
from pathlib import Path
sys.path.insert(0, {checkout!r})
from chasm_git.archive.plumbing.refs import RefMoved
from chasm_git.archive.repo import open_archive
from tests.archive.repository import PATH, save, session
name, rounds, locked = sys.argv[2], int(sys.argv[3]), sys.argv[4] == "locked"
import contextlib
with open_archive(Path(sys.argv[1])) as archive:
    for number in range(rounds):
        files = {{PATH.format(f"{{name}}-{{number}}"): session(f"{{name}}-{{number}}", "text")}}
        while True:
            try:
                with archive.lock() if locked else contextlib.nullcontext():
                    save(archive, files, timeout=10)
                break
            except RefMoved:
                continue
"""


@pytest.mark.parametrize("locked", ["locked", "free"])
def test_four_processes_and_a_person_lose_nothing(archive, locked):
    rounds = 12
    script = _RACER.format(checkout=str(CHECKOUT))
    command = [sys.executable, "-c", script, str(archive.worktree)]
    racers = [subprocess.Popen([*command, str(number), str(rounds), locked]) for number in range(4)]
    mine = 0
    while any(racer.poll() is None for racer in racers):
        (archive.worktree / f"mine-{mine}.txt").write_bytes(b"text\n")
        run(archive.worktree, "add", f"mine-{mine}.txt", ok=False)
        done = run(archive.worktree, "commit", "-qm", f"mine {mine}", "--", f"mine-{mine}.txt", ok=False)
        mine += 1
        run(archive.worktree, "pack-refs", "--all", ok=False)
        time.sleep(0.05)
        assert done == "" or "nothing" in done or "Untracked" in done or "no changes" in done
    assert [racer.wait() for racer in racers] == [0, 0, 0, 0]
    files = committed(archive.worktree)
    for racer in range(4):
        for number in range(rounds):
            name = f"{racer}-{number}"
            assert files[PATH.format(name)] == session(name, "text")
    assert run(archive.worktree, "log", "--format=%s").splitlines().count("harvest") == 4 * rounds + 1
    fsck(archive.worktree)
    run(archive.worktree, "add", "--all")
    run(archive.worktree, "commit", "-qm", "the rest", ok=False)
    files = committed(archive.worktree)
    assert {f"mine-{number}.txt" for number in range(mine)} <= set(files)
    assert len([name for name in files if name.startswith("sessions/")]) == 4 * rounds + 1
    assert status(archive.worktree) == []
