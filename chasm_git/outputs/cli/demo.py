"""`chasm demo`: the whole idea in a fresh folder, on bundled sessions; every command it runs is printed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from chasm_git.errors import ChasmError
from chasm_git.outputs.cli.context import Context

_LOGIN = "5f0c1f5e"
_LATER = "later"
"""The folder of the bundle that holds what is said later: lines to append, file by file."""


@click.command("demo")
@click.option("--keep", metavar="DIR", help="Work in this new folder and leave it there.")
@click.pass_obj
def command(context: Context, keep: str | None) -> None:
    """Show what chasm does, in a fresh temporary archive with bundled sessions. Touches nothing else."""
    show(context, keep)


def show(context: Context, keep: str | None = None) -> None:
    """Run the demo. Raises ChasmError where the bundle is missing or a command of it fails."""
    if keep is not None:
        place = Path(keep).expanduser().absolute()
        if place.exists() and any(place.iterdir()):
            raise ChasmError(f"{place} is not empty; name a new folder")
        place.mkdir(parents=True, exist_ok=True)
        _Demo(context, place).run()
        return
    with tempfile.TemporaryDirectory(prefix="chasm-demo-") as name:
        _Demo(context, Path(name)).run()


def bundle() -> Path:
    """The folder with the bundled homes. Raises ChasmError."""
    package = Path(__file__).parents[2]
    for place in (package / "_data" / "demo", package.parent / "fixtures" / "demo"):
        if place.is_dir():
            return place
    raise ChasmError("the demo's sessions are not installed; install chasm-git anew")


class _Demo:
    def __init__(self, context: Context, place: Path) -> None:
        self._terminal = context.terminal
        self._is_json = context.json
        self._steps: list[dict[str, Any]] = []
        self._home = place / "home"
        self._archive = place / "archive"
        foreign = ("GIT_", "XDG_", "CHASM_")
        kept = {name: value for name, value in context.variables.items() if not name.startswith(foreign)}
        clients = {"CLAUDE_CONFIG_DIR", "CODEX_HOME", "CODEX_SQLITE_HOME", "APPDATA"}
        self._variables = {name: value for name, value in kept.items() if name not in clients} | {
            "HOME": str(self._home),
            "USERPROFILE": str(self._home),
            "CHASM_ARCHIVE": str(self._archive),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PAGER": "cat",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), kept.get("PYTHONPATH", "")]),
        }

    def run(self) -> None:
        """All of it, in order."""
        for home in sorted(bundle().iterdir()):
            if home.name != _LATER:
                shutil.copytree(home, self._home, dirs_exist_ok=True)
        self._say("A home with sessions of Claude Code, Codex CLI and VS Code. What is there, and into the archive:")
        self._chasm("harvest", "scan")
        self._chasm("harvest", "run")
        self._chasm("list", "sessions")
        self._say("One readable text file each, in an ordinary git repository:")
        self._git("ls-files", "sessions")
        self._chasm("git", "snapshot", "before-lunch", "-m", "as it was this morning")
        self._say("The person goes on talking in Claude Code; the next harvest is one more commit:")
        self._go_on()
        self._chasm("harvest", "run")
        self._chasm("git", "log")
        self._say("What is new since the snapshot, as a conversation:")
        self._chasm("git", "diff", "before-lunch", "HEAD")
        self._say("Plain git shows the same:")
        self._git("log", "--oneline", "--stat", "-n", "1")
        self._git("grep", "-n", "redirects once", "HEAD", "--", "sessions")
        self._say("The client prunes its history (after 30 days, say). The archive does not:")
        shutil.rmtree(self._home / ".claude")
        if not self._is_json:
            self._terminal.line("$ rm -r ~/.claude", fg="green", bold=True)
        self._chasm("harvest", "run")
        self._chasm("show", "session", _LOGIN)
        self._chasm("git", "verify")
        if self._is_json:
            self._terminal.json({"steps": self._steps})

    def _go_on(self) -> None:
        later = bundle() / _LATER
        for path in sorted(later.rglob("*.jsonl")):
            with (self._home / path.relative_to(later)).open("ab") as file:
                file.write(path.read_bytes())

    def _say(self, text: str) -> None:
        if self._is_json:
            return
        self._terminal.line("")
        self._terminal.line(f"# {text}", fg="cyan")

    def _chasm(self, *arguments: str) -> None:
        self._run("chasm", [sys.executable, "-m", "chasm_git"], arguments)

    def _git(self, *arguments: str) -> None:
        self._run("git", ["git", "-C", str(self._archive), "--no-pager"], arguments)

    def _run(self, name: str, program: list[str], arguments: tuple[str, ...]) -> None:
        shown = " ".join(f'"{word}"' if " " in word else word for word in arguments)
        if not self._is_json:
            self._terminal.line("")
            self._terminal.line(f"$ {name} {shown}", fg="green", bold=True)
            sys.stdout.flush()
        done = subprocess.run(
            [*program, *arguments], env=self._variables, cwd=self._home, check=False, capture_output=self._is_json
        )
        if self._is_json:
            out, err = (data.decode("utf-8", "replace") for data in (done.stdout, done.stderr))
            self._steps.append({"command": f"{name} {shown}", "code": done.returncode, "out": out, "err": err})
        if done.returncode:
            raise ChasmError(f"the demo stopped: `{name} {shown}` ended with {done.returncode}")
