"""Click groups that import a command when it is used, and the options that every command takes."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from chasm_git.outputs.cli.commands import Entry
from chasm_git.outputs.cli.session_name import SessionName

_WITH_VALUE = {"-C", "--archive", "--home"}


class LazyGroup(click.Group):
    """A group made from `commands`: its members are imported on use, its help comes from the table alone."""

    def __init__(self, entries: dict[str, Entry], **settings: Any) -> None:
        super().__init__(**settings)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the table: it is the order people need them in."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, imported now; None where there is none."""
        entry = self.entries.get(cmd_name)
        return None if entry is None else load(cmd_name, entry, ctx.command_path)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the members without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.entries.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A group alone says what it holds, and that something was missing."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name where there is none of that one."""
        if args[0] in self.entries or args[0].startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        near = get_close_matches(args[0], self.entries, n=1, cutoff=0.5)
        raise click.UsageError(
            f"there is no command {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""), ctx
        )


class CommandGroup(LazyGroup):
    """A command that has commands below it: `chasm sync REMOTE` and `chasm sync status`."""

    def __init__(self, command: click.Command, entries: dict[str, Entry], **settings: Any) -> None:
        super().__init__(entries, **settings)
        self.itself = command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """That of the group where the first word names one of its commands, else that of the command itself."""
        if _first_word(args) in self.entries:
            return super().make_context(info_name, args, parent, **extra)
        return self.itself.make_context(info_name, args, parent, **extra)


def _first_word(args: list[str]) -> str | None:
    """The first argument that is no option of every command, nor the value of one."""
    rest = iter(args)
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-") or word == "--":
            return word
    return None


def load(name: str, entry: Entry, path: str) -> click.Command:
    """The click command of an entry of the table; `path` is what is written before its name."""
    if entry.commands is not None and not entry.module:
        return LazyGroup(entry.commands, name=name, help=entry.summary, params=shared_options(hidden=True))
    command: click.Command = import_module(f"chasm_git.outputs.cli.{entry.module}").command
    for param in command.params:
        if isinstance(param, click.Argument) and param.name in ("session", "sessions"):
            param.type = SessionName()
    taken = {option for param in command.params for option in param.opts}
    command.params += [option for option in shared_options(hidden=True) if taken.isdisjoint(option.opts)]
    command.epilog = f"\b\nExample: {path} {name} {entry.example}".rstrip()
    if entry.commands is not None:
        lines = "\n".join(f"{name} {word}  {below.summary}" for word, below in entry.commands.items())
        command.epilog += f"\n\n\b\nCommands:\n{lines}"
        settings = {"name": name, "help": entry.summary, "params": shared_options(hidden=True)}
        return CommandGroup(command, entry.commands, **settings)
    return command


def shared_options(*, hidden: bool) -> list[click.Option]:
    """The options of every command; they may stand before or after its name, the last one counts.

    Args:
        hidden: in the help of a command only ``--json`` is worth a line, the rest is in `chasm --help`.
    """
    common: dict[str, Any] = {"expose_value": False, "callback": _keep}
    return [
        click.Option(
            ["-C", "--archive"],
            metavar="DIR",
            hidden=hidden,
            help="The archive. Else $CHASM_ARCHIVE, git's setting chasm.archive, or the user data folder.",
            **common,
        ),
        click.Option(["--home"], metavar="DIR", hidden=hidden, help="Look for providers in this home.", **common),
        click.Option(["--json"], is_flag=True, help="Print one JSON document.", **common),
        click.Option(["-q", "--quiet"], is_flag=True, hidden=hidden, help="No notices, no progress.", **common),
        click.Option(["--debug"], is_flag=True, hidden=hidden, help="Show the traceback of an error.", **common),
    ]


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value not in (None, False):
        setattr(ctx.obj, str(param.name), value)
