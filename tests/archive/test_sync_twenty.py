"""Twenty machines, each a process of its own, harvest and sync against one bare repository at once."""

import json
import os
import sys
import traceback
from pathlib import Path

import pytest

from chasm_git.archive.repo import open_archive
from chasm_git.archive.sync import Options, Overtaken
from chasm_git.archive.transport import pause
from chasm_git.harvest.run import harvest
from chasm_git.providers.base import Env
from tests.archive.machines import Machine, assert_unlocked, bare, moved
from tests.archive.making import assert_whole
from tests.harvest.making import SESSION, row, write

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

MACHINES = int(os.environ.get("CHASM_MACHINES", "20"))
ROUNDS = 2
NAMES = [f"m{number:02}" for number in range(MACHINES)]


def own(number):
    """The session that this machine alone has."""
    return f"{number:08}-2a51-4f0e-9c53-0f6f3a1d7b11"


def said(number, turn):
    """What is said on a machine: in its own session, and in the one that all of them continue."""
    identity = number * 100 + turn
    return [
        (own(number), row(identity, "user", f"alone on {number}, {turn}", own(number))),
        (SESSION, row(identity, "user", f"among all on {number}, {turn}")),
    ]


def live(folder, number):
    """One machine: it talks, harvests and syncs, some times. Returns the tries each sync took."""
    machine = reopened(folder, number)
    home = folder / f"home-{number}"
    rows = {own(number): [], SESSION: []}
    tries = []
    for turn in range(ROUNDS):
        for session, one in said(number, turn):
            rows[session].append(one)
            write(home, rows[session], session)
        report = harvest(machine.archive, Env(home), machine.name, names=["claude-code"])
        assert not [problem for problem in report.problems if problem.fatal]
        tries.append(synced(machine)[0])
    return tries


def settle(folder, number):
    """One more sync. Returns the tries it took, and whether anything moved."""
    return synced(reopened(folder, number))


def synced(machine):
    try:
        report = machine.sync()
    except Overtaken:
        return Options().tries, True
    return report.tries, moved(report)


def reopened(folder, number):
    """The machine as a process of its own finds it."""
    machine = Machine.__new__(Machine)
    machine.name, machine.path = NAMES[number], folder / NAMES[number]
    machine.archive = open_archive(machine.path)
    return machine


def at_once(folder, work):
    """Run `work` for every machine in a process each, all at once; what each returned."""
    children = [(_child(folder, work, number), number) for number in range(MACHINES)]
    ended = {number: os.waitpid(child, 0)[1] for child, number in children}
    assert [number for number, status in ended.items() if status] == []
    return [json.loads((folder / f"said-{number}").read_text()) for number in range(MACHINES)]


def _child(folder, work, number):
    pid = os.fork()
    if not pid:
        status = 1
        try:
            (folder / f"said-{number}").write_text(json.dumps(work(folder, number)))
            status = 0
        except BaseException:  # noqa: BLE001 the child must not go on as a second test run
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(status)
    return pid


def test_every_message_of_every_machine_is_in_all_of_them(folder):
    hub = bare(folder / "hub.git")
    for name in NAMES:
        Machine(name, folder, hub).archive.close()
    tries = [number for each in at_once(folder, live) for number in each]
    for _ in range(6):
        outcomes = at_once(folder, settle)
        tries += [number for number, _ in outcomes]
        if not any(is_moved for _, is_moved in outcomes):
            break
    else:
        raise AssertionError("they never come to rest")
    assert max(tries) <= Options().tries
    heads = set()
    for number in range(MACHINES):
        machine = reopened(folder, number)
        heads.add(machine.archive.head())
        for other in range(MACHINES):
            wanted = [one["message"]["content"] for turn in range(ROUNDS) for _, one in said(other, turn)[:1]]
            assert machine.texts(own(other)) == wanted
        together = {
            said(other, turn)[1][1]["message"]["content"] for other in range(MACHINES) for turn in range(ROUNDS)
        }
        assert sorted(machine.texts(SESSION)) == sorted(together), "each of them, and once"
        assert_whole(machine.archive)
        assert_unlocked(machine.archive)
        machine.archive.close()
    with open_archive(hub) as there:
        assert heads == {there.head()}
        assert not [*hub.rglob("*.lock")] or {file.parent.name for file in hub.rglob("*.lock")} == {"chasm"}
        assert not [*hub.glob("objects/incoming-*"), *hub.glob("objects/tmp_objdir-*")]


def test_machines_that_were_overtaken_do_not_try_again_in_step():
    for tries in range(1, Options().tries):
        pauses = {pause(tries, 0.3) for _ in range(50)}
        assert len(pauses) > 40, "each waits for another time"
        assert 0 <= min(pauses) <= max(pauses) <= 10.0
    assert max(pause(1, 0.3) for _ in range(50)) <= 0.3, "the first is short"
    assert max(pause(4, 0.3) for _ in range(50)) > 0.5, "they grow"
    assert max(pause(1, 4.0) for _ in range(50)) > 0.5, "and fit how slow everything is"


@pytest.fixture
def folder(tmp_path):
    """In memory where that can be: waiting for one disk is most of the time of twenty machines."""
    import shutil
    import tempfile

    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    place = Path(tempfile.mkdtemp(prefix="chasm-twenty-", dir="/dev/shm"))
    yield place
    shutil.rmtree(place, ignore_errors=True)
