"""`chasm recover scan`: everything that can be recovered."""

from __future__ import annotations

from pathlib import Path

import click

from chasm_git.outputs.cli import recovering
from chasm_git.outputs.cli.context import Context

_MOST = 20


@click.command("scan")
@click.argument("path", required=False, type=click.Path(path_type=Path, exists=True))
@click.pass_obj
def command(context: Context, path: Path | None) -> None:
    """Look through the session files on this machine, or below PATH, for all that can be recovered; write nothing.

    Damaged files, copies that were left beside them and what of them the archive lacks, orphaned sessions, and sessions
    their tool has less of than it once had.
    """
    terminal = context.terminal
    with recovering.recovery(context) as lost, terminal.progress("reading") as advance:
        found = lost.scan(path.absolute() if path is not None else None, progress=advance)
    if context.json:
        terminal.json(found.as_json())
        return
    orphaned = sum(len(one.sessions) for one in found.orphans)
    terminal.line(
        f"{found.looked_at} files looked at: {len(found.damaged)} damaged, {len(found.leftovers)} left over with "
        f"sessions, {orphaned} sessions orphaned, {len(found.shrunk)} shrunk"
    )
    for damaged in found.damaged[:_MOST]:
        terminal.line(
            f"damaged   {damaged.path}: {damaged.damage.lost_bytes} bytes lost in {damaged.damage.places} places, "
            f"{damaged.records} {'lines' if damaged.form == 'jsonl' else 'documents'} whole"
        )
    for one in found.leftovers[:_MOST]:
        new = f"{one.messages} messages the archive lacks" if one.messages else "all of it is in the archive"
        terminal.line(f"left over {one.path}: {one.sessions} sessions, {new}")
    for short in found.shrunk[:_MOST]:
        terminal.line(f"shrunk    {short.provider}  {short.id}: {short.lost} records fewer than it once had")
    if found.orphans:
        recovering.show_orphans(context, found.orphans)
    recovering.say_problems(context, found.problems)
    _say_what_helps(context, bool(found.damaged), bool(found.leftovers), bool(found.shrunk), bool(found.orphans))


def _say_what_helps(context: Context, damaged: bool, left: bool, shrunk: bool, orphaned: bool) -> None:
    for is_there, text in (
        (damaged, "`chasm recover repair FILE` writes what is left of a damaged file into a new one"),
        (left, "`chasm recover extract FILE` brings what is left over into the archive"),
        (shrunk, "`chasm recover shrunk --all` puts back what tools have lost"),
        (orphaned, "`chasm recover orphans --recover` harvests orphans and puts them back where that is possible"),
    ):
        if is_there:
            context.terminal.notice(text)
