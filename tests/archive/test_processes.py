"""Work in other processes: all of it is done, in order where that matters, whatever happens to a process."""

import os
import signal
import time

import pytest

from chasm_git.archive.plumbing.processes import each, spread
from chasm_git.archive.repo import init_archive
from tests.archive.making import new_session, put

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signals")

_main = os.getpid()
_offset = 0


def start(offset):
    global _offset
    _offset = offset


def add(number):
    return number + _offset, os.getpid()


def killed_at_seven(number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return add(number)


def fails_at_seven(number):
    if number == 7:
        raise KeyError(number)
    return add(number)


def waits_long(number):
    if number:
        time.sleep(60)
    return number


def here(number):
    return number + 100, os.getpid()


@pytest.mark.parametrize("chunk", [1, 3, 100])
@pytest.mark.parametrize("processes", [1, 2, 5])
def test_every_task_is_done_once(processes, chunk):
    done = dict(spread(range(20), here, add, start, (100,), processes=processes, chunk=chunk))
    assert {number: outcome for number, (outcome, _) in done.items()} == {n: n + 100 for n in range(20)}
    assert ({pid for _, pid in done.values()} == {_main}) == (processes == 1)


@pytest.mark.parametrize("chunk", [1, 3])
def test_what_a_killed_process_was_at_is_done_here(chunk):
    listed = list(spread(range(20), here, killed_at_seven, start, (100,), processes=2, chunk=chunk))
    assert sorted((number, outcome) for number, (outcome, _) in listed) == [(n, n + 100) for n in range(20)]
    assert _main in {pid for _, (_, pid) in listed}


def test_a_failure_comes_through_and_nobody_waits():
    with pytest.raises(KeyError):
        list(spread(range(20), here, fails_at_seven, start, (100,), processes=2))
    began = time.monotonic()
    for number, _ in spread(range(3), here, waits_long, start, (0,), processes=2):
        assert number == 0
        break
    assert time.monotonic() - began < 30


def read_and_tell(archive, blob):
    return archive.read(blob), os.getpid()


def test_files_of_an_archive_in_their_order(tmp_path):
    with init_archive(tmp_path / "archive") as archive:
        put(archive, *(new_session(f"s-{number}", f"text {number}") for number in range(60)))
        blobs = list(archive.files(archive.head()).values())
        apart = list(each(archive, read_and_tell, blobs, processes=2))
        assert [data for data, _ in apart] == [archive.read(blob) for blob in blobs]
        assert _main not in {pid for _, pid in apart}
        assert {pid for _, pid in each(archive, read_and_tell, blobs)} == {_main}
