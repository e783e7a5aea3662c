"""Machines that share an archive: each has a clone of its own, all have one remote."""

import subprocess

from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.archive.syncing import remote, syncstate
from chasm_git.archive.syncing.exchange import Line
from chasm_git.archive.syncing.report import Options
from chasm_git.archive.syncing.sync import sync
from chasm_git.session import codec
from tests.archive.making import assert_whole


class Machine:
    """One machine; `archive` is open."""

    def __init__(self, name, folder, url=None, **made):
        self.name = name
        self.path = folder / name
        init_archive(self.path, **made).close()
        self.archive = open_archive(self.path)
        if url is not None:
            remote.add(self.archive, "origin", str(url))

    def sync(self, remote=None, patience=None, **options):
        """Sync; returns the report."""
        return sync(self.archive, self.name, remote, Options(line=Line(patience=patience), **options))

    def tree(self):
        """Id of the tree of the latest commit."""
        return self.archive.tree_id(self.archive.head())

    def files(self):
        """Path -> content of everything in the latest commit."""
        head = self.archive.head()
        return {path: self.archive.read(blob) for path, blob in self.archive.files(head, "").items()}

    def session(self, identity):
        """A session of the latest commit."""
        (path,) = [path for path in self.files() if path.endswith(f"/{identity}.yaml")]
        return codec.loads(self.files()[path])

    def texts(self, identity):
        """What is said in a session, in order."""
        return [message.content for message in self.session(identity).messages]


def bare(place, branch="main"):
    """An empty bare repository."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", branch, str(place)], check=True)
    return place


def moved(report):
    """Whether a sync brought or took anything."""
    return bool(report.sent or report.received or report.snapshots_sent or report.snapshots_received)


def assert_unlocked(archive):
    """Nobody holds a lock: the files of locks between processes stay, those of git's locks do not."""
    left = [file for file in archive.git_dir.rglob("*.lock") if file.parent != archive.state_dir]
    assert left == []
    assert not syncstate.is_syncing(archive)
    with archive.lock(0):
        pass


def until_quiet(machines, rounds=6):
    """Sync all of them in turn until nothing moves any more; then all hold the same, and nothing is broken."""
    for _ in range(rounds):
        reports = [machine.sync() for machine in machines]
        if not any(map(moved, reports)):
            break
    else:
        raise AssertionError("they never come to rest")
    assert len({machine.archive.head() for machine in machines}) == 1
    for machine in machines:
        assert_whole(machine.archive)
