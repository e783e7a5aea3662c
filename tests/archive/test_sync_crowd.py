"""Machines in processes of their own, all at once: on one disk, over git's protocol and HTTP, on lines that break."""

import math
import os
import random
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chasm_git.archive.repo import open_archive
from chasm_git.archive.syncing.report import Options
from chasm_git.archive.syncing.transport import pause
from tests.archive.crowd import SCRATCH, Crowd
from tests.archive.machines import bare
from tests.archive.making import assert_whole
from tests.archive.serving import Line, git_daemon, git_http

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

MACHINES = int(os.environ.get("CHASM_MACHINES", "20"))
CUTS = int(os.environ.get("CHASM_CUTS", "3"))


@pytest.fixture
def folder():
    place = Path(tempfile.mkdtemp(prefix="chasm-crowd-", dir=SCRATCH))
    yield place
    shutil.rmtree(place, ignore_errors=True)


def assert_clean(hub, head):
    """The remote is where the machines are, whole and not locked."""
    with open_archive(hub) as there:
        assert there.head() == head
        assert_whole(there)
    assert not [file for file in hub.rglob("*.lock") if file.parent.name != "chasm"]


def test_every_message_of_twenty_machines_is_in_all_of_them(folder):
    hub = bare(folder / "hub.git")
    crowd = Crowd(folder, MACHINES, lambda number: hub)
    tries = crowd.live() + crowd.live() + crowd.settle()
    assert max(tries) <= Options().tries
    assert_clean(hub, crowd.compare())


@pytest.mark.parametrize("server", [git_daemon, git_http])
def test_machines_on_lines_that_break_hold_everything_in_the_end(folder, server):
    chance = random.Random(5)
    served = folder / "served"
    served.mkdir()
    hub = bare(served / "hub.git")
    with ExitStack() as held:
        running = held.enter_context(server(served))
        url = urlsplit(running if isinstance(running, str) else running.url)
        lines = [Line(url.port) for _ in range(4)]
        for line in lines:
            held.callback(line.close)
        places = [f"{url.scheme}://127.0.0.1:{line.port}/hub.git" for line in lines]
        crowd = Crowd(folder, len(places), places.__getitem__, patience=4.0)
        cut = 0
        for _ in range(CUTS):
            for line in lines:
                line.left = int(math.exp(chance.uniform(math.log(100), math.log(20_000))))
            cut += crowd.live().count(None)
        assert cut
        programs = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        assert f"--git-dir={folder}" not in programs, "no git is left behind"
        for line in lines:
            line.left = None
        crowd.settle()
        assert_clean(hub, crowd.compare())


def test_machines_that_were_overtaken_do_not_try_again_in_step():
    for tries in range(1, Options().tries):
        pauses = {pause(tries, 0.3) for _ in range(50)}
        assert len(pauses) > 40, "each waits for another time"
        assert 0 <= min(pauses) <= max(pauses) <= 10.0
    assert max(pause(1, 0.3) for _ in range(50)) <= 0.3, "the first is short"
    assert max(pause(4, 0.3) for _ in range(50)) > 0.5, "they grow"
    assert max(pause(1, 4.0) for _ in range(50)) > 0.5, "and fit how slow everything is"
