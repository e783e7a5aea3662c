"""A harvest may end at any write, meet a full disk, other harvests, a person who commits: nothing is lost."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from chasm_git.archive.plumbing.locks import ArchiveLocked
from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.harvest.run import harvest
from chasm_git.providers.base import Env
from chasm_git.providers.claude_code import ClaudeCode
from chasm_git.session import codec
from tests.archive import dying
from tests.archive.repository import committed, fsck, run, shown, status
from tests.harvest.making import SESSION, picture, talk, write

OTHER = "aaaaaaaa-2a51-4f0e-9c53-0f6f3a1d7b11"

pytestmark = pytest.mark.skipif(not hasattr(dying.os, "fork"), reason="needs fork and signals")


def one_harvest(archive, home, **more):
    with open_archive(archive) as opened:
        return harvest(opened, Env(home), "laptop", names=["claude-code", "codex"], processes=1, **more)


def first_home(home):
    write(home, [*talk(3), picture(3)])
    write(home, talk(2, session=OTHER), session=OTHER)


def grown_home(home):
    write(home, [*talk(3), picture(3), *talk(2, start=4)])
    write(home, talk(3, start=1, session=OTHER), session=OTHER)


def state_of(archive):
    """What must be the same in the end, however often a run was interrupted."""
    return committed(archive, "main"), shown(archive), status(archive), leftovers(archive)


def leftovers(archive):
    git_dir = archive / ".git"
    unfinished = [path for path in git_dir.rglob("*") if path.name.endswith(".lock") and path.parent.name != "chasm"]
    unfinished += list((git_dir / "chasm" / "tmp").iterdir())
    return unfinished + [path for path in [git_dir / "chasm" / "journal"] if path.exists()]


@pytest.mark.parametrize("change", [first_home, grown_home], ids=["first harvest", "growth"])
def test_it_may_be_killed_at_any_write(tmp_path, change):
    home, start, whole = tmp_path / "home", tmp_path / "start", tmp_path / "whole"
    init_archive(start).close()
    if change is grown_home:
        first_home(home)
        one_harvest(start, home)
    change(home)
    shutil.copytree(start, whole, symlinks=True)
    one_harvest(whole, home)
    wanted = state_of(whole)
    assert wanted[2:] == ([], [])
    for last in range(2000):
        archive = Path(tempfile.mkdtemp(dir=tmp_path)) / "archive"
        shutil.copytree(start, archive, symlinks=True)
        ended = dying.run(lambda archive=archive: one_harvest(archive, home), last)
        fsck(archive)
        one_harvest(archive, home)
        assert state_of(archive) == wanted, f"killed at write {last}"
        assert one_harvest(archive, home).commit is None
        shutil.rmtree(archive.parent)
        if ended:
            assert last > 20  # else nothing was killed
            return
    raise AssertionError("a harvest of two sessions takes no 2,000 writes")


def test_it_fills_a_disk(tmp_path):
    script = Path(__file__).with_name("small_disk.py")
    namespace = ["unshare", "--map-root-user", "--mount"]
    try:
        subprocess.run([*namespace, "mount", "-t", "tmpfs", "none", str(tmp_path)], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no small disk can be made here")
    home = tmp_path.parent / (tmp_path.name + "-home")
    first_home(home)
    write(home, talk(80, word="long " * 60, session=OTHER), session=OTHER)
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        [*namespace, sys.executable, str(script), str(disk), str(home)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("full") > 3, done.stdout


def _harvest_often(archive, home, times):
    while times:
        with suppress(ArchiveLocked):  # where the machine is busy, the others may take longer than a harvest waits
            one_harvest(archive, home)
            times -= 1


def test_several_harvests_and_commits_at_once(tmp_path):
    archive = tmp_path / "archive"
    init_archive(archive).close()
    homes = []
    for number in range(3):
        homes.append(tmp_path / f"home{number}")
        session = f"{number:08}-2a51-4f0e-9c53-0f6f3a1d7b11"
        write(homes[-1], talk(4, session=session), session=session)
        write(homes[-1], talk(2 + number, word="shared"))
    workers = [
        multiprocessing.get_context("fork").Process(target=_harvest_often, args=(archive, home, 4)) for home in homes
    ]
    for worker in workers:
        worker.start()
    commits = 0
    while any(worker.is_alive() for worker in workers):
        note = archive / f"note{commits}.txt"
        note.write_text("mine")
        run(archive, "add", note.name, ok=False)
        committed_now = subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "mine", "--", note.name],
            cwd=archive,
            capture_output=True,
            check=False,
        )
        commits += committed_now.returncode == 0
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    for home in homes:
        one_harvest(archive, home)
    fsck(archive)
    files = committed(archive, "main")
    sessions = [codec.loads(data) for path, data in files.items() if path.startswith("sessions/")]
    assert len(sessions) == 4
    (shared,) = [one for one in sessions if one.id == SESSION]
    assert [m.content for m in shared.messages if m.role != "event"] == [f"shared {n}" for n in range(4)]
    assert sum(path.startswith("note") for path in files) == commits
    assert leftovers(archive) == []


def test_ctrl_c_ends_it_cleanly(tmp_path):
    import time

    home, archive = tmp_path / "home", tmp_path / "archive"
    for number in range(12):
        session = f"{number:08}-2a51-4f0e-9c53-0f6f3a1d7b11"
        write(home, talk(300, word="long " * 200, session=session), session=session)
    command = [sys.executable, "-m", "chasm_git", "-C", str(archive), "--home", str(home), "harvest", "run"]
    for wait in (0.15, 0.3, 0.45):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        time.sleep(wait)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode in (0, 130, -signal.SIGINT), said
        if archive.exists() and (archive / ".git" / "HEAD").exists():
            fsck(archive)
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert len(list((archive / "sessions").rglob("*.yaml"))) == 12
    fsck(archive)
    assert status(archive) == []


def test_a_killed_worker_costs_nothing_but_time(tmp_path, monkeypatch):
    """The kernel kills what takes most memory; the sessions the worker was at are read by the main process."""
    home, place = tmp_path / "home", tmp_path / "archive"
    for number in range(6):
        session = f"{number:08}-2a51-4f0e-9c53-0f6f3a1d7b11"
        write(home, talk(3, session=session), session=session)
    init_archive(place).close()
    main = os.getpid()
    read = ClaudeCode.read

    def dies(self, source):
        if os.getpid() != main:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(self, source)

    monkeypatch.setattr(ClaudeCode, "read", dies)
    with open_archive(place) as archive:
        report = harvest(archive, Env(home), "laptop", names=["claude-code"], processes=2)
    assert (len(report.results), report.problems) == (6, [])
    fsck(place)
    assert leftovers(place) == []
