"""The frame: how the program starts, how it ends, and the options every command takes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from chasm_git import __version__
from chasm_git.errors import ChasmError, ConflictsWaiting, SourcesUnreadable
from chasm_git.outputs.cli import main as program
from chasm_git.outputs.cli.commands import COMMANDS, Entry
from chasm_git.outputs.cli.context import Context

Install = Callable[[Callable[[Context], Any]], None]


def chasm(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chasm_git", *arguments], capture_output=True, text=True, timeout=60, **settings
    )


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Gives a function that makes `chasm probe` do something."""

    def install(act: Callable[[Context], Any]) -> None:
        module = ModuleType("chasm_git.outputs.cli._probe")
        module.command = click.command("probe")(click.pass_obj(act))  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(COMMANDS, "probe", Entry("A probe.", "_probe"))

    return install


def test_version_and_help() -> None:
    assert chasm("--version").stdout == f"chasm {__version__}\n"
    done = chasm("--help")
    assert done.returncode == 0
    assert all(
        f"  {name} " in done.stdout and entry.summary.split()[0] in done.stdout for name, entry in COMMANDS.items()
    )


def test_start_up_costs_little() -> None:
    def cpu(*arguments: str) -> float:
        times = []
        for _ in range(7):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times)

    assert cpu("-m", "chasm_git", "--version") < 7 * cpu("-c", "pass")


def test_start_up_imports_nothing_heavy() -> None:
    code = "import sys; from chasm_git.outputs.cli.main import main; main(['--help']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = loaded.splitlines()[-1].split()
    assert "click" in loaded
    assert not {"dulwich", "git", "rich", "ruamel", "ruamel.yaml", "deepdiff", "sqlite3", "multiprocessing"} & set(
        loaded
    )


@pytest.mark.parametrize("arguments", [(), ("list",)])
def test_a_group_alone_shows_its_help_and_fails(arguments: tuple[str, ...]) -> None:
    done = chasm(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Commands:" in done.stderr


def test_an_unknown_command_names_the_nearest() -> None:
    done = chasm("lst", "sessions")
    assert done.returncode == 2
    assert done.stderr == "chasm: there is no command 'lst'; did you mean 'list'?\nTry 'chasm --help'.\n"
    assert chasm("list", "zzz").stderr.startswith("chasm: there is no command 'zzz'\nTry 'chasm list --help'")


def test_the_name_it_was_called_as(tmp_path: Path) -> None:
    script = tmp_path / "git-chasm"
    script.write_text("from chasm_git.outputs.cli.main import run; run()")
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, script, "list", "-h"], capture_output=True, text=True, env=variables)
    assert done.stdout.startswith("Usage: git chasm list ")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ChasmError("it failed; do this"), 1, "chasm: it failed; do this\n"),
        (ConflictsWaiting("2 conflicts"), 3, "chasm: 2 conflicts\n"),
        (SourcesUnreadable("x: torn"), 4, "chasm: x: torn\n"),
        (ChasmError("evil \x1b[2J"), 1, "chasm: evil ␛[2J\n"),
        (
            PermissionError(13, "Permission denied", "/x/y"),
            1,
            "chasm: Permission denied: /x/y; run it as who may write there, or name another place (-C DIR)\n",
        ),
        (KeyboardInterrupt(), 130, "\n"),
        (click.BadParameter("no such thing"), 2, "chasm: Invalid value: no such thing\n"),
    ],
)
def test_how_it_ends(
    error: BaseException, code: int, said: str, probe: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    def act(context: Context) -> None:
        raise error

    probe(act)
    assert program.main(["probe"]) == code
    out, err = capsys.readouterr()
    assert (out, err.replace("Try 'chasm probe --help'.\n", "")) == ("", said)


def test_a_bug_is_one_line_and_a_traceback_on_request(probe: Install, capsys: pytest.CaptureFixture[str]) -> None:
    def act(context: Context) -> None:
        raise RuntimeError("two\nlines")

    probe(act)
    assert program.main(["probe"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "RuntimeError: two lines" in said and "chasm doctor" in said
    for arguments in (["--debug", "probe"], ["probe", "--debug"]):
        program.main(arguments)
        assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["-C", "a", "--home", "b", "--json", "--quiet", "probe"],
        ["probe", "-C", "a", "--home", "b", "--json", "-q"],
        ["-C", "other", "probe", "--archive", "a", "--home=b", "--json", "-q"],
    ],
)
def test_options_stand_before_or_after_the_command(arguments: list[str], probe: Install) -> None:
    seen = []
    probe(lambda context: seen.append((context.archive, context.home, context.json, context.quiet, context.debug)))
    assert program.main(arguments) == 0
    assert seen == [("a", "b", True, True, False)]


def test_a_closed_pipe_is_no_news(probe: Install, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from chasm_git.outputs.cli import group, main\n"
        "import click\n"
        "@click.command()\n"
        "def command():\n"
        "    for _ in range(100_000): click.echo('line')\n"
        "main.root.entries['many'] = None\n"
        "main.root.get_command = lambda ctx, name: command\n"
        "sys.exit(main.main(['many']))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == b"line\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 1


def test_an_interrupt_from_the_keyboard(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        "import sys, time, pathlib, click\n"
        "from chasm_git.outputs.cli import main\n"
        "@click.command()\n"
        "def command():\n"
        f"    pathlib.Path({str(ready)!r}).touch()\n"
        "    time.sleep(30)\n"
        "main.root.entries['wait'] = None\n"
        "main.root.get_command = lambda ctx, name: command\n"
        "sys.exit(main.main(['wait']))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    while not ready.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr is not None and b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_stream_that_is_closed_is_no_file_of_ours(closed: str, tmp_path: Path) -> None:
    """Without care the first file that is opened gets the number of stdout, and what is printed goes into it."""
    program = f"{sys.executable} -m chasm_git -C {tmp_path / 'a'}"
    for line in ("git init", "git status", "doctor"):
        done = subprocess.run(
            f"{program} {line} {closed}", shell=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0 and "Error" not in done.stderr, done
    listed = chasm("-C", str(tmp_path / "a"), "git", "verify")
    assert (listed.returncode, listed.stderr) == (0, "0 sessions, 0 attachments: all is well\n")


def test_what_was_typed_does_not_flood_the_screen() -> None:
    for arguments in (
        ["list", "x" * 50_000],
        ["-C", "x" * 50_000, "list", "sessions"],
        ["list", "sessions", "-n", "x" * 9999],
    ):
        done = chasm(*arguments)
        assert done.returncode in (1, 2) and len(done.stderr) < 2000 and "xxx…xxx" in done.stderr
