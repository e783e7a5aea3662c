"""`chasm git verify`: does everything in the archive hold?"""

from __future__ import annotations

from pathlib import Path

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context


@click.command("verify")
@click.option("--full", is_flag=True, help="Every version in the history, too.")
@click.option("--staged", is_flag=True, help="Only what is staged for a commit (the pre-commit hook asks for that).")
@click.option("--pushed", nargs=2, metavar="OLD NEW", help="Only what a push brings (a remote's hook asks for that).")
@click.pass_obj
def command(context: Context, full: bool, staged: bool, pushed: tuple[str, str] | None) -> int:
    """Check every session file, every attachment, every path and every object; ends with 1 if something is wrong.

    Nothing is mended. What is wrong in the latest version of a session, `chasm git restore` can put back.
    """
    if full + staged + (pushed is not None) > 1:
        raise UsageError("choose one of --full, --staged and --pushed")
    terminal = context.terminal
    with context.open_archive() as archive:
        if staged:
            index = context.variables.get("GIT_INDEX_FILE")
            report = archive.verify_staged(Path(index).absolute() if index else None)
        elif pushed is not None:
            report = archive.verify_pushed(*pushed)
        else:
            with terminal.progress("checking") as progress:
                report = archive.verify(full=full, progress=progress)
    if context.json:
        terminal.json(
            {
                "ok": not report.problems,
                "sessions": report.sessions,
                "attachments": report.attachments,
                "versions": report.versions,
                "problems": [problem._asdict() for problem in report.problems],
                "notes": [note._asdict() for note in report.notes],
                "unchecked": report.unchecked,
            }
        )
        return 1 if report.problems else 0
    for problem in report.problems:
        terminal.line(f"{problem.path}: {problem.reason}", fg="red")
    for note in report.notes:
        terminal.notice(f"{note.path}: {note.reason}")
    for text in report.unchecked:
        terminal.notice(f"not checked: {text}")
    versions = f", {report.versions} earlier versions" if full else ""
    wrong = f"{len(report.problems)} problems" if report.problems else "all is well"
    terminal.notice(f"{report.sessions} sessions, {report.attachments} attachments{versions}: {wrong}")
    return 1 if report.problems else 0
