"""The program: finds the command, runs it, and turns every way it can end into an exit code and one line."""

from __future__ import annotations

import errno
import os
import sys

import click

from chasm_git import __version__
from chasm_git.errors import ChasmError
from chasm_git.outputs.cli.commands import COMMANDS
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.group import LazyGroup, shared_options

INTERRUPTED = 130

root = LazyGroup(
    COMMANDS,
    name="chasm",
    help="A git-backed, versioned archive of AI chat and coding-agent sessions.",
    params=shared_options(hidden=False),
    context_settings={"help_option_names": ["-h", "--help"]},
)
click.version_option(__version__, "-V", "--version", message="chasm %(version)s")(root)


def run() -> None:
    """Entry point of `chasm` and `git-chasm`."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run one command line; returns the exit code."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # what the terminal's encoding lacks is shown, never an error
            stream.reconfigure(errors="backslashreplace")
    context = Context(os.environ)
    context.debug = "--debug" in arguments  # also where the command line itself is at fault
    try:
        status = _guarded(arguments, context)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at exit complains again
        return 1
    return status


def _open_streams() -> None:
    """Have something behind stdin, stdout and stderr: else the next file that is opened gets the number of one."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one's
            os.set_inheritable(descriptor, True)
            setattr(sys, name, open(descriptor, "w" if number else "r", closefd=False))  # noqa: SIM115


def _guarded(arguments: list[str], context: Context) -> int:
    try:
        status = root.main(arguments, prog_name=_name(), standalone_mode=False, obj=context)
    except click.Abort:
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    except click.ClickException as error:
        _say(error.format_message())
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"Try '{error.ctx.command_path} --help'.", err=True)
        return error.exit_code
    except ChasmError as error:
        _trace(context)
        _say(str(error))
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:
        _trace(context)
        where = f": {error.filename}" if error.filename is not None else ""
        _say(f"{error.strerror or error}{where}{_mended(error)}")
        return 1
    except Exception as error:  # noqa: BLE001 - the last place that can still say what to do about it
        _trace(context)
        reason = " ".join(str(error).split())
        _say(
            f"this should not have happened: {type(error).__name__}: {reason[:300]}"
            " (run it again with --debug, and report what it prints with the output of 'chasm doctor')"
        )
        return 1
    return status if isinstance(status, int) else 0


def _mended(error: OSError) -> str:
    """What to do about what the system refused; nothing that was there is lost by it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "; make room on that disk and run it again: what was there before is whole"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "; run it as who may write there, or name another place (-C DIR)"
    return ""


def _name() -> str:
    """What the program was called as: `git chasm` runs it by its other name."""
    return "git chasm" if os.path.basename(sys.argv[0]).startswith("git-chasm") else "chasm"  # noqa: PTH119


def _say(text: str) -> None:
    import re

    from chasm_git.session.readable import visible

    cut = re.sub(r"\S{1000,}", lambda word: f"{word[0][:200]}…{word[0][-50:]}", text)  # what was typed, pasted
    click.echo(f"chasm: {visible(cut)}", err=True)


def _trace(context: Context) -> None:
    if context.debug:
        import traceback

        click.echo(traceback.format_exc(), err=True)
