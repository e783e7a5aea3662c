"""Strategies: what is decided beforehand is decided once, arrives everywhere, and nobody corrects it back."""

from itertools import permutations

import pytest

from chasm_git.archive.syncing.conflicts import waiting
from chasm_git.errors import Undecided
from chasm_git.session.model import Message
from tests.archive.machines import Machine, bare
from tests.archive.making import assert_whole, git, new_session, put, say

DECIDING = ("keep-both", "local-wins", "remote-wins", "most-recent")
NAMES = ("laptop", "desktop", "server")


class Fleet:
    """Machines with one remote, and a session that all of them have."""

    def __init__(self, folder, names, settings=b"conflicts: auto\n"):
        self.hub = bare(folder / "hub.git")
        self.base = new_session("s-1", "hello", "there", title="First")
        self.machines = {name: Machine(name, folder, self.hub) for name in names}
        put(self.machines[names[0]].archive, self.base, files={"chasm.yaml": settings})
        for machine in self.machines.values():
            machine.sync()

    def edit(self, name, text, title=None):
        edited = say(self.base)
        edited.messages[0].content = text
        edited.title = title or edited.title
        put(self.machines[name].archive, edited)

    def edit_everywhere(self):
        for number, name in enumerate(self.machines):
            self.edit(name, f"as the {name} has it", f"Title {number}")

    def until_quiet(self, strategies, rounds=4):
        """Sync in turn until nothing moves; all hold the same then."""
        for _ in range(rounds):
            reports = [m.sync(strategy=strategies.get(name)) for name, m in self.machines.items()]
            if not any(report.sent or report.received for report in reports):
                break
        else:
            raise AssertionError("they never come to rest")
        assert len({machine.archive.head() for machine in self.machines.values()}) == 1
        for machine in self.machines.values():
            assert_whole(machine.archive)

    def any(self):
        return next(iter(self.machines.values()))

    def waiting(self):
        return list(waiting(self.any().archive, self.any().archive.head()))


@pytest.mark.parametrize("strategy", DECIDING)
@pytest.mark.parametrize("count", [2, 3])
def test_machines_with_one_strategy_come_to_rest_with_nothing_to_decide(tmp_path, strategy, count):
    fleet = Fleet(tmp_path, NAMES[:count])
    fleet.edit_everywhere()
    fleet.until_quiet(dict.fromkeys(NAMES, strategy))
    assert fleet.waiting() == []
    session = fleet.any().session("s-1")
    message = session.messages[0]
    every = {f"as the {name} has it" for name in NAMES[:count]}
    assert message.content in every
    assert {message.content, *(value["content"] for value in message.replaced)} == every
    beside = [one.content for one in session.messages if one.id.startswith("m0~")]
    assert set(beside) == (every - {message.content} if strategy == "keep-both" else set())
    titles = {entry["value"] for entry in session.extra["decided"]["title"]}
    assert titles == {f"Title {number}" for number in range(count)} and session.title in titles


@pytest.mark.parametrize("mixed", list(permutations(("local-wins", "remote-wins", "keep-both")))[:2])
def test_machines_of_different_minds_come_to_rest_too(tmp_path, mixed):
    fleet = Fleet(tmp_path, NAMES)
    fleet.edit_everywhere()
    fleet.until_quiet(dict(zip(NAMES, mixed, strict=True)))
    assert fleet.waiting() == []
    fleet.edit_everywhere()
    fleet.until_quiet(dict(zip(NAMES, mixed, strict=True)))


def test_local_is_who_merges_and_remote_what_was_there(tmp_path):
    for strategy, winner in (("local-wins", "desktop"), ("remote-wins", "laptop")):
        fleet = Fleet(tmp_path / strategy, NAMES[:2])
        fleet.edit_everywhere()
        fleet.machines["laptop"].sync()
        report = fleet.machines["desktop"].sync(strategy=strategy)
        assert fleet.machines["desktop"].texts("s-1")[0] == f"as the {winner} has it"
        assert report.clashes == []
        assert [note for note in report.notes if f"decided as {strategy} says" in note]


def test_the_most_recent_change_wins_whoever_merges(tmp_path):
    for first, second in (("laptop", "desktop"), ("desktop", "laptop")):
        fleet = Fleet(tmp_path / first, NAMES[:2])
        for name, at in (("laptop", "2030-01-01T00:00:00Z"), ("desktop", "2029-01-01T00:00:00Z")):
            fleet.edit(name, f"as the {name} has it", name)
            git(fleet.machines[name].archive, "commit", "-q", "--amend", "--no-edit", GIT_COMMITTER_DATE=at)
        fleet.machines[first].sync()
        fleet.machines[second].sync(strategy="most-recent")
        session = fleet.machines[second].session("s-1")
        assert (session.messages[0].content, session.title) == ("as the laptop has it", "laptop")


def test_a_messages_own_time_says_more_than_that_of_its_commit(tmp_path):
    fleet = Fleet(tmp_path, NAMES[:2])
    fleet.edit_everywhere()
    edited = fleet.machines["laptop"].session("s-1")
    edited.messages[0].timestamp = "2031-01-01T00:00:00.000Z"
    put(fleet.machines["laptop"].archive, edited)
    fleet.edit("desktop", "committed last")
    fleet.machines["laptop"].sync()
    fleet.machines["desktop"].sync(strategy="most-recent")
    assert "as the laptop has it" in fleet.machines["desktop"].texts("s-1")


@pytest.mark.parametrize("strategy", DECIDING)
def test_machines_that_merge_apart_from_each_other_agree_in_the_end(tmp_path, strategy):
    """Each takes the other's history by itself, at the same moment, over and over: no flip-flop."""
    fleet = Fleet(tmp_path, NAMES[:2])
    fleet.edit_everywhere()
    laptop, desktop = fleet.machines.values()
    for name, machine in fleet.machines.items():
        git(machine.archive, "init", "-q", "--bare", str(tmp_path / f"{name}.git"))
    for _ in range(4):
        for name, machine in fleet.machines.items():
            git(machine.archive, "push", "-q", "-f", str(tmp_path / f"{name}.git"), "main")
        for machine, other in ((laptop, "desktop"), (desktop, "laptop")):
            git(machine.archive, "config", "remote.other.url", str(tmp_path / f"{other}.git"))
            git(machine.archive, "config", "remote.other.fetch", "+refs/heads/*:refs/remotes/other/*")
            machine.sync("other", push=False, strategy=strategy)
        if laptop.archive.head() == desktop.archive.head():
            break
    assert laptop.archive.head() == desktop.archive.head()
    assert fleet.waiting() == []
    assert_whole(laptop.archive)


def test_settings_name_the_strategy_for_all_machines(tmp_path):
    for number, settings in enumerate((b"conflicts: local-wins\n", b"conflicts:\n  strategy: local-wins\n")):
        fleet = Fleet(tmp_path / str(number), NAMES[:2], settings)
        fleet.edit_everywhere()
        fleet.until_quiet({})
        assert fleet.waiting() == []


def test_auto_leaves_the_decision_to_a_person(tmp_path):
    fleet = Fleet(tmp_path, NAMES)
    fleet.edit_everywhere()
    fleet.until_quiet({})
    assert {one.where for one in fleet.waiting()} == {"m0", "title"}


def test_manual_stops_before_anything_changes_and_says_what_it_is_about(tmp_path):
    fleet = Fleet(tmp_path, NAMES[:2])
    fleet.edit_everywhere()
    laptop, desktop = fleet.machines.values()
    laptop.sync()
    before = desktop.archive.head(), desktop.files(), git(desktop.archive, "status", "--porcelain")
    hub = git(desktop.archive, "ls-remote", "origin")
    for options in ({}, {"dry_run": True}, {"push": False}):
        with pytest.raises(Undecided, match="--strategy auto") as stopped:
            desktop.sync(strategy="manual", **options)
        assert {(clash.kind, clash.where) for clash in stopped.value.clashes} == {("edit", "m0"), ("metadata", "title")}
        assert stopped.value.exit_code == 3
    assert before == (desktop.archive.head(), desktop.files(), git(desktop.archive, "status", "--porcelain"))
    assert git(desktop.archive, "ls-remote", "origin") == hub
    assert [file.name for file in desktop.archive.scratch.iterdir()] == []
    desktop.sync(strategy="auto")
    assert desktop.sync(strategy="manual").tries == 1


def test_manual_takes_what_is_in_no_conflict(tmp_path):
    fleet = Fleet(tmp_path, NAMES[:2], b"conflicts: manual\n")
    laptop, desktop = fleet.machines.values()
    put(laptop.archive, say(fleet.base, "from the laptop"))
    grown = say(fleet.base)
    grown.messages.append(Message("d1", "user", "2026-02-04T00:00:00.000Z", "from the desktop", after="m1"))
    put(desktop.archive, grown)
    fleet.until_quiet({})
    assert len(laptop.texts("s-1")) == 4


def test_a_conflict_from_before_is_not_the_strategys(tmp_path):
    fleet = Fleet(tmp_path, NAMES)
    fleet.edit("laptop", "one way")
    fleet.edit("desktop", "another way")
    fleet.until_quiet({})
    third = fleet.machines["server"].session("s-1")
    third.messages[1].content = "quite another answer"
    put(fleet.machines["server"].archive, third)
    other = fleet.machines["laptop"].session("s-1")
    other.messages[1].content = "an answer of the laptop's"
    put(fleet.machines["laptop"].archive, other)
    fleet.until_quiet(dict.fromkeys(NAMES, "local-wins"))
    assert [one.where for one in fleet.waiting()] == ["m0"]


def test_what_was_forgotten_stays_so_and_that_is_said(tmp_path):
    fleet = Fleet(tmp_path, NAMES[:2])
    laptop, desktop = fleet.machines.values()
    gone = say(fleet.base)
    gone.messages[0] = Message("m0", "user", gone.messages[0].timestamp, deleted=True)
    put(laptop.archive, gone)
    fleet.edit("desktop", "changed meanwhile")
    laptop.sync()
    report = desktop.sync()
    assert report.clashes == []
    assert [note for note in report.notes if "stays forgotten" in note]
    assert desktop.session("s-1").messages[0].deleted
