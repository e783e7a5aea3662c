"""`chasm resolve`: conflicts come to an end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from chasm_git.errors import ChasmError, ConflictsWaiting, UsageError
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.words import after

if TYPE_CHECKING:
    from chasm_git.api import Answer, Question, Resolved

_HOW = "--ours, --theirs, --both, --most-recent, --pick N or --edit"


def _way(name: str, text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(f"--{name}", "way", flag_value=name, help=text)


@click.command("resolve")
@click.argument("session", required=False, metavar="[ID]")
@click.option("--all", "every", is_flag=True, help="Everything that waits, in all sessions.")
@click.option("--message", metavar="MID", help="Only this message; the beginning of its id will do.")
@click.option("--key", metavar="NAME", help="Only this header key (title, …).")
@_way("ours", "What this archive had before the other version came to it.")
@_way("theirs", "What came.")
@_way(
    "both", "All versions: the one shown stays, each other becomes a message behind it (of a key, the one shown stays)."
)
@_way("most-recent", "The latest, by the message's own time, then by when it was committed.")
@click.option("--pick", type=click.IntRange(min=1), metavar="N", help="Version N, as listed.")
@click.option("--marked", is_flag=True, help="Mend files that git merged as text: those with <<<<<<< in them.")
@click.option("--edit", is_flag=True, help="Your editor opens with the versions; what you save takes their place.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(
    context: Context,
    session: str | None,
    every: bool,
    message: str | None,
    key: str | None,
    way: str | None,
    pick: int | None,
    edit: bool,
    marked: bool,
    dry_run: bool,
) -> None:
    """End conflicts, in one commit: of a session, of one message or key of it, or --all.

    Without a way to end them, each is shown as a difference and asked about. Nothing is lost: what loses stays in the
    file (`replaced`, `decided`) and in the history. The decision goes to every machine with the next sync, and no older
    state brings the conflict back; two machines that decide differently make a new one.

    Ours is what this archive's branch held before it met the other version, by its reflog, whether it made the merge or
    took it over; theirs is what came. A fresh clone got both at once and knows neither: use --pick or --most-recent.

    With --marked: session files in which git left conflict marks (a clone without the merge driver does) are merged by
    messages in the worktree, from both sides as the marks tell them; nothing is committed, except in a bare archive.
    Exit code 3: something still waits.
    """
    asked = [one for one in (way, pick, edit or None) if one is not None]
    if marked:
        if asked or message is not None or key is not None:
            raise UsageError("--marked puts both sides together; what waits then, a second `chasm resolve` ends")
        _mend(context, session, dry_run)
        return
    _check(session, every, message, key, asked)
    attended = sys.stdin.isatty() and sys.stdout.isatty()
    if not asked and (context.json or not attended):
        raise UsageError(f"say how to end it: {_HOW} (asked about one by one on a terminal)")
    with context.open_archive() as archive:
        found = archive.questions(session, message=message, key=key)
        if not found:
            _nothing(context, session)
            return
        if pick is not None and len(found) > 1:
            listed = ", ".join(f"--{one.kind} {one.where}" for one in found[:8])
            raise UsageError(f"--pick is for one conflict, and {len(found)} wait; name one: {listed}")
        answers: dict[Question, Answer] = {}
        for question in found:
            answer: Answer | None = asked[0] if asked and not edit else _edited(question) if edit else None
            if not asked:
                answer = _ask(context, question)
                if answer == "quit":
                    break
            if answer is not None:
                answers[question] = answer
        made = archive.resolve(answers, dry_run=dry_run)
    _show(context, made, dry_run)
    left = len(found) - len(made.ended)
    if left:
        raise ConflictsWaiting(f"{left} of {len(found)} still wait for a decision (`chasm conflicts`)")


def _mend(context: Context, session: str | None, dry_run: bool) -> None:
    """Mend files that git merged as text. Raises ChasmError where some cannot be, ConflictsWaiting."""
    with context.open_archive() as archive:
        made = archive.mend(session, dry_run=dry_run)
    if context.json:
        context.terminal.json(asdict(made) | {"dry_run": dry_run})
    else:
        for path in made.paths:
            context.terminal.line(f"{'would mend' if dry_run else 'mended'} {path}")
        if made.paths and not dry_run and made.commit is None:
            context.terminal.notice("`git add` and commit them: both sides are in them")
        if not made.paths and not made.refused:
            context.terminal.notice("no session file holds conflict marks of git")
    if made.refused:
        raise ChasmError("; ".join(made.refused))
    if made.waiting:
        raise ConflictsWaiting(f"{made.waiting} decisions wait in them; `chasm resolve` ends them once committed")


def _check(session: str | None, every: bool, message: str | None, key: str | None, asked: Sequence[object]) -> None:
    """Whether the request makes sense. Raises UsageError."""
    if len(asked) > 1:
        raise UsageError(f"one of {_HOW}")
    if session is not None and every:
        raise UsageError("either a session, or --all")
    if message is not None and key is not None:
        raise UsageError("either --message or --key")
    if session is None and (message is not None or asked) and not every:
        raise UsageError("name a session, or say --all")


def _nothing(context: Context, session: str | None) -> None:
    if context.json:
        context.terminal.json({"commit": None, "dry_run": False, "resolved": [], "waiting": 0, "refused": []})
    else:
        context.terminal.notice(f"nothing waits for a decision{f' in {session}' if session else ''}")


def _edited(question: Question) -> Answer | None:
    """What a person makes of it in an editor; None where it was left as it is."""
    try:
        text = click.edit(question.document(), extension=".md")
    except click.ClickException as error:
        raise UsageError(f"{error.format_message()}: set EDITOR, or say {_HOW}") from error
    except UnicodeEncodeError:
        raise UsageError("a version holds halves of characters that no editor opens; say --pick N") from None
    return None if text is None else question.written(text)


def _ask(context: Context, question: Question) -> Answer | None:
    """Show a conflict and ask; None: it is left as it is."""
    terminal = context.terminal
    what = f"message {question.where} ({question.role})" if question.kind == "message" else f"key {question.where}"
    terminal.line(f"{question.provider} {question.id}: {what}", bold=True)
    for line in question.difference():
        terminal.line(line, **_style(line))
    for label in question.labels:
        terminal.line(f"  {label}")
    numbers = [str(number) for number in range(1, len(question.labels) + 1)]
    ways = [*numbers, "b", "e", "s", "q"]
    said = click.prompt(
        f"{'/'.join(numbers)} keeps that version, b both, e edit, s skip, q quit",
        type=click.Choice(ways),
        show_choices=False,
        default="s",
    )
    if said in numbers:
        return int(said)
    return {"b": "both", "q": "quit", "s": None}[said] if said != "e" else _edited(question)


def _style(line: str) -> dict[str, Any]:
    if line.startswith("+"):
        return {"fg": "green"}
    return {"fg": "red"} if line.startswith("-") else {"fg": "cyan"} if line.startswith("@@") else {}


def _show(context: Context, made: Resolved, dry_run: bool) -> None:
    terminal = context.terminal
    if context.json:
        terminal.json(
            {
                "commit": made.commit,
                "dry_run": dry_run,
                "resolved": [asdict(one) for one in made.ended],
                "waiting": made.waiting,
                "refused": made.refused,
            }
        )
    for one in () if context.json else made.ended:
        what = f"{one.kind} {one.where}"
        terminal.line(f"{'would resolve' if dry_run else 'resolved'} {one.id} {what} ({one.how}): {one.shown}")
    for reason in made.refused:
        terminal.notice(f"chasm: {reason}")
    if made.commit is not None and not context.json:
        terminal.notice(f"commit {made.commit[:12]}; the next `chasm sync` takes it to the other machines")
    after(context, made)
