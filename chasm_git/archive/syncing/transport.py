"""git commands that talk to another machine: watched while they run, ended when nothing comes any more.

A dead line does not close by itself: a laptop was asleep, a server hangs, a drive is gone. Whoever waits for it from a
timer waits for ever. So git reports its progress, and when nothing is heard of it for a while it is ended, the way a
person ends it with Ctrl-C: its locks and unfinished files are its own to clean up.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import IO

from chasm_git.archive.plumbing.git import Git, Result, network_variables

PATIENCE = 120.0
"""Seconds without a word after which a command is ended."""
ATTENDED_PATIENCE = 900.0
"""The same where a person may be asked for a password."""

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""

_GRACE = 5.0
_LONGEST_PAUSE = 10.0
_SHORTEST_ROUND = 0.05
_LONGEST = 1 << 16
_COUNT = re.compile(rb"\((\d+)/(\d+)\)")


class Stalled(Exception):
    """Nothing was heard of the other side for too long, and git was ended."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"nothing was heard of it for {seconds:.0f} seconds")


def pause(tries: int, took: float) -> float:
    """Seconds to wait after so many tries, of which the last took so long.

    Longer each time, and by chance, so that machines do not keep step; and the longer the slower they are, for who
    tries again while others are still at it only slows them down.
    """
    return random.uniform(0, min(_LONGEST_PAUSE, max(_SHORTEST_ROUND, took) * 2**tries / 2))


def talk(
    git: Git,
    arguments: Iterable[str],
    *,
    settings: Iterable[str] = (),
    attended: bool = False,
    patience: float | None = None,
    progress: Progress = lambda done, total: None,
) -> Result:
    """Run a git command that uses the network (with ``--progress``) and watch it.

    Args:
        arguments: the command and what it takes.
        settings: ``name=value`` that hold for this command alone.
        attended: a person is there to be asked for a password.
        patience: seconds without a word after which it is ended.
        progress: told what git counts: objects received, sent, compressed.

    Returns:
        How it ended, whatever the outcome.

    Raises Stalled, GitMissing.
    """
    limit = patience if patience is not None else ATTENDED_PATIENCE if attended else PATIENCE
    variables = network_variables(attended=attended, ssh=git.config("core.sshCommand"))
    with _ended_from_outside():
        process = git.start(arguments, settings, variables, apart=not attended)
        try:
            out, err = _listen(process, limit, progress)
            return Result(process.wait(), out, err.decode("utf-8", "replace"))
        except BaseException:  # Ctrl-C and a signal, too: git, in a session of its own, would go on without us
            _end(process, apart=not attended)
            raise


@contextlib.contextmanager
def _ended_from_outside() -> Iterator[None]:
    """While it lasts, a signal that would end us on the spot is an exception instead.

    Else git, apart in a session of its own, would stay behind: for good, where it waits on itself. Whoever handles a
    signal in another way goes on doing so.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in before:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _listen(process: subprocess.Popen[bytes], limit: float, progress: Progress) -> tuple[bytes, bytes]:
    """What the command says, until it has nothing more to say. Raises Stalled."""
    assert process.stdout is not None and process.stderr is not None
    heard: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
    for number, pipe in enumerate((process.stdout, process.stderr)):
        threading.Thread(target=_read, args=(number, pipe, heard), daemon=True).start()
    said = [bytearray(), bytearray()]
    open_pipes = 2
    last = time.monotonic()
    while open_pipes:
        try:
            number, chunk = heard.get(timeout=min(1.0, limit))
        except queue.Empty:
            if process.poll() is not None:
                break  # what it started in the background (ssh shared by several) may hold the pipes open
            if time.monotonic() - last >= limit:
                raise Stalled(limit) from None
            continue
        last = time.monotonic()
        open_pipes -= not chunk
        said[number] += chunk
        if number == 1:
            del said[1][:-_LONGEST]
            if counts := _COUNT.findall(chunk):
                progress(int(counts[-1][0]), int(counts[-1][1]))
    return bytes(said[0]), _without_progress(bytes(said[1]))


def _read(number: int, pipe: IO[bytes], heard: queue.SimpleQueue[tuple[int, bytes]]) -> None:
    """Pass on what comes through a pipe. Whoever reads it closes it: its number may be another file's right after."""
    with pipe:
        chunk = b"\n"
        while chunk:
            try:
                chunk = os.read(pipe.fileno(), 1 << 16)
            except OSError:
                chunk = b""
            heard.put((number, chunk))


def _without_progress(said: bytes) -> bytes:
    """A terminal would show only the last of the texts that carriage returns part."""
    return b"\n".join(line.rstrip(b"\r").rpartition(b"\r")[2] for line in said.split(b"\n"))


def _end(process: subprocess.Popen[bytes], *, apart: bool) -> None:
    """End a command and what it started: first so that it can clean up, then for certain."""
    for name in ("SIGTERM", "SIGKILL"):
        number = getattr(signal, name, None)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "nt" or number is None:
                process.kill()
            elif apart:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
            if os.name == "nt" or not apart or _is_gone(process.pid):
                return


def _is_gone(group: int) -> bool:
    """Whether everything a command started has ended, or does so within a second."""
    for _ in range(50):
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return True
        time.sleep(0.02)
    return False
