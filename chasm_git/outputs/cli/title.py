"""`chasm title`: a person's own title for a session."""

from __future__ import annotations

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.words import show


@click.command("title")
@click.argument("session", metavar="ID")
@click.argument("words", nargs=-1, metavar="[TEXT]...")
@click.option("--reset", is_flag=True, help="Back to the title its provider gives it.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, session: str, words: tuple[str, ...], reset: bool, dry_run: bool) -> None:
    """Give a session a title of your own, as a commit; without a text, print the title it has.

    No title that a provider generates takes its place, in no harvest and no merge.
    """
    text = " ".join(words)
    if reset and words:
        raise UsageError("either a title, or --reset")
    with context.open_archive() as archive:
        if not words and not reset:
            found = archive.words_about(session)
            if context.json:
                context.terminal.json({"id": found.id, "title": found.title})
            else:
                context.terminal.line(found.title or "")
            return
        made = archive.retitle(session, None if reset else text, dry_run=dry_run)
    show(context, made, "its provider's title" if reset else " ".join(text.split()), dry_run, title=text or None)
