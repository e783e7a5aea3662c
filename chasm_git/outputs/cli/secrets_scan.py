"""`chasm secrets scan`: which credentials there are, and where."""

from __future__ import annotations

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context


@click.command("scan")
@click.argument("names", metavar="[ID...]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every session and attachment (so without an ID, too).")
@click.option("--rev", metavar="REV", help="As it was then; with .. in it (..HEAD), all that those commits hold.")
@click.pass_obj
def command(context: Context, names: tuple[str, ...], everything: bool, rev: str | None) -> int:
    """List the credentials in the latest version of sessions; ends with 1 where there are some nobody has allowed.

    A credential is shown by its kind, its first characters and a fingerprint, never as it is.
    """
    if everything and names:
        raise UsageError("choose one of --all and IDs")
    if names and rev is not None and ".." in rev:
        raise UsageError("a range of commits is looked at as a whole; leave out the IDs")
    terminal = context.terminal
    with context.open_archive() as archive, terminal.progress("looking") as progress:
        result = archive.secrets_scan(names, revision=rev, progress=progress)
    if context.json:
        found = [one.as_json() for one in result.found]
        terminal.json({"objects": result.objects, "secrets": found, "problems": result.problems})
    else:
        for one in result.found:
            seen = one.seen
            times = f", {seen.times} times" if seen.times > 1 else ""
            line = f"{seen.rule} {seen.shown} [{seen.fingerprint}] in {one.where}{times}"
            terminal.line(line + "  (allowed)" if one.is_allowed else line, fg=None if one.is_allowed else "red")
            if not one.is_allowed:
                terminal.line(f"    {one.remedy}")
    for problem in result.problems:
        terminal.notice(f"chasm: {problem}")
    count = len({one.seen.fingerprint for one in result.open})
    terminal.notice(f"{result.objects} files looked at: {count or 'no'} credential{'s' if count != 1 else ''}")
    return 1 if result.open else 0
