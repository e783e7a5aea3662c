"""A harvest when an agent's session ends: Claude Code's ``SessionEnd`` hook, in the settings it reads.

Source of the format: Claude Code's settings, ``{"hooks": {"SessionEnd": [{"hooks": [{"type": "command", ...}]}]}}``.
Other settings, and other hooks, stay as they are and in their order.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chasm_git.errors import ChasmError

EVENT = "SessionEnd"
_OURS = "chasm_git"


def install(path: Path, command: Sequence[str], *, dry_run: bool = False) -> list[str]:
    """Have `command` run when a session ends; returns what was done, in words. Raises ChasmError, OSError."""
    settings = _read(path)
    entry = {"hooks": [{"type": "command", "command": shlex.join(command)}]}
    groups = [group for group in _groups(settings, path) if not _is_ours(group)]
    settings.setdefault("hooks", {})[EVENT] = [*groups, entry]
    if not dry_run:
        _write(path, settings)
    return [f"put a {EVENT} hook into {path}"]


def remove(path: Path, *, dry_run: bool = False) -> list[str]:
    """Take the hook away; returns what was done, in words (nothing where there was none). Raises ChasmError."""
    if not command_in(path):
        return []
    settings = _read(path)
    groups = [group for group in _groups(settings, path) if not _is_ours(group)]
    if groups:
        settings["hooks"][EVENT] = groups
    else:
        del settings["hooks"][EVENT]
        if not settings["hooks"]:
            del settings["hooks"]
    if not dry_run:
        _write(path, settings)
    return [f"took our {EVENT} hook out of {path}"]


def command_in(path: Path) -> str | None:
    """The command our hook runs; None where there is none. Raises ChasmError."""
    for group in _groups(_read(path), path):
        if _is_ours(group):
            return str(group["hooks"][0]["command"])
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ChasmError(f"{path} is no JSON ({error}); mend it first, it was not touched") from error
    if type(value) is not dict:
        raise ChasmError(f"{path} holds no settings; it was not touched")
    return value


def _groups(settings: dict[str, Any], path: Path) -> list[Any]:
    hooks = settings.get("hooks", {})
    groups = hooks.get(EVENT, []) if type(hooks) is dict else None
    if type(groups) is not list:
        raise ChasmError(f"the hooks in {path} are not what they should be; it was not touched")
    return groups


def _is_ours(group: Any) -> bool:
    listed = group.get("hooks") if type(group) is dict else None
    if type(listed) is not list or len(listed) != 1 or type(listed[0]) is not dict:
        return False
    command = listed[0].get("command")
    return type(command) is str and f" -m {_OURS} " in command and " harvest " in command


def _write(path: Path, settings: dict[str, Any]) -> None:
    target = path.resolve()  # a person may keep it elsewhere, behind a link
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", "utf-8")
        unfinished.chmod(mode)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
