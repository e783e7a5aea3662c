"""Where every session stands: all states, what waits to be sent and fetched, how it went the last time."""

import pytest

from chasm_git.archive.plumbing.locks import ProcessLock
from chasm_git.archive.syncing import syncstate
from chasm_git.archive.syncing.exchange import RemoteFailed, Unreachable
from chasm_git.archive.syncing.tracking import pending, sync_states, sync_status
from chasm_git.session.forgotten import forgotten
from tests.archive.machines import Machine, bare, until_quiet
from tests.archive.making import git, new_session, path, put, say


@pytest.fixture
def hub(tmp_path):
    return bare(tmp_path / "hub.git")


def states(status):
    return {one.id: one.state for one in status.sessions}


def test_without_a_remote_everything_is_here_only(tmp_path):
    machine = Machine("laptop", tmp_path)
    put(machine.archive, new_session("s-1", "one"))
    status = sync_status(machine.archive)
    assert (status.mode, status.remote, status.last_sync) == ("offline", None, None)
    assert states(status) == {"s-1": "local-only"}
    assert (status.pending_uploads, status.pending_downloads, status.conflicts) == (0, 0, 0)
    assert not status.is_fully_synced


def test_every_state_at_once(tmp_path, hub):
    laptop, desktop = (Machine(name, tmp_path, hub) for name in ("laptop", "desktop"))
    names = ("same", "ours", "theirs", "both", "waiting")
    start = {name: new_session(name, "one", "two") for name in names}
    put(laptop.archive, *start.values())
    until_quiet([laptop, desktop])
    undecided = say(start["waiting"])
    undecided.messages[0].variants = [{"role": "user", "content": "another wording"}]
    put(laptop.archive, undecided)
    until_quiet([laptop, desktop])
    put(desktop.archive, say(start["theirs"], "there"), say(start["both"], "there"), new_session("new there", "x"))
    desktop.sync()
    put(laptop.archive, say(start["ours"], "here"), say(start["both"], "here"), new_session("new here", "x"))
    git(laptop.archive, "fetch", "-q", "origin")
    status = sync_status(laptop.archive, "origin", str(hub))
    assert states(status) == {
        "same": "synced",
        "ours": "local-ahead",
        "theirs": "remote-ahead",
        "both": "conflict",
        "waiting": "conflict",
        "new here": "unsynced",
        "new there": "remote-ahead",
    }
    assert (status.pending_uploads, status.pending_downloads, status.conflicts) == (3, 3, 1)
    assert (status.ahead, status.behind) == (1, 1)
    files = laptop.archive.files(laptop.archive.head())
    assert pending(laptop.archive, sync_states(laptop.archive, files)) == (3, 3)
    laptop.sync()
    status = sync_status(laptop.archive, "origin", str(hub))
    assert set(states(status).values()) == {"synced", "conflict"}
    assert (status.pending_uploads, status.pending_downloads, status.ahead, status.behind) == (0, 0, 0, 0)
    assert not status.is_fully_synced, "a decision waits"
    put(laptop.archive, *(forgotten(laptop.session(name)) for name in ("waiting", "both")))
    laptop.sync()
    assert sync_status(laptop.archive, "origin", str(hub)).is_fully_synced


def test_how_it_went_the_last_time(tmp_path, hub):
    laptop = Machine("laptop", tmp_path, hub)
    put(laptop.archive, new_session("s-1", "one"))
    assert sync_status(laptop.archive, "origin").mode == "offline", "never reached"
    laptop.sync()
    status = sync_status(laptop.archive, "origin")
    assert (status.mode, status.error) == ("online", None) and status.last_sync.endswith("Z")
    moved = hub.rename(tmp_path / "elsewhere.git")
    with pytest.raises(Unreachable):
        laptop.sync()
    gone = sync_status(laptop.archive, "origin")
    assert (gone.mode, gone.last_sync) == ("offline", status.last_sync) and "is not there" in gone.error
    moved.rename(hub)
    hook = hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    put(laptop.archive, new_session("s-2", "two"))
    with pytest.raises(RemoteFailed):
        laptop.sync()
    refused = sync_status(laptop.archive, "origin")
    assert refused.mode == "error" and "pre-receive" in refused.error
    assert (refused.pending_uploads, states(refused)["s-2"]) == (1, "unsynced")


def test_a_sync_under_way_is_seen(tmp_path, hub):
    laptop = Machine("laptop", tmp_path, hub)
    put(laptop.archive, new_session("s-1", "one"))
    laptop.sync()
    lock = ProcessLock(laptop.archive.state_dir / syncstate.LOCK)
    lock.acquire(1)
    assert sync_status(laptop.archive, "origin").mode == "syncing"
    lock.release()
    assert sync_status(laptop.archive, "origin").mode == "online"


def test_clocks_that_are_years_apart_change_nothing(tmp_path, hub, monkeypatch):
    import time

    laptop, desktop = (Machine(name, tmp_path, hub) for name in ("laptop", "desktop"))
    really = time.time
    years = {laptop: -20, desktop: 15}

    def at(machine):
        monkeypatch.setattr(time, "time", lambda: really() + years[machine] * 31_556_952)
        return machine

    put(at(laptop).archive, new_session("s-1", "one", "two"))
    laptop.sync()
    at(desktop).sync()
    edited = desktop.session("s-1")
    edited.messages[0].content = "edited first, by a clock ahead"
    put(desktop.archive, edited)
    desktop.sync()
    put(at(laptop).archive, say(new_session("s-1", "one", "two"), "said later, by a clock behind"))
    laptop.sync()
    at(desktop).sync()
    assert desktop.texts("s-1") == ["edited first, by a clock ahead", "two", "said later, by a clock behind"]
    stamps = [int(line) for line in git(desktop.archive, "log", "--format=%ct").split("\n")]
    assert max(stamps) - min(stamps) > 30 * 31_000_000, "the commits say so"
    monkeypatch.undo()
    until_quiet([laptop, desktop])
    assert path(edited) in laptop.files()
