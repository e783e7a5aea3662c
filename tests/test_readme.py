"""The README's tour, replayed: what it shows is what the commands print, but for times and what hangs on them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "fixtures" / "demo"
TOUR = re.compile(r"(?s)## A tour\n(.*?)\nAnd puts it back")
"""Up to where a folder of the person's is needed at its own place."""


def shown() -> list[tuple[str, str]]:
    """Command and output of every step."""
    found = TOUR.search((ROOT / "README.md").read_text())
    assert found is not None
    blocks = re.findall(r"(?ms)^```console\n(.*?)^```$", found[1])
    steps = [step.partition("\n") for block in blocks for step in re.split(r"(?m)^\$ ", block) if step]
    return [(command, output) for command, _, output in steps]


def comparable(text: str) -> str:
    """Without what is another one each time: commits, dates, this machine's name, blanks at the end of lines."""
    text = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{40}\b|(?m:^)[0-9a-f]{8}(?= )", "COMMIT", text)
    text = re.sub(r"Date:   .*", "Date", text)
    text = re.sub(r"Chasm-(Machine|Version): .*", r"Chasm-\1", text)
    return re.sub(r"(?m)[ \t]+$", "", text).strip("\n")


def test_the_tour_prints_what_the_readme_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    for client in ("claude-code", "codex", "vscode"):
        shutil.copytree(DEMO / client, home, dirs_exist_ok=True)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "chasm").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m chasm_git "$@"\n')
    (programs / "chasm").chmod(0o755)
    for name in list(os.environ):
        if name.startswith(("GIT_", "XDG_", "CHASM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_PAGER", "cat")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    archive = home / ".local" / "share" / "chasm" / "archive"
    steps, harvests = shown(), 0
    assert len(steps) > 8
    for command, output in steps:
        harvests += command == "chasm harvest run"
        if harvests == 2 and command == "chasm harvest run":
            for later in (DEMO / "later").rglob("*.jsonl"):
                with (home / later.relative_to(DEMO / "later")).open("ab") as file:
                    file.write(later.read_bytes())
        place = archive if archive.is_dir() else home
        done = subprocess.run(
            command, shell=True, cwd=place, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said = done.stdout.replace(str(home), "/home/ana")
        assert comparable(said) == comparable(output), command
