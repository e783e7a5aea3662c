"""The user's own git, for what it does better than a library: path history, blame, status, packing, the network.

The one module that starts git. Every call has a fixed argument list; what comes from a person or a session stands
behind ``--end-of-options`` or ``--``. Variables that point git at another repository (as in a hook) are not passed on.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    import subprocess

REPOSITORY_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""Set by git for its hooks: inherited, they would make git act on another repository than the one we name."""

_SETTINGS = (
    "protocol.ext.allow=never",
    "color.ui=false",
    "core.quotePath=false",
    "log.showSignature=false",
    "blame.ignoreRevsFile=",
    "gc.auto=0",
    "maintenance.auto=false",
)
"""Whatever the user's configuration says: output that can be read, no remote commands, maintenance only when we say."""

_environment_lock = threading.Lock()


class GitMissing(ChasmError):
    """There is no git on this machine."""

    def __init__(self) -> None:
        super().__init__("git is not installed, or not on PATH; this command needs it (https://git-scm.com/downloads)")


class GitError(ChasmError):
    """A git command failed."""

    def __init__(self, command: str, status: int, stderr: str) -> None:
        super().__init__(f"git {command}: {_reason(stderr) or f'ended with status {status}'}")
        self.command = command
        self.status = status
        self.stderr = stderr


class Place(Protocol):
    """A repository to work on: `Archive` is one."""

    @property
    def git_dir(self) -> Path: ...
    @property
    def worktree(self) -> Path | None: ...


class Result(NamedTuple):
    """How a git command ended."""

    status: int
    out: bytes
    err: str


class Git:
    """Runs git on one repository.

    Args:
        place: the repository, and its worktree if it has one.
        attended: a person is there to be asked for a password.
        index: another index file than the repository's own (git hands one to its hooks).
        folder: where git is started; by default the worktree's top, or the repository.
    """

    def __init__(
        self, place: Place, *, attended: bool = False, index: Path | None = None, folder: Path | None = None
    ) -> None:
        self.folder = folder or place.worktree or place.git_dir
        self._where = [f"--git-dir={place.git_dir}"]
        if place.worktree is not None:
            self._where.append(f"--work-tree={place.worktree}")
        self._variables = {"GIT_OPTIONAL_LOCKS": "0"}
        if not attended:
            self._variables["GIT_TERMINAL_PROMPT"] = "0"
        if index is not None:
            self._variables["GIT_INDEX_FILE"] = str(index)

    def run(
        self, *arguments: str, stdin: bytes = b"", ok: Container[int] = (0,), settings: Iterable[str] = ()
    ) -> bytes:
        """What the command writes to stdout. Raises GitError for a status that is not in `ok`, GitMissing.

        Args:
            arguments: the command and what it takes.
            settings: ``name=value`` that hold for this command alone.
        """
        result = self.result(*arguments, stdin=stdin, settings=settings)
        if result.status not in ok:
            raise GitError(arguments[0], result.status, result.err)
        return result.out

    def text(self, *arguments: str, ok: Container[int] = (0,)) -> str:
        """As `run`, decoded (git's text is UTF-8, a stray byte stands as U+FFFD), without the last line feed."""
        return self.run(*arguments, ok=ok).decode("utf-8", "replace").removesuffix("\n")

    def result(self, *arguments: str, stdin: bytes = b"", settings: Iterable[str] = ()) -> Result:
        """The outcome of a command, whatever it is. Raises GitMissing."""
        process = self._start(self.command(arguments, settings), piped=bool(stdin))
        out, err = process.communicate(stdin or None)
        return Result(process.returncode, out, err.decode("utf-8", "replace"))

    @contextmanager
    def stream(self, *arguments: str) -> Iterator[IO[bytes]]:
        """The command's stdout while it runs, for output that may be large.

        Leaving early ends the command. Raises GitError if it failed and was read to the end.
        """
        process = self._start(self.command(arguments))
        out, err = process.stdout, process.stderr
        assert out is not None and err is not None
        # a full stderr pipe would stop a command whose stdout we still wait for
        errors: list[bytes] = []
        drain = threading.Thread(target=lambda: errors.append(err.read()), daemon=True)
        drain.start()
        finished = False
        try:
            yield out
            finished = not out.read(1)
        finally:
            if not finished:
                process.kill()
            out.close()
            status = process.wait()
            drain.join()
            err.close()
        if finished and status != 0:
            raise GitError(arguments[0], status, b"".join(errors).decode("utf-8", "replace"))

    def version(self) -> tuple[int, ...]:
        """As numbers: (2, 39, 5)."""
        found = re.search(r"\d+(?:\.\d+)+", self.text("version"))
        return tuple(int(number) for number in found[0].split(".")) if found else (0,)

    def config(self, name: str) -> str | None:
        """A setting, wherever it is set; None where it is not."""
        result = self.result("config", "--get", name)
        if result.status > 1:
            raise GitError("config", result.status, result.err)
        return result.out.decode("utf-8", "replace").removesuffix("\n") if result.status == 0 else None

    def command(self, arguments: Iterable[str], settings: Iterable[str] = ()) -> list[str]:
        """The full argument list of a command."""
        options = [word for setting in (*_SETTINGS, *settings) for word in ("-c", setting)]
        return [_executable(), "--no-pager", "--literal-pathspecs", *self._where, *options, *arguments]

    def start(
        self,
        arguments: Iterable[str],
        settings: Iterable[str],
        variables: Mapping[str, str],
        *,
        apart: bool = False,
        piped: bool = False,
    ) -> subprocess.Popen[bytes]:
        """A command under way, for one that is to be watched (`archive.transport`) or talked to. Raises GitMissing.

        Args:
            variables: for its environment.
            apart: in a session of its own: no terminal, and all that it starts can be ended with it.
            piped: what it reads comes from us.
        """
        return self._start(self.command(arguments, settings), piped, variables, apart)

    def _start(
        self, command: list[str], piped: bool = False, variables: Mapping[str, str] | None = None, apart: bool = False
    ) -> subprocess.Popen[bytes]:
        git = _gitpython()
        with _own_repository():
            try:
                started: Any = git.Git(str(self.folder)).execute(
                    command,
                    istream=-1 if piped else None,
                    as_process=True,
                    env={**self._variables, **(variables or {})},
                    start_new_session=apart,
                )
            except git.exc.GitCommandNotFound:
                raise GitMissing from None
        process: subprocess.Popen[bytes] = started.proc
        started.proc = None  # its wrapper would end the command when it is collected
        return process


def network_variables(*, attended: bool, ssh: str | None) -> dict[str, str]:
    """What git's environment needs on top, so that talking to another machine ends, and asks nobody who is not there.

    Args:
        attended: a person is there to be asked.
        ssh: git's setting ``core.sshCommand``.
    """
    variables = {}
    command = os.environ.get("GIT_SSH_COMMAND") or ssh or (None if os.environ.get("GIT_SSH") else "ssh")
    # what a person set comes first in the command, and of two values ssh takes the first
    if command is not None and re.match(r"""["']?(?:[^\s"']*[/\\])?ssh(?:\.exe)?["']?(?:\s|$)""", command):
        options = ["ConnectTimeout=30", "ServerAliveInterval=15", "ServerAliveCountMax=4"]
        options += [] if attended else ["BatchMode=yes"]
        variables["GIT_SSH_COMMAND"] = " ".join([command, *(f"-o {option}" for option in options)])
    if not attended:
        variables["GCM_INTERACTIVE"] = "never"
        if "GIT_ASKPASS" not in os.environ:
            variables["GIT_ASKPASS"] = ""  # set and empty: no window asks either
    return variables


@contextmanager
def _own_repository() -> Iterator[None]:
    # GitPython hands our whole environment on and can add to it only; so they leave it while the process starts
    with _environment_lock:
        inherited = {name: os.environ.pop(name) for name in REPOSITORY_VARIABLES if name in os.environ}
        try:
            yield
        finally:
            os.environ.update(inherited)


def _gitpython() -> Any:
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else its import fails where git is missing
    import git

    return git


def _executable() -> str:
    return str(_gitpython().Git.GIT_PYTHON_GIT_EXECUTABLE or "git")


def _reason(stderr: str) -> str:
    """The line of git's complaint that says what is wrong, with what to do about it where git's words do not."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if "dubious ownership" in stderr:
        return "the repository belongs to another user; allow it with `git config --global --add safe.directory FOLDER`"
    for line in lines:
        if line.startswith(("fatal: ", "error: ")):
            return line.partition(": ")[2]
    return lines[-1] if lines else ""
