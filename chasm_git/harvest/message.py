"""The commit message of a harvest: for people who read the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chasm_git import __version__

if TYPE_CHECKING:
    from chasm_git.harvest.read import Result

_MOST_LINES = 400
_TITLE = 60


def commit_message(results: Sequence[Result], machine: str, first_line: str | None = None) -> str:
    """What a harvest commit says: counts, a line for every session it touched, trailers.

    Args:
        results: the sessions whose file changes.
        first_line: a person's own words in place of the counts.
    """
    subject = _one_line(first_line) if first_line else summary(results)
    lines = [subject, ""]
    lines += [_line(result) for result in results[:_MOST_LINES]]
    if len(results) > _MOST_LINES:
        lines.append(f"… and {len(results) - _MOST_LINES} more")
    lines += ["", f"Chasm-Machine: {_one_line(machine)}", f"Chasm-Version: {__version__}"]
    return "\n".join(lines) + "\n"


def summary(results: Sequence[Result]) -> str:
    """``harvest: 3 new, 2 updated (claude-code 4, codex 1)``."""
    new = sum(result.before is None for result in results)
    updated = len(results) - new
    counts = ", ".join(text for number, text in ((new, f"{new} new"), (updated, f"{updated} updated")) if number)
    providers = Counter(result.provider for result in results)
    return f"harvest: {counts or 'nothing'} ({', '.join(f'{name} {n}' for name, n in sorted(providers.items()))})"


def _line(result: Result) -> str:
    sign = "+" if result.before is None else "~"
    count = f"{result.messages} messages" if result.before is None else f"+{result.added} messages"
    line = f"{sign} {result.provider} {_one_line(result.id)[:40]}  {_one_line(result.title)[:_TITLE]}  ({count})"
    if result.shrunk:
        line += f"; {result.shrunk} no longer at their source, kept"
    if result.kept:
        line += f"; {len(result.kept)} cut down at their source, kept whole"
    return line


def _one_line(text: str) -> str:
    """Text that stays on its line and drives no terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
