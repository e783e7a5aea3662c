"""Syncs that end in the middle of a word: the server leaves, git's helper dies, somebody ends us."""

import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from chasm_git.archive.plumbing.git import Result
from chasm_git.archive.syncing import remote
from chasm_git.archive.syncing.exchange import RemoteFailed, Unreachable, trouble
from tests.archive.machines import Machine, assert_unlocked
from tests.archive.making import assert_whole, git, new_session, put
from tests.archive.serving import hanging, processes_of


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs signals")
def test_whoever_ends_a_sync_ends_its_git(tmp_path):
    machine = Machine("laptop", tmp_path)
    put(machine.archive, new_session("s-1", "one"))
    with hanging() as port:
        remote.add(machine.archive, "origin", f"http://127.0.0.1:{port}/hub.git")
        command = [sys.executable, "-m", "chasm_git", "-C", str(machine.path), "sync"]
        syncing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not processes_of(port):
            assert syncing.poll() is None
            time.sleep(0.02)
        syncing.terminate()
        assert syncing.wait(20) == 128 + signal.SIGTERM
        assert not processes_of(port)
    assert_whole(machine.archive)
    assert_unlocked(machine.archive)


@pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="needs a last word and a goodbye in one packet")
def test_a_server_that_leaves_in_the_middle_of_a_word_counts_as_not_there(tmp_path):
    """git is still writing then, and ends by a signal without a word."""
    machine = Machine("laptop", tmp_path)
    put(machine.archive, new_session("s-1", "one"))
    words = [b"version 2\n", b"ls-refs=unborn\n", b"fetch=shallow\n", b"object-format=sha1\n"]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def leave():
            for _ in range(2):
                with server.accept()[0] as connection:
                    connection.recv(4096)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                    connection.sendall(b"".join(b"%04x%s" % (len(word) + 4, word) for word in words) + b"0000")

        thread = threading.Thread(target=leave, daemon=True)
        thread.start()
        url = f"git://127.0.0.1:{server.getsockname()[1]}/hub.git"
        git(machine.archive, "ls-remote", url, ok=(-signal.SIGPIPE, 128))  # or it reads before it writes
        remote.add(machine.archive, "origin", url)
        with pytest.raises(Unreachable, match="cannot be reached"):
            machine.sync()
        thread.join()
    assert_whole(machine.archive)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (-13, "", Unreachable),  # it wrote when nobody listened any more
        (128, "remote: Counting objects: 3, done.\n", Unreachable),  # its helper did
        (128, "fatal: no such thing\n", RemoteFailed),
        (-9, "", RemoteFailed),  # somebody ended it: that says nothing about the line
    ],
)
def test_what_git_says_when_a_line_breaks_under_its_hands(tmp_path, status, said, kind):
    for url, expected in (("https://example.org/hub.git", kind), (str(tmp_path), RemoteFailed)):
        there = remote.Remote("origin", url, url, "refs/heads/main", "refs/remotes/origin/main")
        assert type(trouble(there, Result(status, b"", said), "fetch")) is expected
