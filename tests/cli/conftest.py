"""A program to call on an archive with a session in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chasm_git.session.model import Session
from tests.cli.calling import Program
from tests.conftest import Keep


@pytest.fixture
def chasm(keep: Keep, example: Session, capsys: pytest.CaptureFixture[str]) -> Program:
    """`chasm` on an archive that holds the example."""
    return Program(keep([example]), capsys)


@pytest.fixture
def fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    """`chasm` with an archive that is still to be made."""
    return Program(tmp_path / "archive", capsys)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two sessions of Claude Code (one a sub-agent) and one of Codex."""
    demo = Path(__file__).parents[2] / "fixtures" / "demo"
    for folder in ("claude-code", "codex"):
        shutil.copytree(demo / folder, tmp_path / "home", dirs_exist_ok=True)
    return tmp_path / "home"
