"""`chasm web` as a process of its own, and a Chromium to look at it with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

BROWSER = Path("/usr/bin/chromium")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"),
    *(
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-sync",
        "--no-first-run",
    ),
    *("--disable-domain-reliability", "--disable-features=Translate,OptimizationHints,MediaRouter", "--mute-audio"),
]


class Served(NamedTuple):
    """A server that runs."""

    url: str
    """Token and all."""
    process: subprocess.Popen[str]

    @property
    def base(self) -> str:
        """The address without path and token."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def token(self) -> str:
        """What lets in."""
        return self.url.partition("token=")[2]


@contextmanager
def served(archive: Path, *options: str, warns: str = "") -> Iterator[Served]:
    """Serve an archive until the block is left; it has to end by itself when it is interrupted.

    Args:
        warns: what it has to say besides where it is; nothing else is allowed.
    """
    command = [sys.executable, "-m", "chasm_git", "-C", str(archive), "web", "--no-browser", "--json", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment(archive.parent)
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        said = process.stdout.readline()
        assert said, process.stderr.read()
        yield Served(json.loads(said)["url"], process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, bool(err)) == (0, "", bool(warns)), err
        assert warns in err
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _environment(home: Path) -> dict[str, str]:
    """Nothing of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "CHASM_", "XDG_"))}
    return {**kept, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "TZ": "UTC"}
