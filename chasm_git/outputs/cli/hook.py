"""`chasm hook NAME`: what git's hooks start (`hooks/`, put in place by `chasm git install --hooks`)."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from chasm_git.errors import ChasmError, UsageError
from chasm_git.outputs.cli.context import Context

_NAMES = ("pre-commit", "pre-push", "update", "follow")


@click.command("hook")
@click.argument("name", type=click.Choice(_NAMES))
@click.argument("arguments", nargs=-1, metavar="[ARG]...")
@click.pass_obj
def command(context: Context, name: str, arguments: tuple[str, ...]) -> int:
    """What a hook of git asks; ends with 1 where git must not go on.

    Takes what git gives its hook: pre-push NAME URL (refs on stdin), update REF OLD NEW. Hooks that are run after
    something has changed start `follow`, which lets the search cache follow the archive.
    """
    with context.open_archive() as archive:
        if name == "follow":
            archive.follow_cache()
            return 0
        if name == "pre-commit":
            index = context.variables.get("GIT_INDEX_FILE")
            checked = archive.before_commit(Path(index).absolute() if index else None)
        elif name == "pre-push":
            checked = archive.before_push(_given(arguments, 2)[0], sys.stdin)
        else:
            checked = archive.before_update(*_given(arguments, 3)[1:])
    if context.json:
        context.terminal.json({"ok": not checked.refused, "refused": checked.refused, "notes": checked.notes})
        return 1 if checked.refused else 0
    for text in checked.notes:
        context.terminal.notice(f"chasm: {text}")
    if checked.refused:
        raise ChasmError("\n".join(checked.refused))
    return 0


def _given(arguments: tuple[str, ...], count: int) -> tuple[str, ...]:
    if len(arguments) != count:
        raise UsageError(f"git gives this hook {count} arguments, not {len(arguments)}")
    return arguments
