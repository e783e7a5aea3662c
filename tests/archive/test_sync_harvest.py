"""Harvests and syncs in turn: what one machine read arrives at the others, and what was put right stays so."""

import json

import pytest

from chasm_git.archive.plumbing import refs
from chasm_git.harvest.run import harvest
from chasm_git.providers.base import Env
from tests.archive.machines import Machine, bare, until_quiet
from tests.harvest.making import SESSION, row, talk, write


@pytest.fixture
def machines(tmp_path):
    hub = bare(tmp_path / "hub.git")
    return [Machine(name, tmp_path, hub) for name in ("laptop", "desktop")]


def read(machine, home):
    return harvest(machine.archive, Env(home), machine.name, names=["claude-code"])


def places(machine):
    return [path for path in machine.files() if path.startswith("sessions/")]


def said(machine):
    return [content for content in machine.texts(SESSION) if content]


def test_a_session_continued_on_two_machines(tmp_path, machines):
    laptop, desktop = machines
    homes = {machine.name: tmp_path / f"home-{machine.name}" for machine in machines}
    write(homes["laptop"], talk(4))
    read(laptop, homes["laptop"])
    until_quiet(machines)
    # a person copied the client's folder over, and goes on in both places
    write(homes["laptop"], talk(6))
    write(homes["desktop"], [*talk(4), row(100, "user", "on the desktop")])
    for machine in machines:
        read(machine, homes[machine.name])
    until_quiet(machines)
    assert said(laptop) == said(desktop)
    assert sorted(said(laptop)) == sorted([*(f"message {n}" for n in range(6)), "on the desktop"])
    for machine in machines:
        report = read(machine, homes[machine.name])
        assert report.commit is None, "everything is there already"


def in_february(rows):
    return [json.loads(json.dumps(one).replace("2026-01-08", "2026-02-08")) for one in rows]


def test_a_session_filed_under_two_months_stays_one(tmp_path, machines):
    laptop, desktop = machines
    homes = {machine.name: tmp_path / f"home-{machine.name}" for machine in machines}
    early = talk(2)
    late = in_february(talk(4, start=2))
    write(homes["laptop"], [*early, *late[:2]])
    write(homes["desktop"], late)  # the client here has forgotten how it began
    for machine in machines:
        read(machine, homes[machine.name])
    assert places(laptop) != places(desktop)
    until_quiet(machines)
    assert places(laptop) == [f"sessions/claude-code/2026/01/{SESSION}.yaml"] == places(desktop)
    for machine in machines:
        assert read(machine, homes[machine.name]).commit is None
        assert len(places(machine)) == 1
    write(homes["desktop"], [*late, *in_february(talk(2, start=6))])
    assert read(desktop, homes["desktop"]).commit is not None
    until_quiet(machines)
    assert places(laptop) == [f"sessions/claude-code/2026/01/{SESSION}.yaml"] == places(desktop)
    assert said(laptop) == [f"message {n}" for n in range(8)]
    held = refs.read_ref(desktop.archive, "refs/chasm/providers/desktop/claude-code")
    assert list(desktop.archive.files(held)) == places(desktop)


def test_a_machine_that_lost_its_archive_reads_on_where_it_was(tmp_path, machines):
    import shutil

    laptop, desktop = machines
    home = tmp_path / "home"
    write(home, talk(4))
    read(laptop, home)
    until_quiet(machines)
    laptop.archive.close()
    shutil.rmtree(laptop.path)
    anew = Machine("laptop", tmp_path, tmp_path / "hub.git")
    anew.sync()
    write(home, talk(6))
    report = read(anew, home)
    assert [result.added for result in report.results] == [2]
    until_quiet([anew, desktop])
    assert said(desktop) == [f"message {n}" for n in range(6)]
