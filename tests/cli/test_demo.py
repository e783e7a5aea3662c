"""`chasm demo`: every command of it works, and it touches nothing of the person who runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.cli.calling import Program
from tests.conftest import git


def test_the_demo_runs_and_stays_in_its_folder(tmp_path: Path) -> None:
    here = Path.home()
    place = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "chasm_git", "demo", "--keep", str(place)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "$ chasm harvest run\nharvest: " in done.stdout
    assert "all is well" in done.stderr
    assert list(here.iterdir()) == []
    assert git(place / "archive", "status", "--short") == ""


def test_it_takes_no_folder_that_holds_something(fresh: Program, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x")
    assert "is not empty" in fresh("demo", "--keep", str(tmp_path / "mine"), expect=1).err
