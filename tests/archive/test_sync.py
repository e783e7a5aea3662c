"""Sync between clones that share a bare remote: everything arrives, nothing is lost, nobody is asked."""

import json
import shutil

import pytest

from chasm_git.archive.plumbing import refs
from chasm_git.archive.plumbing.locks import ArchiveLocked, ProcessLock
from chasm_git.archive.repo import open_archive
from chasm_git.archive.snapshot import take
from chasm_git.archive.syncing import remote, syncstate
from chasm_git.archive.syncing.exchange import RemoteFailed, Unreachable
from chasm_git.archive.syncing.mergefiles import Clash
from chasm_git.archive.syncing.mergetrees import Change
from chasm_git.archive.syncing.remote import NoRemote
from chasm_git.archive.syncing.sync import Behind, Overtaken
from chasm_git.errors import UsageError
from chasm_git.session.model import Message
from tests.archive.machines import Machine, bare, until_quiet
from tests.archive.making import assert_whole, git, new_session, path, put, say


@pytest.fixture
def hub(tmp_path):
    """An empty bare repository."""
    return bare(tmp_path / "hub.git")


@pytest.fixture
def laptop(tmp_path, hub):
    return Machine("laptop", tmp_path, hub)


@pytest.fixture
def desktop(tmp_path, hub):
    return Machine("desktop", tmp_path, hub)


@pytest.fixture
def server(tmp_path, hub):
    return Machine("server", tmp_path, hub, bare=True)


def answered(session, identity, text, after):
    """The session with a message of a machine's own behind another one."""
    grown = say(session)
    grown.messages.append(Message(identity, "user", "2026-02-04T00:00:00.000Z", text, after=after))
    return grown


def test_a_first_sync_fills_an_empty_remote(laptop, hub):
    session = new_session("s-1", "hello")
    put(laptop.archive, session)
    report = laptop.sync()
    assert report.tries == 1 and not report.received and report.notes == []
    assert Change(path(session), "added") in report.sent
    with open_archive(hub) as there:
        assert there.head() == laptop.archive.head() == report.after


def test_three_machines_come_to_hold_the_same(laptop, desktop, server):
    first = new_session("s-1", "hello", "there")
    put(laptop.archive, first)
    put(desktop.archive, new_session("s-2", "other"))
    until_quiet([laptop, desktop, server])
    put(laptop.archive, say(first, "from the laptop"))
    put(desktop.archive, answered(first, "d1", "from the desktop", after="m1"))
    put(server.archive, new_session("s-3", "from the server"), files={"notes.md": b"# notes\n"})
    until_quiet([laptop, desktop, server])
    assert sorted(server.texts("s-1")) == ["from the desktop", "from the laptop", "hello", "there"]
    assert server.files()["notes.md"] == b"# notes\n"
    assert (laptop.path / "notes.md").read_bytes() == b"# notes\n"


def test_nothing_new_is_nothing_done(laptop, desktop):
    put(laptop.archive, new_session("s-1", "hello"))
    until_quiet([laptop, desktop])
    head = laptop.archive.head()
    report = laptop.sync()
    assert (report.received, report.sent, report.merged) == ([], [], [])
    assert laptop.archive.head() == head


def test_news_of_one_side_alone_make_no_merge(laptop, desktop):
    put(laptop.archive, new_session("s-1", "hello"))
    until_quiet([laptop, desktop])
    new = put(laptop.archive, new_session("s-2", "more"))
    laptop.sync()
    report = desktop.sync()
    assert desktop.archive.head() == new
    assert report.received == [Change("sessions/codex/2026/02/s-2.yaml", "added")]


def test_whichever_side_merges_first_the_tree_is_the_same(tmp_path):
    trees = set()
    for order in (("laptop", "desktop"), ("desktop", "laptop")):
        folder = tmp_path / order[0]
        hub = bare(folder / "hub.git")
        machines = {name: Machine(name, folder, hub) for name in order}
        base = new_session("s-1", "hello", title="First")
        put(machines["laptop"].archive, base)
        until_quiet([machines["laptop"], machines["desktop"]])
        put(machines["laptop"].archive, say(base, "a"), files={"chasm.yaml": b"conflicts: auto\n", "n.md": b"one\n"})
        put(
            machines["desktop"].archive,
            answered(base, "z9", "b", after="m0"),
            files={"chasm.yaml": b"conflicts: keep-both\nother: 1\n", "n.md": b"two\n"},
        )
        until_quiet([machines[name] for name in order])
        trees.add(machines["laptop"].tree())
    assert len(trees) == 1


def test_edits_of_one_message_on_two_machines_are_both_kept_and_said(laptop, desktop):
    base = new_session("s-1", "hello", "there")
    put(laptop.archive, base)
    until_quiet([laptop, desktop])
    for machine, text in ((laptop, "mended here"), (desktop, "changed over there")):
        edited = say(base)
        edited.messages[0].content = text
        put(machine.archive, edited)
    assert laptop.sync().clashes == []
    report = desktop.sync()
    assert report.clashes == [Clash(path(base), "edit", "m0")]
    received = laptop.sync()
    assert received.clashes == [Clash(path(base), "waiting", "")]
    message = laptop.session("s-1").messages[0]
    assert {message.content, message.variants[0]["content"]} == {"mended here", "changed over there"}
    until_quiet([laptop, desktop])
    assert desktop.sync().clashes == []


def test_two_archives_made_apart_become_one(tmp_path, hub):
    laptop, desktop = Machine("laptop", tmp_path, hub), Machine("desktop", tmp_path, hub)
    git(desktop.archive, "commit", "-q", "--amend", "--reset-author", "-m", "a root of its own")
    put(laptop.archive, say(new_session("s-1", "hello"), "from the laptop"))
    put(desktop.archive, new_session("s-1", "hello"), new_session("s-2", "two"))
    laptop.sync()
    assert git(desktop.archive, "merge-base", "HEAD", laptop.archive.head(), ok=(1, 128)) == ""
    until_quiet([desktop, laptop])
    assert laptop.texts("s-1") == ["hello", "from the laptop"]
    assert laptop.texts("s-2") == ["two"]


def test_equal_trees_are_joined_by_one_and_the_same_commit(tmp_path, laptop, desktop):
    base = new_session("s-1", "hello")
    put(laptop.archive, base)
    until_quiet([laptop, desktop])
    for machine in (laptop, desktop):
        put(machine.archive, say(base, "the same news"), message=f"by {machine.name}")
    # each has the other for a remote: both merge at once, without a place to meet
    for machine, other in ((laptop, desktop), (desktop, laptop)):
        remote.add(machine.archive, "other", str(other.path))
    heads = {machine.archive.head() for machine in (laptop, desktop)}
    for machine in (laptop, desktop):
        git(machine.archive, "fetch", "-q", "other", "+refs/heads/main:refs/remotes/other/main")
    frozen = tmp_path / "frozen.git"
    git(desktop.archive, "clone", "-q", "--bare", str(desktop.path), str(frozen))
    remote.add(laptop.archive, "frozen", str(frozen))
    desktop.sync("other", push=False)
    laptop.sync("frozen", push=False)
    assert laptop.archive.head() == desktop.archive.head()
    assert set(laptop.archive.parents(laptop.archive.head())) == heads


def test_machines_without_a_place_to_meet_come_to_rest(laptop, desktop):
    put(laptop.archive, new_session("s-1", "one"))
    put(desktop.archive, new_session("s-2", "two"))
    for machine, other in ((laptop, desktop), (desktop, laptop)):
        remote.add(machine.archive, "other", str(other.path))
    for _ in range(3):
        laptop.sync("other", push=False)
        desktop.sync("other", push=False)
    assert laptop.archive.head() == desktop.archive.head()
    with pytest.raises(RemoteFailed, match="has a worktree that shows the branch"):
        put(laptop.archive, new_session("s-3", "three"))
        laptop.sync("other")


def test_a_machine_that_was_faster_is_merged_with_first(laptop, desktop, tmp_path):
    put(laptop.archive, new_session("s-1", "one"))
    until_quiet([laptop, desktop])
    put(laptop.archive, new_session("s-2", "two"))
    put(desktop.archive, new_session("s-3", "three"))
    # the other machine pushes after this one has fetched: a hook runs at just that moment, once
    hook = laptop.path / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    rival = desktop.path.as_posix()
    hook.write_text(f"#!/bin/sh\nrm -f '{hook}'\nunset GIT_DIR\ngit -C '{rival}' push -q origin main\n")
    hook.chmod(0o755)
    report = laptop.sync()
    assert report.tries == 2
    assert Change("sessions/codex/2026/02/s-3.yaml", "added") in report.received
    merges = git(laptop.archive, "rev-list", "--merges", "HEAD").splitlines()
    assert len(merges) == 1, "the merge that came too late is not part of the history"
    until_quiet([laptop, desktop])


def test_it_gives_up_after_so_many_tries_with_everything_merged(laptop, desktop):
    put(laptop.archive, new_session("s-1", "one"))
    until_quiet([laptop, desktop])
    put(laptop.archive, new_session("s-2", "two"))
    rival = desktop.path.as_posix()
    hook = laptop.path / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    identity = "-c user.name=a -c user.email=a@example.org"
    commit = f"git -C '{rival}' {identity} commit -q --allow-empty -m again"
    hook.write_text(f"#!/bin/sh\nunset GIT_DIR\n{commit} && git -C '{rival}' push -q origin main\n")
    hook.chmod(0o755)
    with pytest.raises(Overtaken, match="faster 3 times"):
        laptop.sync(tries=3)
    hook.unlink()
    assert laptop.texts("s-2") == ["two"]
    until_quiet([laptop, desktop])


def test_a_commit_made_here_during_the_sync_is_not_lost(laptop, desktop):
    put(laptop.archive, new_session("s-1", "one"))
    until_quiet([laptop, desktop])
    put(desktop.archive, new_session("s-2", "two"))
    desktop.sync()
    put(laptop.archive, new_session("s-3", "three"))
    hook = laptop.path / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    identity = "-c user.name=a -c user.email=a@example.org"
    hook.write_text(
        f"#!/bin/sh\nrm -f '{hook}'\nunset GIT_DIR\ncd '{laptop.path}'\n"
        f"git {identity} commit -q --allow-empty -m meanwhile\n"
    )
    hook.chmod(0o755)
    assert laptop.sync().tries == 2
    assert "meanwhile" in git(laptop.archive, "log", "--format=%s")
    until_quiet([laptop, desktop])


def test_edits_in_the_worktree_stay_and_are_merged_with_what_came(laptop, desktop):
    base = new_session("s-1", "hello", "there")
    put(laptop.archive, base, files={"notes.md": b"one\n"})
    until_quiet([laptop, desktop])
    put(laptop.archive, say(base, "news"), files={"notes.md": b"two\n"})
    laptop.sync()
    file = desktop.path / path(base)
    file.write_bytes(file.read_bytes().replace(b"hello", b"HELLO"))
    (desktop.path / "notes.md").write_bytes(b"mine\n")
    report = desktop.sync()
    assert [kept.path for kept in report.kept] == ["notes.md"]
    assert (desktop.path / "notes.md").read_bytes() == b"mine\n"
    text = file.read_text()
    assert "HELLO" in text and "news" in text
    assert desktop.texts("s-1") == ["hello", "there", "news"]
    assert git(desktop.archive, "status", "--porcelain").split() == ["M", "notes.md", "M", path(base)]


def test_a_dry_run_says_it_and_changes_nothing(laptop, desktop, hub):
    base = new_session("s-1", "hello")
    put(laptop.archive, base)
    until_quiet([laptop, desktop])
    put(laptop.archive, say(base, "a"))
    laptop.sync()
    put(desktop.archive, say(base, "b"), new_session("s-2", "two"))
    before = desktop.archive.head(), refs.list_refs(desktop.archive, "refs/heads/")
    state = (desktop.archive.state_dir / "sync.json").read_bytes()
    report = desktop.sync(dry_run=True)
    assert report.merged == [path(base)]
    assert Change("sessions/codex/2026/02/s-2.yaml", "added") in report.sent
    assert before == (desktop.archive.head(), refs.list_refs(desktop.archive, "refs/heads/"))
    assert state == (desktop.archive.state_dir / "sync.json").read_bytes()
    assert_whole(desktop.archive)
    with open_archive(hub) as there:
        assert there.head() == laptop.archive.head()
    assert not [file for file in desktop.archive.scratch.iterdir() if not file.name.startswith("lock-")]


def test_snapshots_travel_and_never_move(laptop, desktop):
    put(laptop.archive, new_session("s-1", "hello"))
    take(laptop.archive, "before-holidays")
    assert laptop.sync().snapshots_sent == ["before-holidays"]
    assert desktop.sync().snapshots_received == ["before-holidays"]
    mine = put(desktop.archive, new_session("s-2", "two"))
    git(desktop.archive, "tag", "-f", "before-holidays", mine)
    report = desktop.sync()
    assert ["before-holidays is another one there" in note for note in report.notes] == [True]
    laptop.sync()
    assert git(laptop.archive, "rev-parse", "before-holidays^{commit}") != mine
    assert git(desktop.archive, "rev-parse", "before-holidays^{commit}") == mine


def provider_commit(machine, *sessions):
    """What a harvest leaves in a provider's ref."""
    made = put_apart(machine.archive, sessions)
    name = f"refs/chasm/providers/{machine.name}/codex"
    refs.update_refs(machine.archive, {name: (refs.read_ref(machine.archive, name), made)}, "harvest")
    return made


def put_apart(archive, sessions):
    from chasm_git.archive.commit import Writer, commit
    from chasm_git.archive.plumbing.trees import write_tree
    from chasm_git.session.codec import dumps

    with Writer(archive) as writer:
        changes = {path(session): writer.add("blob", dumps(session)) for session in sessions}
        tree = write_tree(archive, None, changes, writer)
        return commit(archive, tree=tree, parents=[], message="read", sink=writer)


def test_provider_refs_are_kept_by_every_machine(laptop, desktop):
    put(laptop.archive, new_session("s-1", "hello"))
    made = provider_commit(laptop, new_session("s-1", "hello"))
    laptop.sync()
    desktop.sync()
    assert refs.read_ref(desktop.archive, "refs/chasm/providers/laptop/codex") == made


def test_a_machine_that_lost_everything_gets_its_provider_refs_back(laptop, tmp_path, hub):
    put(laptop.archive, new_session("s-1", "hello"))
    made = provider_commit(laptop, new_session("s-1", "hello"))
    laptop.sync()
    laptop.archive.close()
    shutil.rmtree(laptop.path)
    anew = Machine("laptop", tmp_path, hub)
    anew.sync()
    assert refs.read_ref(anew.archive, "refs/chasm/providers/laptop/codex") == made


def test_two_machines_of_one_name_do_not_block_each_other(tmp_path, hub):
    one, other = (Machine("host", tmp_path / folder, hub) for folder in ("one", "other"))
    mine = provider_commit(one, new_session("s-1", "one"))
    put(one.archive, new_session("s-1", "one"))
    one.sync()
    its = provider_commit(other, new_session("s-2", "two"))
    put(other.archive, new_session("s-2", "two"))
    report = other.sync()
    assert ["another machine is called host" in note for note in report.notes] == [True]
    with open_archive(hub) as there:
        tip = refs.read_ref(there, "refs/chasm/providers/host/codex")
        assert set(there.parents(tip)) == {mine, its}
        assert there.tree_id(tip) == there.tree_id(its)
    name = "refs/chasm/providers/host/codex"
    assert refs.read_ref(other.archive, name) == its and refs.read_ref(one.archive, name) == mine
    assert other.sync().notes == [] and one.sync().notes == []


def test_a_drive_that_is_not_there_is_said_and_nothing_changes(laptop, hub):
    put(laptop.archive, new_session("s-1", "hello"))
    laptop.sync()
    head = put(laptop.archive, new_session("s-2", "two"))
    hub.rename(hub.with_name("elsewhere"))
    with pytest.raises(Unreachable, match="is not there; is its drive connected"):
        laptop.sync()
    assert laptop.archive.head() == head
    assert syncstate.known(laptop.archive, "origin").mode == "offline"
    hub.with_name("elsewhere").rename(hub)
    laptop.sync()
    assert syncstate.known(laptop.archive, "origin").mode == "online"


def test_push_alone_never_merges_and_pull_alone_never_sends(laptop, desktop, hub):
    put(laptop.archive, new_session("s-1", "one"))
    laptop.sync(pull=False)
    head = put(desktop.archive, new_session("s-2", "two"))
    with pytest.raises(Behind, match="has commits that are not here"):
        desktop.sync(pull=False)
    assert desktop.archive.head() == head
    report = desktop.sync(push=False)
    assert report.sent == [] and desktop.texts("s-1") == ["one"]
    with open_archive(hub) as there:
        assert there.head() == laptop.archive.head()
    desktop.sync(pull=False)
    with open_archive(hub) as there:
        assert there.head() == desktop.archive.head()


def test_a_remote_that_refuses_the_push_leaves_the_merge_here(laptop, desktop, hub):
    put(laptop.archive, new_session("s-1", "one"))
    until_quiet([laptop, desktop])
    put(desktop.archive, new_session("s-2", "two"))
    desktop.sync()
    put(laptop.archive, new_session("s-3", "three"))
    hook = hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'quota exceeded' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RemoteFailed, match=r"pre-receive hook declined.*merged here, the next sync sends it"):
        laptop.sync()
    assert laptop.texts("s-2") == ["two"]
    assert_whole(laptop.archive)
    hook.unlink()
    until_quiet([laptop, desktop])


def test_refs_a_forge_does_not_take_do_not_hold_the_branch_back(laptop, hub):
    hook = hub / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase "$1" in refs/chasm/*) exit 1 ;; esac\n')
    hook.chmod(0o755)
    put(laptop.archive, new_session("s-1", "one"))
    provider_commit(laptop, new_session("s-1", "one"))
    report = laptop.sync()
    assert ["does not take refs/chasm/providers/laptop/codex" in note for note in report.notes] == [True]
    with open_archive(hub) as there:
        assert there.head() == laptop.archive.head()


def test_another_sync_on_the_same_archive_is_waited_for(laptop):
    lock = ProcessLock(laptop.archive.state_dir / syncstate.LOCK)
    lock.acquire(0)
    assert syncstate.is_syncing(laptop.archive)
    with pytest.raises(ArchiveLocked):
        laptop.sync(wait=0.1)
    lock.release()
    assert not syncstate.is_syncing(laptop.archive)
    laptop.sync()


def test_which_remote(tmp_path, hub):
    machine = Machine("laptop", tmp_path)
    with pytest.raises(NoRemote, match="no remote yet"):
        machine.sync()
    remote.add(machine.archive, "nas", str(hub))
    assert remote.choose(machine.archive).name == "nas"
    remote.add(machine.archive, "usb", str(bare(tmp_path / "usb.git")))
    with pytest.raises(UsageError, match="several remotes, say which one: nas, usb"):
        machine.sync()
    with pytest.raises(NoRemote, match="no remote 'tape'"):
        machine.sync("tape")
    assert machine.sync(str(hub)).remote == "nas", "a URL is as good as the name"
    assert machine.sync().remote == "nas", "git's own choice from now on"


def test_one_archive_and_two_remotes(tmp_path, laptop, desktop, hub):
    usb = bare(tmp_path / "usb.git")
    for machine in (laptop, desktop):
        remote.add(machine.archive, "usb", str(usb))
    put(laptop.archive, new_session("s-1", "one"))
    put(desktop.archive, new_session("s-2", "two"))
    for _ in range(3):
        for machine in (laptop, desktop):
            for name in ("origin", "usb"):
                machine.sync(name)
    assert laptop.archive.head() == desktop.archive.head()
    with open_archive(hub) as one, open_archive(usb) as other:
        assert one.head() == other.head() == laptop.archive.head()


def test_an_unknown_strategy_in_the_settings_is_said_and_the_default_taken(laptop, desktop):
    base = new_session("s-1", "hello")
    put(laptop.archive, base, files={"chasm.yaml": b"conflicts: coin\n"})
    until_quiet([laptop, desktop])
    put(laptop.archive, say(base, "a"))
    laptop.sync()
    put(desktop.archive, say(base, "b"))
    assert ["no strategy 'coin'" in note for note in desktop.sync().notes] == [True]
    with pytest.raises(UsageError, match="no strategy 'coin'"):
        desktop.sync(strategy="coin")


def test_a_damaged_memory_of_syncs_is_no_memory(laptop):
    put(laptop.archive, new_session("s-1", "hello"))
    laptop.sync()
    memory = laptop.archive.state_dir / "sync.json"
    assert json.loads(memory.read_bytes())["origin"]["mode"] == "online"
    for damaged in (b"", b"[1]", b'{"origin": {"mood": 1}}', b"\xff"):
        memory.write_bytes(damaged)
        assert syncstate.known(laptop.archive, "origin").synced is None
        laptop.sync()
        assert syncstate.known(laptop.archive, "origin").synced is not None


def test_an_archive_inside_a_project_syncs_its_branch_alone(tmp_path):
    hub = bare(tmp_path / "project.git")
    machines = []
    for name in ("laptop", "desktop"):
        top = tmp_path / name
        top.mkdir()
        machine = Machine.__new__(Machine)
        machine.name, machine.path = name, top
        if machines:
            git(machines[0].archive, "clone", "-q", str(hub), str(top))
        else:
            from chasm_git.archive.repo import init_archive

            (top / "app.py").write_text("print()\n")
            import subprocess

            who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]
            for command in (["init", "-q", "-b", "main"], ["add", "."], [*who, "commit", "-qm", "app"], ["tag", "v1"]):
                subprocess.run(["git", *command], cwd=top, check=True)
            subprocess.run(["git", "remote", "add", "origin", str(hub)], cwd=top, check=True)
            subprocess.run(["git", "push", "-q", "origin", "main", "v1"], cwd=top, check=True)
        from chasm_git.archive.repo import init_archive

        init_archive(top, project=top).close()
        machine.archive = open_archive(top)
        put(machine.archive, new_session(f"s-{name}", name))
        if not machines:
            take(machine.archive, "first")
            git(machine.archive, "tag", "-m", "a release", "v2", "main")
        machine.sync()
        machines.append(machine)
    until_quiet(machines)
    laptop, desktop = machines
    assert desktop.texts("s-laptop") == ["laptop"]
    assert git(desktop.archive, "tag").split() == ["first", "v1"], "the project's releases are its own business"
    assert git(laptop.archive, "ls-remote", "--tags", "origin").count("v2") == 0
    assert git(desktop.archive, "rev-parse", "main") == git(laptop.archive, "rev-parse", "main")
    assert (desktop.path / "app.py").exists() and not (desktop.path / "sessions").exists()
