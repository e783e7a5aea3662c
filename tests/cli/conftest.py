"""A program to call on an archive with a session in it."""

from __future__ import annotations

import pytest

from chasm_git.session.model import Session
from tests.cli.calling import Program
from tests.conftest import Keep


@pytest.fixture
def chasm(keep: Keep, example: Session, capsys: pytest.CaptureFixture[str]) -> Program:
    """`chasm` on an archive that holds the example."""
    return Program(keep([example]), capsys)
