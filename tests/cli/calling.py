"""Calling the program: in this process (fast), or as a program on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chasm_git.outputs.cli.main import main


@dataclass(frozen=True)
class Called:
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout, which is one JSON document."""
        return json.loads(self.out)


class Program:
    """Calls `chasm` on one archive."""

    def __init__(self, archive: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.archive = archive
        self._capture = capture

    def __call__(self, *arguments: str, expect: int | None = 0) -> Called:
        self._capture.readouterr()
        code = main(["-C", str(self.archive), *arguments])
        called = Called(code, *self._capture.readouterr())
        assert expect in (code, None), called
        return called


def on_a_terminal(*arguments: str, typed: str = "", **variables: str) -> str:
    """What the program prints on a terminal, of which `typed` is what a person types."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "chasm_git", *arguments],
        stdin=follower,
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", "PAGER": "cat", "COLUMNS": "100", "LINES": "50", **variables},
    )
    os.close(follower)
    os.write(leader, typed.encode())
    printed = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # how Linux says that the other end has closed
            break
        if not piece:
            break
        printed += piece
    os.close(leader)
    assert process.wait(60) == 0
    return printed.decode().replace("\r\n", "\n")
