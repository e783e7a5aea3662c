"""`chasm conflicts`: what waits for a person's decision."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from chasm_git.errors import ConflictsWaiting
from chasm_git.outputs.cli.context import Context

if TYPE_CHECKING:
    from chasm_git.api import Unfinished

_KINDS = {
    "edit": "message edited on both sides",
    "add": "message added on both sides",
    "metadata": "key",
    "unreadable": "version that could not be read",
    "text": "other text",
    "marked": "merged as text by git, with <<<<<<< in it",
    "unmerged": "changed on both sides, or deleted on one",
}


@click.command("conflicts")
@click.pass_obj
def command(context: Context) -> None:
    """List what two sides changed differently, and nobody has decided yet; the exit code is 3 then.

    All versions stand in the archive, the first one is shown. `chasm resolve ID` ends the conflicts of a session. Of a
    file that stands twice, put what you want into the first one, delete the other, commit. A message that one side
    forgot and the other one edited waits for nobody: it stays forgotten, and `chasm sync` says so.

    What waits in a merge that git has begun in the worktree, and not finished, is listed, too.
    """
    terminal = context.terminal
    with context.open_archive() as archive:
        begun = archive.unfinished()
        found = archive.conflicts()
    committed = list(found)
    if begun is not None:
        found = [*begun.waiting, *found]
    if context.json:
        terminal.json([asdict(one) for one in found])
    elif not found and begun is None:
        terminal.notice("nothing waits for a decision")
    for one in () if context.json else found:
        name = f"{one.id}  {one.provider}" if one.provider else one.id
        terminal.line(f"{name}  {_KINDS[one.kind]}: {one.where}")
        for number, text in enumerate(one.texts, 1):
            terminal.line(f"  {number} {'shown' if number == 1 else 'other'}: {text}")
    if begun is not None:
        _say_unfinished(context, begun)
    if found:
        inside = sorted({one.id for one in committed if one.kind in ("edit", "add", "metadata")})
        what, ends = ("decision waits", "ends it") if len(found) == 1 else ("decisions wait", "ends them")
        hint = f"`chasm resolve {inside[0] if len(inside) == 1 else 'ID'}` {ends}" if inside else "see --help"
        if begun is not None and not committed:
            hint = f"the {begun.operation} comes to its end first (see above)"
        raise ConflictsWaiting(f"{len(found)} {what}; {hint}")


def _say_unfinished(context: Context, begun: Unfinished) -> None:
    """Say what is unfinished, and the ways to its end."""
    steps = []
    if any(one.kind == "marked" for one in begun.waiting):
        steps.append("`chasm resolve --marked` takes the marks out")
    end = "git commit" if begun.operation == "merge" else f"git {begun.operation} --continue"
    steps.append(f"`git add -A` and `{end}` there keep what the files hold now (both versions of a message, too)")
    if any(one.kind in ("edit", "add", "metadata") for one in begun.waiting):
        steps.append("`chasm resolve ID` ends what waits then")
    steps.append(f"`git {begun.operation} --abort` takes the {begun.operation} back")
    context.terminal.notice(f"chasm: a {begun.operation} is unfinished in {begun.folder}: {'; '.join(steps)}")
