"""Ending a process at a chosen step of its work, as a power cut or `kill -9` would.

A step is a call into the operating system that changes something: opening for writing, write, link, rename, unlink,
mkdir, … The interpreter reports each one (audit events, and calls of built-in functions to a profile function), so the
program itself knows nothing of this.
"""

import os
import resource
import signal
import sys
import threading
import traceback

_EVENTS = {
    "os.chmod",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "os.utime",
}
_METHODS = {"close", "flush", "truncate", "write", "__exit__"}


class Steps:
    """Counts steps; at number `last` the process dies before it takes it, or Ctrl-C comes."""

    def __init__(self, last, interrupts=False):
        self._last = last
        self._interrupts = interrupts
        self._taken = 0

    def audit(self, event, arguments):
        """For `sys.addaudithook`."""
        if event in _EVENTS or (event == "open" and arguments[2] & (os.O_CREAT | os.O_TRUNC)):
            self._step()

    def profile(self, _frame, event, called):
        """For `sys.setprofile`: writing has no audit event."""
        if event != "c_call":
            return
        owner, name = called.__self__, called.__name__
        if name in _METHODS and type(owner).__module__ == "_io":
            if not owner.closed and owner.writable():
                self._step()
        elif name in ("write", "ftruncate") and getattr(owner, "__name__", "") == "posix":
            self._step()

    def _step(self):
        self._taken += 1
        if self._taken - 1 == self._last:
            if self._interrupts:
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGKILL)


def run(work, last=None, interrupts=False):
    """Do `work` in a process of its own that dies, or is interrupted, at step `last`. Says whether it ended well."""

    def counted():
        if last is not None:
            steps = Steps(last, interrupts)
            sys.addaudithook(steps.audit)
            threading.setprofile(steps.profile)
            sys.setprofile(steps.profile)
        try:
            work()
        except KeyboardInterrupt:
            sys.setprofile(None)
            os._exit(3)
        sys.setprofile(None)

    return _in_child(counted)


def run_with_limit(work, size, deadly):
    """Do `work` in a process that cannot make a file larger than `size`: it dies in the middle of that write, or the
    write fails as on a full disk. Says whether it came to its end."""

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL if deadly else signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        try:
            work()
        except OSError:
            os._exit(3)

    return _in_child(limited)


def _in_child(work):
    pid = os.fork()
    if not pid:
        status = 70
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001 the child must not go on as a second test run
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) in (signal.SIGKILL, signal.SIGXFSZ)
        return False
    assert os.WEXITSTATUS(status) in (0, 3)
    return os.WEXITSTATUS(status) == 0
