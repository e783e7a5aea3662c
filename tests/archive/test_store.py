"""The archive as a store of sessions, for programs and for event loops."""

import asyncio

import pytest

from chasm_git.api import Archive
from chasm_git.archive.archivestore import ArchiveStore
from chasm_git.archive.naming import NoSuchSession
from tests.archive.machines import Machine, bare, until_quiet
from tests.archive.making import assert_whole, git, new_session, put, say


@pytest.fixture
def machine(tmp_path):
    return Machine("laptop", tmp_path)


@pytest.fixture
def store(machine):
    return ArchiveStore(machine.archive)


def test_saved_loaded_listed_and_deleted(machine, store):
    first, second = new_session("s-1", "one", title="First"), say(new_session("s-2"), "two", "more")
    for session in (first, second):
        store.save(session)
    assert store.load("s-1") == first and store.exists("s-2") and not store.exists("s-3")
    assert [(meta.id, meta.name, meta.turn_count, meta.sync_state) for meta in store.list()] == [
        ("s-2", "two", 2, "local-only"),
        ("s-1", "First", 1, "local-only"),
    ]
    store.delete("s-1")
    assert not store.exists("s-1") and [meta.id for meta in store.list()] == ["s-2"]
    for gone in ("s-1", "s-3", "s"):
        with pytest.raises(NoSuchSession):
            store.load(gone)
    store.save(new_session("s-22"))
    assert not store.exists("s") and store.load("s-2") == second, "ids are whole ids"
    with pytest.raises(NoSuchSession):
        store.delete("s-3")
    assert_whole(machine.archive)


def test_every_change_is_a_commit_and_no_change_is_none(machine, store):
    before = int(git(machine.archive, "rev-list", "--count", "HEAD"))
    session = new_session("s-1", "one")
    for wanted in (session, session, say(session, "two")):
        store.save(wanted)
    assert int(git(machine.archive, "rev-list", "--count", "HEAD")) == before + 2
    assert git(machine.archive, "log", "-1", "--format=%s") == "save: s-1"


def test_what_is_deleted_here_does_not_come_back_from_elsewhere(tmp_path):
    hub = bare(tmp_path / "hub.git")
    laptop, desktop = (Machine(name, tmp_path, hub) for name in ("laptop", "desktop"))
    session = new_session("s-1", "one")
    put(laptop.archive, session)
    until_quiet([laptop, desktop])
    ArchiveStore(laptop.archive).delete("s-1")
    put(desktop.archive, say(session, "went on"))
    until_quiet([laptop, desktop])
    for machine in (laptop, desktop):
        store = ArchiveStore(machine.archive)
        assert not store.exists("s-1") and store.list() == []
        assert all(message.deleted for message in machine.session("s-1").messages)


def test_how_it_stands_to_the_remote(tmp_path):
    hub = bare(tmp_path / "hub.git")
    machine = Machine("laptop", tmp_path, hub)
    store = ArchiveStore(machine.archive)
    store.save(new_session("s-1", "one"))
    assert [meta.sync_state for meta in store.list()] == ["unsynced"]
    machine.sync()
    assert store.sync_status().is_fully_synced and store.list()[0].sync_state == "synced"
    store.save(new_session("s-1", "one", "two"))
    status = store.sync_status()
    assert (status.mode, status.pending_uploads, store.list()[0].sync_state) == ("online", 1, "local-ahead")


def test_from_an_event_loop_one_at_a_time(machine):
    with Archive(machine.archive) as archive:
        store = archive.async_store()

        async def many():
            await asyncio.gather(*(store.save(new_session(f"s-{number}", "one")) for number in range(8)))
            assert await store.exists("s-3")
            assert (await store.load("s-3")).id == "s-3"
            await store.delete("s-3")
            status = await store.sync_status()
            return sorted(meta.id for meta in await store.list()), status.mode

        listed, mode = asyncio.run(many())
        assert listed == [f"s-{number}" for number in range(8) if number != 3] and mode == "offline"
        with pytest.raises(NoSuchSession):
            asyncio.run(store.load("s-3"))
    assert_whole(machine.archive)
