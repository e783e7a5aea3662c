"""`chasm completions`: what a shell needs to complete commands, options and session ids."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from chasm_git.outputs.cli.context import Context

_GIT = {
    "bash": """
_git_chasm() {
    local IFS=$'\\n' words=(chasm "${COMP_WORDS[@]:2}") found type value
    found=$(COMP_WORDS="${words[*]}" COMP_CWORD=$((COMP_CWORD - 1)) _CHASM_COMPLETE=bash_complete chasm)
    COMPREPLY=()
    for found in $found; do
        IFS=',' read -r type value <<< "$found"
        COMPREPLY+=("$value")
    done
}
""",
}
"""For `git chasm`, where git's own completion asks for it."""


@click.command("completions")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def command(context: Context, shell: str) -> None:
    """Print a script that lets a shell complete commands, options and session ids.

    \b
    bash   chasm completions bash > ~/.local/share/bash-completion/completions/chasm
    zsh    chasm completions zsh > ~/.zfunc/_chasm        (a folder of your $fpath)
    fish   chasm completions fish > ~/.config/fish/completions/chasm.fish
    """
    from chasm_git.outputs.cli.main import root

    made = get_completion_class(shell)
    assert made is not None
    script = made(root, {}, "chasm", "_CHASM_COMPLETE")
    source = script.source_template % script.source_vars()  # its own way asks which bash there is
    if context.json:
        context.terminal.json({"shell": shell, "script": source + _GIT.get(shell, "")})
    else:
        click.echo(source + _GIT.get(shell, ""))
