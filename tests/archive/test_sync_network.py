"""Sync over real protocols, with servers that die, hang, refuse, forget and lose their history."""

import random
import subprocess
import threading
import time

import pytest

from chasm_git.archive.plumbing import refs
from chasm_git.archive.repo import open_archive
from chasm_git.archive.syncing import remote, syncstate
from chasm_git.archive.syncing.exchange import Denied, RemoteFailed, Unreachable
from chasm_git.errors import UsageError
from chasm_git.session.attachments import store_base64
from tests.archive.machines import Machine, bare, until_quiet
from tests.archive.making import assert_whole, git, new_session, put, say
from tests.archive.serving import Line, git_daemon, git_http, hanging, processes_of, unused_port


@pytest.fixture
def served(tmp_path):
    """A folder of bare repositories, with one in it."""
    folder = tmp_path / "served"
    folder.mkdir()
    bare(folder / "hub.git")
    return folder


def bulky(identity, size, seed):
    """A session with a large attachment that no compression makes smaller."""
    import base64

    found = {}
    data = random.Random(seed).randbytes(size)
    session = new_session(identity, "see this")
    shown = store_base64(base64.b64encode(data).decode(), "image/png", found)
    session.messages[0].content = [{"type": "image", "media_type": "image/png", "data": shown}]
    return session, found


def test_over_gits_own_protocol(tmp_path, served):
    with git_daemon(served) as daemon:
        laptop, desktop = (Machine(name, tmp_path, f"{daemon.url}/hub.git") for name in ("laptop", "desktop"))
        session, found = bulky("s-1", 300_000, 1)
        put(laptop.archive, session, attachments=found)
        put(desktop.archive, new_session("s-2", "two"))
        until_quiet([laptop, desktop])
        assert set(desktop.files()) == set(laptop.files())


def test_over_http_with_a_password_from_a_credential_helper(tmp_path, served):
    with git_http(served, password="secret") as url:
        machines = [Machine(name, tmp_path, f"{url}/hub.git") for name in ("laptop", "desktop")]
        laptop, desktop = machines
        session, found = bulky("s-1", 2_000_000, 2)
        put(laptop.archive, session, attachments=found)
        put(desktop.archive, new_session("s-2", "two"))
        started = time.monotonic()
        with pytest.raises(Denied, match="does not let us in"):
            laptop.sync()
        assert time.monotonic() - started < 20, "nobody was asked, so nobody was waited for"
        assert syncstate.known(laptop.archive, "origin").mode == "error"
        helper = "!f() { echo username=ana; echo password=secret; }; f"
        for machine in machines:
            git(machine.archive, "config", "credential.helper", helper)
        until_quiet(machines)
        assert set(desktop.files()) == set(laptop.files())


def test_wrong_credentials_fail_at_once_and_open_no_window(tmp_path, served, monkeypatch):
    """Where nobody is there to answer, no program is asked to ask: not git's, not ssh's, not a desktop's."""
    asked = tmp_path / "asked"
    window = tmp_path / "window"
    window.write_text(f'#!/bin/sh\ntouch "{asked}"\nsleep 60\n')
    window.chmod(0o755)
    monkeypatch.setenv("SSH_ASKPASS", str(window))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("DISPLAY", ":0")
    with git_http(served, password="secret") as url:
        machine = Machine("laptop", tmp_path, f"{url}/hub.git")
        put(machine.archive, new_session("s-1", "one"))
        head = machine.archive.head()
        git(machine.archive, "config", "core.askPass", str(window))
        for helper in ("", "!f() { echo username=ana; echo password=old; }; f"):
            git(machine.archive, "config", "credential.helper", helper)
            started = time.monotonic()
            with pytest.raises(Denied, match="does not let us in"):
                machine.sync()
            assert time.monotonic() - started < 20
        assert not asked.exists()
        assert machine.archive.head() == head
        assert_whole(machine.archive)


def test_a_password_in_the_url_is_shown_nowhere(tmp_path, served):
    with git_http(served, password="secret") as url:
        place = f"{url}/hub.git".replace("://", "://ana:wrong@")
        machine = Machine("laptop", tmp_path, place)
        with pytest.raises(Denied) as caught:
            machine.sync()
        assert "wrong" not in str(caught.value) and "wrong" not in str(remote.choose(machine.archive).shown)
        assert "wrong" not in (machine.archive.state_dir / "sync.json").read_text()


def test_a_server_that_is_down_and_one_that_does_not_exist(tmp_path):
    machine = Machine("laptop", tmp_path)
    head = put(machine.archive, new_session("s-1", "one"))
    places = {
        "down": f"git://127.0.0.1:{unused_port()}/hub.git",
        "web": f"http://127.0.0.1:{unused_port()}/hub.git",
        "nowhere": "http://no-such-host.invalid/hub.git",
    }
    for name, url in places.items():
        remote.add(machine.archive, name, url)
        with pytest.raises(Unreachable, match="cannot be reached"):
            machine.sync(name)
        assert syncstate.known(machine.archive, name).mode == "offline"
    assert machine.archive.head() == head


@pytest.mark.parametrize("scheme", ["git", "http"])
def test_a_server_that_says_nothing_is_given_up(tmp_path, scheme):
    machine = Machine("laptop", tmp_path)
    put(machine.archive, new_session("s-1", "one"))
    with hanging() as port:
        remote.add(machine.archive, "origin", f"{scheme}://127.0.0.1:{port}/hub.git")
        started = time.monotonic()
        with pytest.raises(Unreachable, match="does not answer: nothing was heard of it for 1 seconds"):
            machine.sync(patience=1.0)
        assert time.monotonic() - started < 15
    assert not processes_of(port), "git was ended, and what it started"
    assert_whole(machine.archive)


@pytest.mark.parametrize("dead", [False, True])
def test_a_line_that_breaks_anywhere_loses_nothing(tmp_path, served, dead):
    seed = 11 + dead
    chance = random.Random(seed)
    with git_daemon(served) as daemon:
        line = Line(daemon.port, dead=dead)
        laptop = Machine("laptop", tmp_path, f"git://127.0.0.1:{line.port}/hub.git")
        desktop = Machine("desktop", tmp_path, f"{daemon.url}/hub.git")
        broken = 0
        for number in range(4 if dead else 14):
            mine, its = (bulky(f"s-{name}-{number}", 60_000, number) for name in ("laptop", "desktop"))
            put(laptop.archive, mine[0], attachments=mine[1])
            put(desktop.archive, its[0], attachments=its[1])
            desktop.sync()
            line.left = chance.choice([chance.randrange(2000), chance.randrange(140_000)])
            try:
                laptop.sync(patience=1.0 if dead else None)
            except Unreachable:
                broken += 1
            line.left = None
            assert_whole(laptop.archive)
            assert not [*laptop.archive.git_dir.glob("refs/**/*.lock"), *laptop.archive.git_dir.glob("*.lock")]
        assert broken > 1
        until_quiet([laptop, desktop])
        assert len([name for name in desktop.files() if name.startswith("sessions/")]) == 2 * (4 if dead else 14)
        git(laptop.archive, "--git-dir", str(served / "hub.git"), "fsck", "--strict")
        line.close()


def test_a_server_that_is_killed_while_it_takes_a_push(tmp_path, served):
    """The processes die in mid-transfer, as in a power cut of the server."""
    laptop = Machine("laptop", tmp_path)
    session, found = bulky("s-1", 3_000_000, 5)
    put(laptop.archive, session, attachments=found)
    for delay in (0.05, 0.15, 0.3):
        with git_daemon(served) as daemon:
            git(laptop.archive, "config", "remote.origin.url", f"{daemon.url}/hub.git")
            timer = threading.Timer(delay, daemon.kill)
            timer.start()
            try:
                laptop.sync()
            except (Unreachable, RemoteFailed):
                assert_whole(laptop.archive)
            timer.join()
    with git_daemon(served) as daemon:
        git(laptop.archive, "config", "remote.origin.url", f"{daemon.url}/hub.git")
        laptop.sync()
        desktop = Machine("desktop", tmp_path, f"{daemon.url}/hub.git")
        until_quiet([laptop, desktop])


def test_a_remote_that_was_set_back_gets_everything_again(tmp_path, served):
    hub = served / "hub.git"
    laptop, desktop = (Machine(name, tmp_path, hub) for name in ("laptop", "desktop"))
    put(laptop.archive, new_session("s-1", "one"))
    until_quiet([laptop, desktop])
    early = laptop.archive.head()
    put(laptop.archive, new_session("s-2", "two"))
    until_quiet([laptop, desktop])
    git(laptop.archive, "--git-dir", str(hub), "update-ref", "refs/heads/main", early)
    report = desktop.sync()
    assert ["origin was set back or rewritten" in note for note in report.notes] == [True]
    with open_archive(hub) as there:
        assert there.head() == desktop.archive.head()
    assert laptop.sync().notes == []
    until_quiet([laptop, desktop])
    assert laptop.texts("s-2") == ["two"]


def test_a_remote_whose_history_was_rewritten_is_merged_and_said(tmp_path, served):
    hub = served / "hub.git"
    laptop, desktop = (Machine(name, tmp_path, hub) for name in ("laptop", "desktop"))
    put(laptop.archive, new_session("s-1", "one"))
    put(laptop.archive, new_session("s-2", "two"))
    until_quiet([laptop, desktop])
    other = tmp_path / "other"
    git(laptop.archive, "clone", "-q", str(hub), str(other))
    git(laptop.archive, "-C", str(other), "rm", "-q", "-r", "sessions/codex/2026/02/s-2.yaml")
    git(laptop.archive, "-C", str(other), "commit", "-q", "--amend", "--allow-empty", "-m", "rewritten")
    git(laptop.archive, "-C", str(other), "push", "-q", "--force")
    # somebody looked with plain git meanwhile; what this clone saw last is remembered elsewhere, too
    git(desktop.archive, "fetch", "-q", "origin")
    report = desktop.sync()
    assert ["was set back or rewritten" in note for note in report.notes] == [True]
    until_quiet([laptop, desktop])
    assert laptop.texts("s-2") == ["two"] and laptop.texts("s-1") == ["one"]


def test_a_remote_that_was_emptied_is_filled_again_and_said(tmp_path, served):
    import shutil

    hub = served / "hub.git"
    laptop = Machine("laptop", tmp_path, hub)
    put(laptop.archive, new_session("s-1", "one"))
    laptop.sync()
    shutil.rmtree(hub)
    bare(hub)
    report = laptop.sync()
    assert ["origin is empty now" in note for note in report.notes] == [True]
    with open_archive(hub) as there:
        assert there.head() == laptop.archive.head()


@pytest.mark.parametrize("branch", ["main", "master"])
def test_a_remote_that_is_something_else_is_left_alone(tmp_path, branch):
    project = tmp_path / "project"
    project.mkdir()
    who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]
    (project / "README").write_text("a project\n")
    for command in (["init", "-q", "-b", branch], ["add", "."], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=project, check=True)
    laptop = Machine("laptop", tmp_path, project / ".git")
    head = put(laptop.archive, new_session("s-1", "one"))
    with pytest.raises(RemoteFailed, match="is not an archive"):
        laptop.sync()
    assert laptop.archive.head() == head
    heads = subprocess.run(["git", "branch"], cwd=project, capture_output=True, text=True, check=True).stdout
    assert heads.split() == ["*", branch]


def test_a_remote_that_is_no_repository(tmp_path):
    (tmp_path / "folder").mkdir()
    laptop = Machine("laptop", tmp_path, tmp_path / "folder")
    with pytest.raises(RemoteFailed, match="does not appear to be a git repository"):
        laptop.sync()


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c 'touch /tmp/pwned'",
        "fd::17",
        "transport::address",
        "-oProxyCommand=touch",
        "ssh://-oProxyCommand=touch/x",
        "ana@-oProxyCommand=touch:x",
        "ftp://example.org/hub.git",
        "javascript://x",
        "",
        "a\nb",
        "a\0b",
    ],
)
def test_urls_that_would_start_a_program_are_refused(tmp_path, url):
    machine = Machine("laptop", tmp_path)
    with pytest.raises(UsageError):
        remote.add(machine.archive, "origin", url)
    if "\0" not in url and "\n" not in url and url and not url.startswith("-"):
        git(machine.archive, "config", "remote.origin.url", url)
        with pytest.raises(UsageError):
            machine.sync()


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/hub.git",
        "http://example.org/hub.git",
        "ssh://ana@example.org:22/hub.git",
        "ana@example.org:hub.git",
        "nas:backup/hub.git",
        "[::1]:hub.git",
        "git://example.org/hub.git",
        "file:///srv/hub.git",
        "/srv/hub.git",
        "C:\\backup\\hub.git",
    ],
)
def test_urls_that_are_taken(tmp_path, url):
    remote.check_url(url)


def test_remotes_are_added_listed_and_removed(tmp_path, monkeypatch):
    machine = Machine("laptop", tmp_path)
    (tmp_path / "here").mkdir()
    hub = bare(tmp_path / "here" / "hub.git")
    monkeypatch.chdir(tmp_path / "here")
    assert remote.add(machine.archive, "origin", "hub.git").url == str(hub), "a path is kept as an absolute one"
    remote.add(machine.archive, "nas", "ana@nas.example.org:hub.git")
    assert [one.name for one in remote.listed(machine.archive)] == ["nas", "origin"]
    for name in ("a b", "-x", "", "x..y", "x.lock", "a/b", "é"):
        with pytest.raises(UsageError):
            remote.add(machine.archive, name, str(hub))
    from chasm_git.errors import ChasmError

    with pytest.raises(ChasmError, match="there is a remote origin already"):
        remote.add(machine.archive, "origin", "/elsewhere")
    put(machine.archive, say(new_session("s-1", "one")))
    git(machine.archive, "tag", "v1")
    machine.sync("origin")
    assert refs.list_refs(machine.archive, "refs/chasm/remotes/origin/")
    remote.remove(machine.archive, "origin")
    assert not refs.list_refs(machine.archive, "refs/chasm/remotes/") and not refs.list_refs(
        machine.archive, "refs/remotes/"
    )
    with pytest.raises(remote.NoRemote):
        remote.remove(machine.archive, "origin")


def test_ssh_is_told_to_ask_nobody_and_a_persons_own_options_stay(tmp_path, monkeypatch):
    """A stand-in for ssh writes down how it was called."""
    said = tmp_path / "said"
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{said}"\nexit 255\n')
    ssh.chmod(0o755)
    machine = Machine("laptop", tmp_path, "ana@example.org:hub.git")
    put(machine.archive, new_session("s-1", "one"))
    monkeypatch.setenv("GIT_SSH_COMMAND", f"{ssh} -i /home/ana/key")
    with pytest.raises((Unreachable, RemoteFailed, Denied)):
        machine.sync()
    words = said.read_text().split("\n")
    assert words[:2] == ["-i", "/home/ana/key"] and "BatchMode=yes" in words and "ConnectTimeout=30" in words
    monkeypatch.delenv("GIT_SSH_COMMAND")
    git(machine.archive, "config", "core.sshCommand", f"{ssh} -v")
    with pytest.raises((Unreachable, RemoteFailed, Denied)):
        machine.sync()
    words = said.read_text().split("\n")
    assert words[0] == "-v" and "BatchMode=yes" in words
