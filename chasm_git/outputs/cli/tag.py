"""`chasm tag`: give sessions tags, and take some away."""

from __future__ import annotations

from typing import Any

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.words import show

_PASSED = ("-C", "-q", "-h")
_WITH_VALUE = ("-C", "--archive", "--home", "--add", "--remove")


class TagCommand(click.Command):
    """A command in which ``+a`` and ``-b`` are no options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Make ``+a`` and ``-b`` what they are short for."""
        made: list[str] = []
        rest = iter(args)
        for word in rest:
            if word in _WITH_VALUE:
                made += [word, *([value] if (value := next(rest, None)) is not None else [])]
            elif len(word) > 1 and word[0] == "+":
                made.append(f"--add={word[1:]}")
            elif len(word) > 1 and word[0] == "-" and word[1] != "-" and word not in _PASSED:
                made.append(f"--remove={word[1:]}")
            else:
                made.append(word)
        return super().parse_args(ctx, made)


@click.command("tag", cls=TagCommand)
@click.argument("sessions", nargs=-1, required=True, metavar="ID... [+TAG | -TAG]...")
@click.option("--add", metavar="TAG", multiple=True, help="The same as +TAG.")
@click.option("--remove", metavar="TAG", multiple=True, help="The same as -TAG.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(
    context: Context, sessions: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...], dry_run: bool
) -> None:
    """Give sessions tags (+TAG) and take some away (-TAG), as one commit; without any, print the tags there are.

    Tags stay through every harvest and merge. `list sessions --tag TAG` and `find session tag:TAG` find them.
    """
    with context.open_archive() as archive:
        if not add and not remove:
            _print(context, {one.id: one.tags for one in map(archive.words_about, sessions)}, dry_run)
            return
        made = archive.tag(sessions, add, remove, dry_run=dry_run)
    said = " ".join([*(f"+{tag}" for tag in add), *(f"-{tag}" for tag in remove)])
    show(context, made, said, dry_run, added=list(add), removed=list(remove))


def _print(context: Context, found: dict[str, list[str]], dry_run: bool) -> None:
    if dry_run:
        raise UsageError("say which tags: +TAG, -TAG")
    if context.json:
        rows: list[dict[str, Any]] = [{"id": name, "tags": tags} for name, tags in found.items()]
        context.terminal.json(rows)
        return
    for name, tags in found.items():
        context.terminal.line(", ".join(tags) if len(found) == 1 else f"{name}  {', '.join(tags)}")
