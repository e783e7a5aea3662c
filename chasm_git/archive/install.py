"""What makes plain git better on an archive: merge driver, diff text, attributes and hooks, in one clone.

All of it is per clone and only adds: nothing a person wrote is changed, and `uninstall` takes away what was put and
nothing else. Without it the archive is still plain git: session files then merge and compare as the text they are.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from chasm_git.archive import layout
from chasm_git.archive.plumbing import durable
from chasm_git.archive.plumbing.git import Git, Place
from chasm_git.errors import ChasmError

_BEGIN = b"# chasm-git: begin\n"
_END = b"# chasm-git: end\n"
_LINES = [line for line in layout.ATTRIBUTES.encode().splitlines(keepends=True) if not line.startswith(b"#")]

_HOOK_MARK = b"# chasm-git hook:"
_SET_ASIDE = ".before-chasm"
_REMOTE_HOOKS = frozenset({"update"})
"""Hooks for an archive that others push to; the rest are for one that a person works in."""
_ONE_FOR_SEVERAL = {"post-change": ("post-commit", "post-merge", "post-checkout", "post-rewrite")}
"""Files that are put under several names."""


class HookInTheWay(ChasmError):
    """A hook cannot be put without losing another one."""


class Step(NamedTuple):
    """One change to the clone."""

    what: str
    """For a person: ``set merge.chasm.driver``."""
    act: Callable[[], None]


def settings(python: str) -> dict[str, str]:
    """The settings of git that name our drivers, run by the interpreter `python`.

    Where ours does not start, or fails, git's own takes over: a text merge with conflict marks, the file as it is.
    """
    # -P: git starts drivers in the worktree, whose files must not be taken for Python modules
    ours = f"{shlex.quote(Path(python).as_posix())} -P -m chasm_git.drivers"
    return {
        "merge.chasm.name": "chasm session merge",
        "merge.chasm.driver": f"{ours}.merge %O %A %B; r=$?; test $r = 0 && exit 0; test $r = 10 && exit 1; "
        "git merge-file --marker-size=%L -L ours -L base -L theirs %A %O %B",
        "diff.chasm.textconv": f'f() {{ {ours}.textconv "$1" 2>/dev/null || cat "$1"; }}; f',
        "diff.chasm.xfuncname": "^## (.*)$",
    }


def install(archive: Place, *, hooks: bool = False, python: str = "", dry_run: bool = False) -> list[str]:
    """Put drivers and attributes (and hooks) into the archive's repository; returns what changed, in words.

    A second call changes nothing. Raises HookInTheWay, GitError.
    """
    git = Git(archive)
    interpreter = python or sys.executable or "python3"
    wanted = settings(interpreter)
    if hooks:
        wanted["chasm.python"] = interpreter
    steps = [_setting(git, name, value) for name, value in wanted.items() if _local(git, name) != [value]]
    steps += _attribute_steps(git)
    if hooks:
        steps += _hook_steps(git, archive)
    return _done(steps, dry_run)


def uninstall(archive: Place, *, dry_run: bool = False) -> list[str]:
    """Take away what `install` put, hooks too; returns what changed, in words."""
    git = Git(archive)
    names = [*settings("python3"), "chasm.python"]
    steps = [_unsetting(git, name) for name in names if _local(git, name)]
    path = _git_path(git, "info/attributes")
    before = _read(path)
    after = _without_ours(before)
    if after != before:
        steps.append(Step(f"take our lines out of {path}", _rewriting(path, after)))
    for name in _hook_files():
        hook = _git_path(git, "hooks") / name
        if _HOOK_MARK in _read(hook):
            steps.append(Step(f"remove {hook}", _removal(hook)))
    return _done(steps, dry_run)


def _done(steps: list[Step], dry_run: bool) -> list[str]:
    for step in () if dry_run else steps:
        step.act()
    return [step.what for step in steps]


def _setting(git: Git, name: str, value: str) -> Step:
    return Step(f"set {name}", lambda: _run(git, "--replace-all", name, value))


def _unsetting(git: Git, name: str) -> Step:
    return Step(f"unset {name}", lambda: _run(git, "--unset-all", name))


def _run(git: Git, *arguments: str) -> None:
    git.run("config", "--local", *arguments)


def _local(git: Git, name: str) -> list[str]:
    """The values of a setting in this clone."""
    return git.text("config", "--local", "--get-all", name, ok=(0, 1)).splitlines()


def _git_path(git: Git, name: str) -> Path:
    """Where git looks for a file of the repository, whatever kind of worktree or setting it has."""
    return git.folder / git.text("rev-parse", "--git-path", name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _write(path: Path, data: bytes, mode: int = 0o666) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write_whole(path, data, path.parent, mode=mode)


def _attribute_steps(git: Git) -> list[Step]:
    """They hold for the whole clone, also where a branch lacks ``.gitattributes``; bare ones have no others."""
    if git.config("chasm.project") == "true":
        return []  # they would hold for the project's own files too
    path = _git_path(git, "info/attributes")
    before = _read(path)
    others = _without_ours(before)
    if set(_LINES) <= set(others.splitlines(keepends=True)):
        return []
    after = b"".join((_BEGIN, *_LINES, _END, others))
    return [] if before == after else [Step(f"write {path}", _rewriting(path, after))]


def _without_ours(attributes: bytes) -> bytes:
    """The file without our lines. Ours stand first, so that a person's own lines win and come back byte for byte."""
    start = attributes.find(_BEGIN)
    end = attributes.find(_END, start)
    if start < 0 or end < 0:
        return attributes
    return attributes[:start] + attributes[end + len(_END) :]


def _hook_files() -> dict[str, bytes]:
    """The hooks we ship, by the names git has for them: from the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "_data" / "hooks", package.parent / "hooks"):
        if folder.is_dir():
            files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
            return {
                name: data
                for file, data in files.items()
                if _HOOK_MARK in data
                for name in _ONE_FOR_SEVERAL.get(file, (file,))
            }
    raise ChasmError("this installation of chasm-git lacks its hooks; install it again")


def _hook_steps(git: Git, archive: Place) -> list[Step]:
    is_remote = archive.worktree is None
    if is_remote and git.config("chasm.project") is not None:
        raise HookInTheWay("this archive has no worktree, so nobody commits in it by hand: it needs no hooks")
    folder = _git_path(git, "hooks")
    shared = git.config("core.hooksPath")
    if shared is not None:
        raise HookInTheWay(
            f"core.hooksPath is set, so hooks are read from {folder}, which other repositories may share; "
            f'call `chasm -C . hook pre-commit` (and `chasm -C . hook pre-push "$@"`) from the hooks there yourself'
        )
    steps = []
    for name, ours in _hook_files().items():
        if (name in _REMOTE_HOOKS) != is_remote:
            continue
        hook = folder / name
        there = _read(hook)
        if there == ours:
            continue
        if hook.exists() and _HOOK_MARK not in there:
            aside = _aside(hook)
            if aside.exists():
                raise HookInTheWay(f"{hook} and {aside} are both there and not ours; put them together first")
            steps.append(Step(f"keep {hook} as {aside.name}, which ours runs first", _renaming(hook, aside)))
        steps.append(Step(f"write {hook}", _writing(hook, ours)))
    return steps


def _aside(hook: Path) -> Path:
    return hook.with_name(hook.name + _SET_ASIDE)


def _renaming(old: Path, new: Path) -> Callable[[], None]:
    def rename() -> None:
        old.replace(new)

    return rename


def _rewriting(path: Path, data: bytes) -> Callable[[], None]:
    return lambda: _write(path, data) if data else path.unlink()


def _writing(path: Path, data: bytes) -> Callable[[], None]:
    return lambda: _write(path, data, 0o777)


def _removal(hook: Path) -> Callable[[], None]:
    def remove() -> None:
        hook.unlink()
        if _aside(hook).exists():
            _aside(hook).replace(hook)

    return remove
