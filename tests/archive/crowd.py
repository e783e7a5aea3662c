"""Machines at work at once: a process each, with a clone of its own and sources that grow."""

import json
import os
import sys
import traceback

from chasm_git.archive.repo import open_archive
from chasm_git.archive.syncing.exchange import Unreachable
from chasm_git.archive.syncing.report import Options
from chasm_git.archive.syncing.sync import Overtaken
from chasm_git.harvest.run import harvest
from chasm_git.providers.base import Env
from tests.archive.machines import Machine, assert_unlocked, moved
from tests.archive.making import assert_whole
from tests.harvest.making import SESSION, row, write

SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""In memory, where that can be: waiting for one disk is most of the time of many machines else."""


def own(number):
    """The session that one machine alone has."""
    return f"{number:08}-2a51-4f0e-9c53-0f6f3a1d7b11"


class Crowd:
    """Machines that share one remote.

    Args:
        url: of the remote, by the number of a machine.
        patience: seconds without a word after which one at work counts the remote as not there. Needed where lines
            break: an HTTP response without a length that is cut is whole to git, and git then waits on itself.
    """

    def __init__(self, folder, count, url, patience=None):
        self.folder = folder
        self.numbers = range(count)
        self.turns = 0
        self.patience = patience
        for number in self.numbers:
            Machine(f"m{number:02}", folder, url(number)).archive.close()

    def live(self):
        """Each says something in its own session and in the one they share, harvests and syncs; all at once.

        Returns the tries each sync took; None for those that did not reach the remote.
        """
        self.turns += 1
        return self._at_once(self._harvest_and_sync)

    def settle(self):
        """Each syncs until nothing moves any more. Returns the tries it took them."""
        tries = []
        for _ in range(8):
            outcomes = self._at_once(self._sync)
            tries += [number for number, _ in outcomes]
            if not any(is_moved for _, is_moved in outcomes):
                return tries
        raise AssertionError("they never come to rest")

    def compare(self):
        """All hold all that was ever said, once; nothing is broken or locked. Returns the commit they are at."""
        heads = set()
        turns = range(self.turns)
        for number in self.numbers:
            machine = self.machine(number)
            heads.add(machine.archive.head())
            for other in self.numbers:
                assert machine.texts(own(other)) == [f"alone on {other}, {turn}" for turn in turns]
            together = [f"among all on {other}, {turn}" for other in self.numbers for turn in turns]
            assert sorted(machine.texts(SESSION)) == sorted(together)
            whole(machine)
            machine.archive.close()
        assert len(heads) == 1
        return heads.pop()

    def machine(self, number):
        """One of them, as a process of its own finds it."""
        machine = Machine.__new__(Machine)
        machine.name = f"m{number:02}"
        machine.path = self.folder / machine.name
        machine.archive = open_archive(machine.path)
        return machine

    def _harvest_and_sync(self, number):
        machine, home = self.machine(number), self.folder / f"home-{number}"
        for session, text in ((own(number), "alone on"), (SESSION, "among all on")):
            texts = [(number * 100 + turn, f"{text} {number}, {turn}") for turn in range(self.turns)]
            write(home, [row(identity, "user", text, session) for identity, text in texts], session)
        report = harvest(machine.archive, Env(home), machine.name, names=["claude-code"])
        assert not [problem for problem in report.problems if problem.fatal]
        try:
            return machine.sync(patience=self.patience).tries
        except Overtaken:
            return Options().tries
        except Unreachable:
            whole(machine)
            return None

    def _sync(self, number):
        machine = self.machine(number)
        try:
            report = machine.sync()
        except Overtaken:
            return Options().tries, True
        return report.tries, moved(report)

    def _at_once(self, work):
        """Run `work` for every machine in a process each; what each returned."""
        children = {number: self._child(work, number) for number in self.numbers}
        ended = {number: os.waitpid(child, 0)[1] for number, child in children.items()}
        assert [number for number, status in ended.items() if status] == []
        return [json.loads((self.folder / f"said-{number}").read_text()) for number in self.numbers]

    def _child(self, work, number):
        pid = os.fork()
        if not pid:
            status = 1
            try:
                (self.folder / f"said-{number}").write_text(json.dumps(work(number)))
                status = 0
            except BaseException:  # noqa: BLE001 the child must not go on as a second test run
                traceback.print_exc(file=sys.__stderr__)
            finally:
                os._exit(status)
        return pid


def whole(machine):
    """Nothing is broken, half done or locked."""
    assert_whole(machine.archive)
    assert_unlocked(machine.archive)
    git_dir = machine.archive.git_dir
    left = ("objects/tmp_objdir-*", "objects/pack/tmp_*", "chasm/journal", "chasm/tmp/*")
    assert [file for names in left for file in git_dir.glob(names)] == []
