"""When maintenance is due, what it does, and that there is never more than one."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chasm_git.archive.commit import commit
from chasm_git.archive.plumbing import maintain
from chasm_git.archive.plumbing.git import GitError
from chasm_git.archive.plumbing.locks import ArchiveLocked, ProcessLock
from chasm_git.archive.plumbing.maintain import Weight
from chasm_git.archive.plumbing.pack import PackWriter
from chasm_git.archive.plumbing.trees import write_tree
from chasm_git.archive.repo import Archive

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def git(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    top = tmp_path / "archive"
    top.mkdir()

    def run(*arguments, data=None):
        command = ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments]
        return subprocess.run(command, cwd=top, input=data, capture_output=True, check=True).stdout.decode().strip()

    run.git_dir = top / ".git"
    run.top = top
    run("init", "-q", "-b", "main")
    return run


def grow(git, versions):
    """A session that grows, a commit each time: every version stands whole among the loose objects."""
    lines = []
    for number in range(versions):
        lines += [f"- id: m-{number}-{line}-{os.urandom(20).hex()}" for line in range(40)]
        (git.top / "session.yaml").write_text("\n".join(lines))
        git("add", "session.yaml")
        git("commit", "-q", "-m", f"version {number}")


def counted(git):
    return dict(line.split(": ") for line in git("count-objects", "-v").splitlines())


def test_the_weight_is_what_git_counts(git):
    grow(git, 5)
    weight = maintain.weigh(git.git_dir)
    assert weight.loose_objects == int(counted(git)["count"]) == 15
    assert (weight.packs, weight.pack_bytes) == (0, 0)
    files = [path for path in git.git_dir.joinpath("objects").rglob("*") if path.is_file()]
    assert weight.loose_bytes == weight.bytes == sum(path.stat().st_size for path in files)
    git("gc", "-q")
    weight = maintain.weigh(git.git_dir)
    assert (weight.loose_objects, weight.packs) == (0, 1)
    assert weight.pack_bytes // 1024 == int(counted(git)["size-pack"])


def test_nothing_is_due_in_an_empty_repository(git):
    assert maintain.weigh(git.git_dir) == Weight(0, 0, 0, 0)
    assert maintain.due(git.git_dir) is None


@pytest.mark.parametrize(
    ("weight", "reason"),
    [
        (Weight(2000, 64 << 20, 50, 10 << 30), None),
        (Weight(9, (64 << 20) + 1, 0, 0), "64 MB of objects are not packed well"),
        (Weight(9, 40 << 20, 1, 90 << 20, 30 << 20), "70 MB of objects are not packed well"),
        (Weight(2001, 5, 0, 0), "2001 objects are not packed"),
        (Weight(0, 0, 51, 5), "there are 51 packs"),
    ],
)
def test_the_limits(git, weight, reason):
    assert maintain.due(git.git_dir, weight) == reason


def test_it_packs_and_the_repository_is_whole(git):
    grow(git, 30)
    before = maintain.weigh(git.git_dir)
    outcome = maintain.run(git.git_dir)
    assert outcome.before == before
    assert outcome.after == maintain.weigh(git.git_dir)
    assert outcome.after.loose_objects == 0
    assert outcome.after.bytes < before.bytes / 5
    assert not outcome.packed_again
    git("fsck", "--strict", "--full")
    git("commit-graph", "verify")


def test_what_the_last_one_could_not_pack_does_not_make_it_due_again(git, monkeypatch):
    monkeypatch.setattr(maintain, "PACKS", 2)
    for _ in range(4):
        grow(git, 1)
        git("repack", "-q", "-d")
        for pack in git.git_dir.glob("objects/pack/*.pack"):
            pack.with_suffix(".keep").touch()
    assert maintain.due(git.git_dir) == "there are 4 packs"
    maintain.run(git.git_dir)
    assert maintain.weigh(git.git_dir).packs > 2
    assert maintain.due(git.git_dir) is None


def large_import(git, folder, versions):
    """Files that are alike, committed in one pack of ours."""
    lines = []
    with Archive(git.top, git.git_dir, git.top, "refs/heads/main") as archive, PackWriter(archive) as writer:
        changes = {}
        for number in range(versions):
            lines += [f"- id: m-{number}-{line}-{os.urandom(20).hex()}" for line in range(40)]
            changes[f"{folder}/{number}"] = writer.add("blob", "\n".join(lines).encode())
        head = archive.head()
        tree = write_tree(archive, archive.tree_id(head), changes, writer)
        made = commit(archive, tree=tree, parents=[head] if head else [], message=folder, sink=writer)
    git("update-ref", "refs/heads/main", made)
    git("reset", "-q", "--hard")


def as_small_as_git_makes_it(git, tmp_path):
    """The size of the same objects when git packs them from loose ones."""
    git("clone", "-q", "--bare", str(git.top), str(tmp_path / "copy"))
    copy = tmp_path / "copy"
    for pack in list(copy.glob("objects/pack/*.pack")):
        data = pack.read_bytes()
        for path in copy.glob(f"objects/pack/{pack.stem}.*"):
            path.unlink()
        git("-C", str(copy), "unpack-objects", "-q", data=data)
    git("-C", str(copy), "gc", "-q")
    return maintain.weigh(copy).bytes


def test_packs_written_quickly_become_as_small_as_git_makes_them(git, tmp_path):
    large_import(git, "a", 40)
    weight = maintain.weigh(git.git_dir)
    assert weight.quick_bytes == weight.pack_bytes
    before = weight.bytes
    git("gc", "-q")
    assert maintain.weigh(git.git_dir).bytes > before * 0.9, "git alone does not mend it, hence the note"
    first = maintain.run(git.git_dir)
    assert first.packed_again
    # which deltas git finds varies by some per cent
    assert first.after.bytes <= as_small_as_git_makes_it(git, tmp_path) * 1.1 < before / 4
    assert not maintain.run(git.git_dir).packed_again
    git("fsck", "--strict", "--full")


def test_only_packs_written_quickly_are_packed_again(git, tmp_path):
    large_import(git, "a", 30)
    maintain.run(git.git_dir)
    large_import(git, "b", 30)
    noted = (git.git_dir / "chasm" / "quick-packs").read_text().split()
    assert len(noted) == 1 and set(noted) < {path.stem for path in git.git_dir.glob("objects/pack/*.pack")}
    outcome = maintain.run(git.git_dir)
    assert outcome.packed_again and outcome.after.packs == 1
    assert outcome.after.bytes <= as_small_as_git_makes_it(git, tmp_path) * 1.1
    git("fsck", "--strict", "--full")


def test_nothing_anybody_could_want_back_goes(git):
    grow(git, 1)
    large_import(git, "a", 10)
    gone = git("rev-parse", "HEAD:a/3")
    git("reset", "-q", "--hard", "HEAD~1")
    git("reflog", "expire", "--expire=now", "--all")
    maintain.run(git.git_dir)
    assert git("cat-file", "-t", gone) == "blob"


def test_a_failure_is_recorded_and_the_note_stays(git):
    large_import(git, "a", 5)
    pack = next(git.git_dir.glob("objects/pack/*.pack"))
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:-400] + bytes(400))
    with pytest.raises(GitError):
        maintain.run(git.git_dir)
    record = json.loads((git.git_dir / "chasm" / "maintenance.json").read_text())
    assert record["error"].startswith("git repack: ")
    assert (git.git_dir / "chasm" / "quick-packs").exists()


def test_a_record_that_cannot_be_read_counts_as_none(git):
    (git.git_dir / "chasm").mkdir()
    for text in ("", "[]", "{}", '{"loose_objects": []}', "\0"):
        (git.git_dir / "chasm" / "maintenance.json").write_text(text)
        assert maintain.due(git.git_dir, Weight(2001, 0, 0, 0))


def test_only_one_at_a_time_and_a_dead_one_does_not_count(git):
    grow(git, 2)
    code = (
        "import sys, time; from pathlib import Path; from chasm_git.archive.plumbing.locks import ProcessLock;"
        "ProcessLock(Path(sys.argv[1])).acquire(0); print('held', flush=True); time.sleep(60)"
    )
    (git.git_dir / "chasm").mkdir()
    lock = git.git_dir / "chasm" / "maintenance.lock"
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(ArchiveLocked, match=str(other.pid)):
            maintain.run(git.git_dir)
        other.kill()
        other.wait()
    assert maintain.run(git.git_dir).after.loose_objects == 0


def test_the_detached_process_does_the_work_and_nobody_waits(git):
    grow(git, 10)
    started = time.monotonic()
    maintain.start(git.git_dir)
    assert time.monotonic() - started < 1
    record = git.git_dir / "chasm" / "maintenance.json"
    while not record.exists() and time.monotonic() - started < 60:
        time.sleep(0.05)
    assert json.loads(record.read_text())["error"] is None
    assert maintain.weigh(git.git_dir).loose_objects == 0
    lock = ProcessLock(git.git_dir / "chasm" / "maintenance.lock")
    lock.acquire(10)
    lock.release()
