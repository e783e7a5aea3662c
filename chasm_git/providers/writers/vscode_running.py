"""Whether an editor of the VS Code family runs on a profile: while it does, what is written there is lost.

The editor's main process holds each ``state.vscdb`` in memory and writes it back when it likes. It leaves these traces,
and a dead one leaves them too, so each is looked behind:

- ``<data>/code.lock``, the process id of the editor (since 1.59);
- the socket a second start of the editor talks to, ``<data>/<version>-main.sock`` or, on Linux,
  ``$XDG_RUNTIME_DIR/vscode-<hash of data>-<version>-main.sock``; it answers while the editor runs;
- ``workspaceStorage/<id>/vscode.lock``, the process that runs a window's extensions, touched every second.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from chasm_git.providers.base import Env
from chasm_git.session import jsonio

_STALE = 600.0
"""Seconds after which the editor itself takes a window's lock for left behind."""
_SLACK = 5.0
"""Seconds by which clocks of files and processes may differ."""


def running(user: Path, env: Env, folder: Path | None = None) -> str | None:
    """What says that an editor runs on the profile of a ``User`` folder; None where nothing does.

    Args:
        folder: of the workspace that is to be written, below ``workspaceStorage``.
    """
    data = user.parent
    lock = data / "code.lock"
    pid = _pid(lock)
    if pid is not None and _holds(pid, lock):
        return f"it runs as process {pid} ({lock})"
    for path in _sockets(data, env):
        if _answers(path):
            return f"it answers at {path}"
    window = folder / "vscode.lock" if folder is not None else None
    if window is not None and _window_open(window):
        return f"a window is open ({window})"
    return None


def _pid(lock: Path) -> int | None:
    try:
        text = lock.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isdecimal() and len(text) < 10 and int(text) > 0 else None


def _holds(pid: int, lock: Path) -> bool:
    """Whether a process lives that can have written the lock: a number is given again after a crash."""
    if not _alive(pid):
        return False
    try:
        written, started = lock.stat().st_mtime, _started(pid)
    except OSError:
        return True
    return started is None or started <= written + _SLACK


def _alive(pid: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)
        if not handle:
            return bool(kernel.GetLastError() == 5)
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == 259
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> float | None:
    """When a process was started, in seconds since 1970; None where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        booted = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        return int(booted.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _sockets(data: Path, env: Env) -> Iterator[Path]:
    """The sockets of editors on this profile, dead or alive."""
    yield from sorted(data.glob("*-main.sock"))
    runtime = env.variables.get("XDG_RUNTIME_DIR")
    if runtime:
        for hashed in (hashlib.sha256, hashlib.md5):
            scope = hashed(os.fsencode(data), usedforsecurity=False).hexdigest()[:8]
            yield from sorted(Path(runtime).glob(f"vscode-{scope}-*-main.sock"))


def _answers(path: Path) -> bool:
    """Whether somebody listens at a socket."""
    family = getattr(socket, "AF_UNIX", None)
    if family is None:
        return False
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except TimeoutError:
            return True
        except OSError:
            return False
    return True


def _window_open(lock: Path) -> bool:
    try:
        value, touched = jsonio.loads(lock.read_bytes()), lock.stat().st_mtime
    except (OSError, ValueError):
        return False
    pid = value.get("pid") if type(value) is dict else None
    if type(pid) is not int or not 0 < pid < 2**31 or time.time() - touched > _STALE:
        return False
    leaving = value.get("willReleaseAt")
    if type(leaving) in (int, float) and 0 < leaving <= time.time() * 1000:
        return False
    return _alive(pid)
