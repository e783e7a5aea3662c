"""A harvest when an agent's session ends: Claude Code's ``SessionEnd`` hook, in the settings it reads.

Source of the format: Claude Code's settings, ``{"hooks": {"SessionEnd": [{"hooks": [{"type": "command", ...}]}]}}``.
Other settings, and other hooks, stay as they are, to the byte.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chasm_git.errors import ChasmError
from chasm_git.outputs import json_text
from chasm_git.outputs.files import rewrite

EVENT = "SessionEnd"
_OURS = "chasm_git"
_MARK = "\ufeff"
"""What some editors begin a file with."""


def install(path: Path, command: Sequence[str], *, dry_run: bool = False) -> list[str]:
    """Have `command` run when a session ends; returns what was done, in words. Raises ChasmError, OSError."""
    text = _without_ours(_read(path), path)
    entry = {"hooks": [{"type": "command", "command": shlex.join(command)}]}
    made = json_text.put(text, ("hooks", EVENT, len(_groups(text, path))), entry)
    if not dry_run:
        _write(path, made)
    return [f"put a {EVENT} hook into {path}"]


def remove(path: Path, *, dry_run: bool = False) -> list[str]:
    """Take the hook away; returns what was done, or nothing where there was none. Raises ChasmError, OSError."""
    if command_in(path) is None:
        return []
    text = _without_ours(_read(path), path)
    if not _groups(text, path):
        text = json_text.take(text, ("hooks", EVENT))
        if not json.loads(text)["hooks"]:
            text = json_text.take(text, ("hooks",))
    if not dry_run:
        _write(path, text)
    return [f"took our {EVENT} hook out of {path}"]


def command_in(path: Path) -> str | None:
    """The command our hook runs; None where there is none. Raises ChasmError, OSError."""
    groups = _groups(_read(path), path)
    return next((str(groups[group]["hooks"][number]["command"]) for group, number in _ours(groups)), None)


def _without_ours(text: str, path: Path) -> str:
    groups = _groups(text, path)
    for group, number in reversed(_ours(groups)):  # from behind: what is taken away moves what follows
        is_alone = len(groups[group]["hooks"]) == 1
        text = json_text.take(text, ("hooks", EVENT, group, *(() if is_alone else ("hooks", number))))
        groups = _groups(text, path)
    return text


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode()
        value = json.loads(text.removeprefix(_MARK))
    except FileNotFoundError:
        return "{}\n"
    except (ValueError, RecursionError) as error:
        raise ChasmError(f"{path} is no JSON ({error}); mend it first, it was not touched") from error
    if type(value) is not dict:
        raise ChasmError(f"{path} holds no settings; it was not touched")
    return text.removeprefix(_MARK)


def _groups(text: str, path: Path) -> list[Any]:
    hooks = json.loads(text).get("hooks", {})
    groups = hooks.get(EVENT, []) if type(hooks) is dict else None
    if type(groups) is not list:
        raise ChasmError(f"the hooks in {path} are not what they should be; it was not touched")
    return groups


def _ours(groups: list[Any]) -> list[tuple[int, int]]:
    """Group and place in it of every hook that `install` put."""
    found = []
    for number, group in enumerate(groups):
        listed = group.get("hooks") if type(group) is dict else None
        for place, hook in enumerate(listed if type(listed) is list else ()):
            command = hook.get("command") if type(hook) is dict else None
            if type(command) is str and f" -m {_OURS} " in command and " harvest " in command:
                found.append((number, place))
    return found


def _write(path: Path, text: str) -> None:
    mark = _MARK if path.is_file() and path.read_bytes().startswith(_MARK.encode()) else ""
    rewrite(path, (mark + text).encode(), mode=0o600)
