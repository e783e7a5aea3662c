"""`chasm note`: a person's own note on a session."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.words import show

_HELP = """
# Your note on {id}
# ({title}). Lines that begin with '#' in the last block are left out; an empty note is taken away.
"""


@click.command("note")
@click.argument("session", metavar="ID")
@click.argument("words", nargs=-1, metavar="[TEXT|-]...")
@click.option("--replace", is_flag=True, help="Put the text in the place of the note there is, not below it.")
@click.option("--clear", is_flag=True, help="Take the note away.")
@click.option("--show", "printed", is_flag=True, help="Print the note.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(
    context: Context, session: str, words: tuple[str, ...], replace: bool, clear: bool, printed: bool, dry_run: bool
) -> None:
    """Write a note on a session, as a commit: TEXT is put below the note there is, - reads it from standard input.

    Without a text your editor opens with the note. Notes stay through every harvest and merge.
    """
    if sum(map(bool, (words, clear, printed))) > 1 or (replace and not words):
        raise UsageError("give a text (with --replace, if it is to take the note's place), or --clear, or --show")
    with context.open_archive() as archive:
        found = archive.words_about(session)
        if printed:
            _print(context, found.id, _note(found.extra.get("notes")))
            return
        if clear:
            made = archive.annotate(found.id, lambda note: "", dry_run=dry_run)
        elif words:
            text = _given(words)
            made = archive.annotate(found.id, lambda note: text if replace else _below(note, text), dry_run=dry_run)
        else:
            _expect_somebody(context)
            made = archive.annotate(found.id, _in_editor(found.id, found.title), dry_run=dry_run)
    show(context, made, "note", dry_run)


def _given(words: tuple[str, ...]) -> str:
    text = sys.stdin.read() if words == ("-",) else " ".join(words)
    if not text.strip():
        raise UsageError("the note is empty; --clear takes one away")
    return text


def _below(note: str, text: str) -> str:
    return f"{note.rstrip()}\n\n{text.strip()}" if note.strip() else text


def _note(held: object) -> str:
    listed = held if isinstance(held, list) else [held]
    return "\n\n".join(note for note in listed if isinstance(note, str))


def _print(context: Context, name: str, note: str) -> None:
    if context.json:
        context.terminal.json({"id": name, "note": note or None})
    elif note:
        context.terminal.long(note)
    else:
        context.terminal.notice("there is no note on it")


def _expect_somebody(context: Context) -> None:
    """Raise UsageError where an editor would open that nobody chose and nobody sees."""
    chosen = any(context.variables.get(name) for name in ("VISUAL", "EDITOR"))
    if not chosen and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("nobody is there to write it: give the note as TEXT, or - to read it from standard input")


def _in_editor(name: str, title: str | None) -> Callable[[str], str]:
    """Asks a person, once: the answer holds however often the commit has to be tried."""
    answers: list[str] = []

    def rewrite(note: str) -> str:
        if not answers:
            below = _HELP.format(id=name, title=" ".join((title or "untitled").split()))
            try:
                text = click.edit(f"{note}\n{below}", extension=".md", require_save=False)
            except click.ClickException as error:
                raise UsageError(f"{error.format_message()}: give the note as TEXT, or set EDITOR") from error
            lines = (text or "").rstrip().split("\n")
            while lines and lines[-1].startswith("#"):
                lines.pop()
            answers.append("\n".join(lines))
        return answers[0]

    return rewrite
