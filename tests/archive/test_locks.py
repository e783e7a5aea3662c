"""Locks: between processes, ended by death, and told apart from those of strangers."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from chasm_git.archive.plumbing import durable, journal, locks
from chasm_git.archive.plumbing.locks import ArchiveLocked, LockFile, release_abandoned
from chasm_git.archive.repo import init_archive, open_archive
from tests.archive.repository import PATH, save, session, status

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def archive(tmp_path):
    with init_archive(tmp_path / "archive") as archive:
        yield archive


def holder(archive, body):
    """A process that prints a line once it is where `body` says, and waits."""
    code = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "import os, time\nfrom pathlib import Path\n"
        "from chasm_git.archive.plumbing.locks import LockFile\n"
        "from chasm_git.archive.repo import open_archive\n"
        f"archive = open_archive(Path({str(archive.path)!r}))\n{body}\n"
        "print('there', flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"there\n"
    return process


def end(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_another_process_waits_and_is_named(archive):
    process = holder(archive, "held = archive.lock(); held.__enter__()")
    with pytest.raises(ArchiveLocked, match=str(process.pid)), archive.lock(timeout=0.1):
        pass
    started = time.monotonic()
    threading.Timer(0.3, end, [process]).start()
    with archive.lock(timeout=10):
        assert time.monotonic() - started < 5


def test_a_worker_does_not_keep_the_lock_of_its_dead_parent(archive):
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    body = "held = archive.lock(); held.__enter__()\nif os.fork() == 0:\n    time.sleep(3); os._exit(0)\n"
    process = holder(archive, body)
    end(process)
    with archive.lock(timeout=1):
        pass


def test_locks_nest_in_one_archive_and_exclude_another(archive):
    with archive.lock(), archive.lock(), open_archive(archive.path) as other:
        with pytest.raises(ArchiveLocked), other.lock(timeout=0.05):
            pass
        with other.lock(timeout=0.05, name="publishing"):
            pass
    with open_archive(archive.path) as other, other.lock(timeout=0.05):
        pass


def test_threads_take_turns(archive):
    inside = []

    def work():
        for _ in range(20):
            with archive.lock():
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == []


@pytest.mark.parametrize("name", ["index", "refs/heads/main", "packed-refs"])
def test_the_lock_file_of_a_dead_run_is_removed_and_nobody_else_s(archive, name):
    process = holder(archive, f"lock = LockFile(archive.git_dir / {name!r}, archive.scratch)")
    theirs = archive.git_dir / "refs/heads/other.lock"
    theirs.write_bytes(b"")
    lock = archive.git_dir / (name + ".lock")
    assert release_abandoned(archive.git_dir, archive.scratch) == []
    assert lock.exists()
    end(process)
    assert release_abandoned(archive.git_dir, archive.scratch) == [lock]
    assert theirs.exists()
    assert not list(archive.scratch.iterdir())


def test_a_run_goes_on_where_a_dead_one_held_the_index(archive):
    end(holder(archive, "lock = LockFile(archive.git_dir / 'index', archive.scratch)"))
    journal.recover(archive)
    published = save(archive, {PATH.format(1): session(1, "a")})
    assert (published.pending, status(archive.worktree)) == (None, [])


def test_without_hard_links_locks_work_too(archive, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    published = save(archive, {PATH.format(number): session(number, "a") for number in range(400)})
    assert (published.kept, published.pending) == ([], None)
    assert status(archive.worktree) == []
    target = archive.git_dir / "some"
    with LockFile(target, archive.scratch) as lock:
        assert locks.lock_path(target).exists()
        with pytest.raises(locks.LockHeld):
            LockFile(target, archive.scratch, timeout=0.02)
        lock.commit(b"new")
    assert target.read_bytes() == b"new"
    with LockFile(target, archive.scratch) as lock:
        lock.write(b"not committed, and longer")
    assert target.read_bytes() == b"new"
    assert not locks.lock_path(target).exists()
    assert list(archive.scratch.iterdir()) == []


def test_who_is_gone(tmp_path):
    name = durable.scratch_name()
    host, pid, nonce, rest = name.removeprefix("chasm-").split("-")
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)

    def gone(host=host, pid=pid, nonce=nonce, age=0.0):
        path = tmp_path / f"tmp_obj_chasm-{host}-{pid}-{nonce}-{rest}"
        path.write_bytes(b"")
        os.utime(path, (time.time() - age,) * 2)
        return durable.abandoned(path)

    assert not gone()
    assert gone(nonce="00000000"), "an earlier process had our number"
    assert not gone(pid=child.pid)
    child.communicate()
    assert gone(pid=child.pid)
    assert not gone(host="00000000", pid=child.pid)
    assert gone(host="00000000", age=100_000)
    assert not durable.abandoned(tmp_path / "tmp_obj_somebody")
    assert not durable.abandoned(tmp_path / f"chasm-00000000-1-{nonce}-{rest}")


def test_what_workers_wrote_belongs_to_their_parent(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "import multiprocessing, os\nfrom chasm_git.archive.plumbing.durable import scratch_name\n"
        "if __name__ == '__main__':\n"
        "    for kind in multiprocessing.get_all_start_methods():\n"
        "        with multiprocessing.get_context(kind).Pool(1) as pool:\n"
        "            name = pool.apply(scratch_name)\n"
        "            assert name.split('-')[2] == str(os.getpid()), name\n"
    )
    script = tmp_path / "work.py"
    script.write_text(code)
    subprocess.run([sys.executable, str(script)], check=True)
