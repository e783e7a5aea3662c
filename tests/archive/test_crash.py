"""A run may end at any step: git accepts what is there, and the next run completes it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from chasm_git.archive.commit import Writer, commit
from chasm_git.archive.plumbing import refs
from chasm_git.archive.plumbing.journal import publish, recover
from chasm_git.archive.plumbing.objects import write_tree
from chasm_git.archive.repo import init_archive, open_archive
from tests.archive import dying
from tests.archive.repository import PATH, committed, fsck, run, save, session, shown, status

pytestmark = pytest.mark.skipif(not hasattr(dying.os, "fork"), reason="needs fork and signals")

SIX = {PATH.format(number): session(number, "question", "answer " * number) for number in range(6)}
PROVIDER = "refs/chasm/providers/laptop/codex"


def bring(top, files, size=0):
    """One whole run: finish what is left, then bring `files` (path -> bytes or None) in if they are not there."""
    with open_archive(top) as archive, archive.lock():
        recover(archive)
        head = archive.head()
        with Writer(archive, objects=size) as writer:
            changes = {path: data if data is None else writer.add("blob", data) for path, data in files.items()}
            held = refs.read_ref(archive, PROVIDER)
            tree = write_tree(archive, archive.tree_id(head), changes, writer)
            updates = {}
            if tree != archive.tree_id(held):
                made = commit(archive, tree=tree, parents=[held] if held else [], message="read", sink=writer)
                updates[PROVIDER] = (held, made)
            if tree != archive.tree_id(head):
                made = commit(archive, tree=tree, parents=[head], message="harvest", sink=writer)
                updates[archive.branch] = (head, made)
        if updates:
            publish(archive, updates, "harvest", timeout=0.2)


def leftovers(top):
    """What no run should leave."""
    git_dir = top / ".git" if (top / ".git").exists() else top
    unfinished = [path for path in git_dir.rglob("*") if path.name.endswith(".lock") or "tmp_" in path.name]
    packs = {path.stem for path in git_dir.glob("objects/pack/*.pack")}
    assert packs == {path.stem for path in git_dir.glob("objects/pack/*.idx")}
    unfinished += list((git_dir / "chasm/tmp").iterdir())
    unfinished += [path for path in [git_dir / "chasm/journal"] if path.exists()]
    return unfinished + [path for path in top.rglob("*") if path.name.startswith(".chasm-")]


def picture(top):
    """All that must be the same in the end, however often a run was interrupted."""
    return {
        "files": committed(top, "main"),
        "worktree": shown(top),
        "status": status(top),
        "index": run(top, "ls-files", "-s"),
        "commits": run(top, "log", "--format=%s", "main"),
        "provider": run(top, "log", "--format=%s %T", PROVIDER),
    }


@pytest.fixture
def tmp_path(tmp_path):
    """In memory where there is such a place: hundreds of runs wait for the disk otherwise."""
    memory = Path("/dev/shm")
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def base(tmp_path):
    with init_archive(tmp_path / "base") as archive:
        save(archive, {PATH.format("old"): session("old", "a"), PATH.format(1): session(1, "question")}, "first")
        touched = {PATH.format("gone"): session("gone", "a"), PATH.format("touched"): session("touched", "a")}
        save(archive, touched, "second")
    return tmp_path / "base"


def copy(source, target):
    """With hard links, by which a dead run's locks are known."""
    target.parent.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", source, target], check=True)


def every_step(tmp_path, base, work, begin=0):
    """Copies of `base` in which `work` died at step 0, 1, 2, … until it came to its end; (step, copy)."""
    for step in range(begin, 5000):
        top = tmp_path / f"at-{step}"
        copy(base, top)
        ended = dying.run(lambda top=top: work(top), step)
        yield step, top
        shutil.rmtree(top)
        if ended:
            assert step > 20
            return


def wanted(tmp_path, base, work):
    top = tmp_path / "whole"
    copy(base, top)
    work(top)
    return picture(top)


def check_all_steps(tmp_path, base, work, again=None):
    end = wanted(tmp_path, base, work)
    died_with = {"moved": 0, "unmoved": 0}
    for step, top in every_step(tmp_path, base, work):
        fsck(top)
        died_with["moved" if run(top, "log", "-1", "--format=%s", "main") == "harvest" else "unmoved"] += 1
        assert dying.run(lambda top=top: (again or work)(top)), step
        assert picture(top) == end, step
        assert leftovers(top) == [], step
        fsck(top)
    assert min(died_with.values()) > 5


@pytest.mark.parametrize("size", [0, 1000], ids=["loose", "pack"])
def test_an_import_may_die_at_any_step(tmp_path, base, size):
    # the second run writes files where the first wrote a pack: it must not mend by doing the same again
    check_all_steps(tmp_path, base, lambda top: bring(top, SIX, size), lambda top: bring(top, SIX))


def test_an_update_of_a_worktree_in_use_may_die_at_any_step(tmp_path, base):
    (base / PATH.format(1)).write_bytes(session(1, "question", tags=["edited"]))
    (base / PATH.format("touched")).write_bytes(session("touched", "a", tags=["staged"]))
    run(base, "add", PATH.format("touched"))
    (base / PATH.format("old")).unlink()
    (base / PATH.format(3)).write_bytes(session(3, tags=["untracked"]))
    (base / "notes.txt").write_bytes(b"mine")
    files = {**SIX, PATH.format("gone"): None, PATH.format("touched"): session("touched", "a", "b")}
    files[PATH.format("old")] = session("old", "a", "b")
    check_all_steps(tmp_path, base, lambda top: bring(top, files))


def test_mending_may_die_at_any_step_too(tmp_path, base):
    end = wanted(tmp_path, base, lambda top: bring(top, SIX))
    tried = 0
    for step, top in every_step(tmp_path, base, lambda top: bring(top, SIX)):
        if not (top / ".git/chasm/journal").exists() or step % 16:
            continue
        tried += 1
        half = tmp_path / "half"
        copy(top, half)
        for _, again in every_step(tmp_path / "again", half, lambda top: bring(top, SIX)):
            fsck(again)
            bring(again, SIX)
            assert picture(again) == end
            assert leftovers(again) == []
        shutil.rmtree(half)
        if tried == 3:
            return
    raise AssertionError("it never died half-way")


def test_ctrl_c_may_come_at_any_step(tmp_path, base):
    """No lock of git's stays, logs tell of what happened, and a branch that has moved is followed by the next run."""
    end = wanted(tmp_path, base, lambda top: bring(top, SIX))
    for step in range(20, 5000):  # until then objects are written that nobody knows of
        top = tmp_path / f"at-{step}"
        copy(base, top)
        ended = dying.run(lambda top=top: bring(top, SIX), step, interrupts=True)
        moved = run(top, "log", "-1", "--format=%s", "main") == "harvest"
        left = leftovers(top)
        assert [path.name for path in left if path.suffix == ".lock"] == [], step
        assert moved or "journal" not in [path.name for path in left], step
        lines = {name: len(run(top, "reflog", name).splitlines()) for name in ("main", "HEAD")}
        assert lines == dict.fromkeys(lines, 4 if moved else 3), step
        if step % 3 == 0 or moved:
            bring(top, SIX)
            assert picture(top) == end, step
            assert leftovers(top) == [], step
        shutil.rmtree(top)
        if ended:
            assert step > 40
            return


@pytest.mark.parametrize("kind", ["own", "bare", "project"])
def test_making_an_archive_may_die_at_any_step(tmp_path, kind):
    base = tmp_path / "base"
    base.mkdir()
    if kind == "project":
        run(base, "init", "-q", "-b", "main")
        (base / "code.py").write_bytes(b"print()\n")
        run(base, "add", ".")
        run(base, "commit", "-qm", "code")

    def work(top):
        init_archive(top, bare=kind == "bare", project=top if kind == "project" else None).close()

    branch = "chasm" if kind == "project" else "main"
    for step, top in every_step(tmp_path, base, work):
        if (top / "HEAD").exists() or (top / ".git/HEAD").exists():
            fsck(top)
        work(top)
        fsck(top)
        assert run(top, "log", "--format=%s", branch) == "archive: created"
        assert leftovers(top) == [], step
        assert kind == "bare" or status(top) == []
        assert run(top, "config", "chasm.branch") == f"refs/heads/{branch}"
        with open_archive(top) as archive:
            assert set(archive.files(archive.head(), "")) == {".gitattributes", "chasm.yaml"}


@pytest.mark.parametrize("deadly", [True, False], ids=["torn", "full"])
@pytest.mark.parametrize("size", [0, 1000], ids=["loose", "pack"])
def test_a_write_may_stop_in_its_middle(tmp_path, base, size, deadly):
    end = wanted(tmp_path, base, lambda top: bring(top, SIX, size))
    stopped = 0
    for limit in [*range(0, 400, 23), *range(400, 2000, 150), 4000]:
        top = tmp_path / f"limit-{limit}"
        copy(base, top)
        stopped += not dying.run_with_limit(lambda top=top: bring(top, SIX, size), limit, deadly)
        fsck(top)
        if not deadly:
            assert [path.name for path in leftovers(top) if path.name != "journal"] == []
        bring(top, SIX, size)
        assert picture(top) == end, limit
        assert leftovers(top) == []
        fsck(top)
        shutil.rmtree(top)
    assert stopped > 10


def test_a_person_may_go_on_before_the_next_run(tmp_path, base):
    """Whatever a person commits over a run that died, nothing they did is lost and nothing harvested is."""
    for step, top in every_step(tmp_path, base, lambda top: bring(top, SIX)):
        for lock in top.glob(".git/**/*.lock"):
            lock.unlink()  # as git tells them to
        (top / "mine.txt").write_bytes(b"mine\n")
        run(top, "add", "mine.txt")
        run(top, "commit", "-qm", "mine")
        fsck(top)
        bring(top, SIX)
        fsck(top)
        assert leftovers(top) == [], step
        run(top, "commit", "-qm", "what the dead run had left", ok=False)
        bring(top, SIX)
        assert {**SIX, "mine.txt": b"mine\n"}.items() <= committed(top, "main").items(), step
        assert status(top) == [], step
        assert shown(top) == committed(top, "main"), step
