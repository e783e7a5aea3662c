"""A repository's own configuration file, read and extended without starting git.

Only the file itself: no includes, no settings of the user or the system (`settings_of` has those). Writing appends, so
that comments, order and unknown sections of other people stay as they are; the last value of a name is the one that
counts, for git as for us.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive.plumbing.locks import LockFile
from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_HEADER = re.compile(r'\[\s*([-.A-Za-z0-9]+)(?:\s+"((?:[^"\\\n]|\\.)*)")?\s*\]')
_NAME = re.compile(r"([A-Za-z][-A-Za-z0-9]*)[ \t]*")
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}


class ConfigUnreadable(ChasmError):
    """A repository's configuration cannot be read."""

    def __init__(self, path: Path, line: int) -> None:
        super().__init__(f"{path}:{line}: not a line of a git configuration; mend it, then try again")


def read_config(path: Path) -> dict[str, str]:
    """The settings in one configuration file, last value each; empty where there is no file.

    Names are ``section.key`` or ``section.subsection.key`` with section and key in lower case. A key without a value
    means ``true``. Raises ConfigUnreadable.
    """
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return {}
    found: dict[str, str] = {}
    section = ""
    at = 1 if text.startswith("\ufeff") else 0
    text = text.replace("\r\n", "\n")
    while at < len(text):
        char = text[at]
        if char in " \t\n":
            at += 1
        elif char in "#;":
            at = _line_end(text, at)
        elif header := _HEADER.match(text, at):
            section, at = _section(header), header.end()
        elif name := _NAME.match(text, at):
            value, at = _value(text, name.end())
            if value is None:
                raise ConfigUnreadable(path, text.count("\n", 0, at) + 1)
            found[f"{section}.{name[1].lower()}" if section else name[1].lower()] = value
        else:
            raise ConfigUnreadable(path, text.count("\n", 0, at) + 1)
    return found


def settings_of(archive: Archive, *names: str) -> list[str | None]:
    """Settings (``section.key``) as git has them: the repository's own, else the user's, else the system's.

    A configuration that cannot be read counts as none: a broken ``~/.gitconfig`` is no reason not to keep a
    conversation.
    """
    from dulwich.config import ConfigFile, StackedConfig

    try:
        config = StackedConfig([ConfigFile.from_path(archive.git_dir / "config"), *StackedConfig.default_backends()])
    except (OSError, ValueError):
        return [None] * len(names)
    found: list[str | None] = []
    for name in names:
        section, _, key = name.encode("ascii").partition(b".")
        try:
            found.append(config.get((section,), key).decode("utf-8", "replace"))
        except KeyError:
            found.append(None)
    return found


def write_config(path: Path, settings: Mapping[str, str], scratch: Path) -> bool:
    """Set values in a configuration file; those that hold already are left alone. Says whether anything was written.

    Args:
        settings: ``section.key`` or ``section.subsection.key`` -> value.
        scratch: folder for unfinished files, on the same file system.

    Raises ConfigUnreadable, LockHeld.
    """
    if not _missing(path, settings):
        return False
    with LockFile(path, scratch) as lock:
        missing = _missing(path, settings)
        text = path.read_bytes() if path.exists() else b""
        if text and not text.endswith(b"\n"):
            text += b"\n"
        lock.commit(text + _sections(missing).encode("utf-8", "surrogateescape"))
    return True


def is_true(value: str | None, default: bool = False) -> bool:
    """What git makes of a yes-or-no setting."""
    if value is None:
        return default
    return value.lower() in ("true", "yes", "on") or (value.isdigit() and int(value) != 0)


def _missing(path: Path, settings: Mapping[str, str]) -> dict[str, str]:
    there = read_config(path)
    return {name: value for name, value in settings.items() if there.get(_normal(name)) != value}


def _normal(name: str) -> str:
    section, _, rest = name.partition(".")
    subsection, dot, key = rest.rpartition(".")
    return f"{section.lower()}.{subsection}{dot}{key.lower()}"


def _sections(settings: Mapping[str, str]) -> str:
    sections: dict[str, list[str]] = {}
    for name, value in settings.items():
        section, _, key = name.rpartition(".")
        outer, dot, inner = section.partition(".")
        quoted = inner.replace("\\", "\\\\").replace('"', '\\"')
        header = f'[{outer} "{quoted}"]' if dot else f"[{outer}]"
        sections.setdefault(header, []).append(f"\t{key} = {_quoted(value)}\n")
    return "".join(f"{header}\n{''.join(lines)}" for header, lines in sections.items())


def _quoted(value: str) -> str:
    if re.fullmatch(r"[^\s\"\\#;](?:[^\n\t\"\\#;]*[^\s\"\\#;])?", value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _section(header: re.Match[str]) -> str:
    if header[2] is None:
        return header[1].lower()
    subsection = re.sub(r"\\(.)", r"\1", header[2])
    return f"{header[1].lower()}.{subsection}"


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _value(text: str, at: int) -> tuple[str | None, int]:
    """The value that starts at `at` (at its ``=``, or at the line's end), and where it ends; None for a broken one."""
    if at >= len(text) or text[at] in "\n#;":
        return "true", _line_end(text, at)
    if text[at] != "=":
        return None, at
    at += 1
    out: list[str] = []
    kept = 0  # so many characters of `out` are sure; spaces behind them may turn out to be trailing
    quoted = False
    while at < len(text) and text[at] != "\n":
        char = text[at]
        at += 1
        if char == '"':
            quoted = not quoted
            kept = len(out)
        elif char == "\\":
            escaped = text[at : at + 1]
            at += 1
            if escaped == "\n":
                continue
            if escaped not in _ESCAPES:
                return None, at - 1
            out.append(_ESCAPES[escaped])
            kept = len(out)
        elif char in "#;" and not quoted:
            at = _line_end(text, at)
        elif char in " \t" and not quoted:
            if kept or out:
                out.append(char)
        else:
            out.append(char)
            kept = len(out)
    return (None if quoted else "".join(out[:kept])), at
