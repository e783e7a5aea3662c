"""`chasm completions`, and what a shell is told when it asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.calling import Program

ID = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"


def asked(chasm: Program, *words: str) -> list[str]:
    """What a shell offers for the last word."""
    variables = {
        **os.environ,
        "_CHASM_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["chasm", *words]),
        "COMP_CWORD": str(len(words)),
        "CHASM_ARCHIVE": str(chasm.archive),
    }
    code = "import sys; sys.argv[0] = 'chasm'; from chasm_git.outputs.cli.main import run; run()"
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_options_and_ids(chasm: Program) -> None:
    chasm("find", "session", "login")  # which makes the cache
    assert asked(chasm, "exp") == ["export"]
    assert set(asked(chasm, "export", "")) == {"session", "workspace", "path", "batch"}
    assert "--format" in asked(chasm, "export", "session", "--fo")
    assert asked(chasm, "show", "session", "5f0") == [ID]
    assert asked(chasm, "tag", "5f0") == [ID]
    assert asked(chasm, "show", "session", "x") == []
    assert ID not in asked(chasm, "nonsense", "")


def test_ids_without_a_cache_or_an_archive(chasm: Program, fresh: Program, tmp_path: Path) -> None:
    assert not (chasm.archive / ".git" / "chasm" / "cache.sqlite3").exists()
    assert asked(chasm, "show", "session", "5f0c") == [ID]
    assert asked(Program(tmp_path / "none", chasm._capture), "show", "session", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_the_shell_takes(chasm: Program, shell: str, tmp_path: Path) -> None:
    script = chasm("completions", shell).out
    assert "_CHASM_COMPLETE" in script and chasm("completions", shell, "--json").json["script"] in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(script)
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_git_asks_bash(chasm: Program, tmp_path: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    program = tmp_path / "bin" / "chasm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m chasm_git "$@"\n')
    program.chmod(0o755)
    (tmp_path / "script").write_text(chasm("completions", "bash").out)
    ask = f"source {tmp_path / 'script'}; COMP_WORDS=(git chasm show session 5f0); COMP_CWORD=4; _git_chasm; "
    variables = {**os.environ, "CHASM_ARCHIVE": str(chasm.archive), "PATH": f"{program.parent}:{os.environ['PATH']}"}
    variables["PYTHONPATH"] = str(Path(__file__).parents[2])
    done = subprocess.run(
        ["bash", "-c", ask + 'echo "${COMPREPLY[@]}"'], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ID


def test_an_unknown_shell(chasm: Program) -> None:
    assert chasm("completions", "tcsh", expect=2).code == 2
