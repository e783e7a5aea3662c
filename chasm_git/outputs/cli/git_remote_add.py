"""`chasm git remote add`: make a remote known."""

from __future__ import annotations

import click

from chasm_git.outputs.cli.context import Context


@click.command("add")
@click.argument("name", metavar="NAME")
@click.argument("url", metavar="URL")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, name: str, url: str, dry_run: bool) -> None:
    """Give a remote a name: any git repository that takes a push, by https, ssh, git, file or a path.

    An empty bare repository is right for a start: `git init --bare` on a drive or a server, a private one on a forge.
    """
    from chasm_git.outputs.cli.git_remote_list import as_json

    with context.open_archive() as archive:
        made = archive.add_remote(name, url, dry_run=dry_run)
    if context.json:
        context.terminal.json(as_json(made) | {"dry_run": dry_run})
    elif dry_run:
        context.terminal.line(f"would add {made.shown}")
    else:
        context.terminal.line(f"{made.shown}; `chasm sync` meets it there")
