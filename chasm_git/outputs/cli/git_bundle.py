"""`chasm git bundle`: the whole archive as one file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.git_gc import size


@click.command("bundle")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(context: Context, file: Path, force: bool, dry_run: bool) -> None:
    """Write the archive with all its history and snapshots into one file.

    It is git's own format: `git clone FILE` makes an archive of it again.
    """
    with context.open_archive() as archive:
        made = archive.bundle(file, force=force, dry_run=dry_run)
    if context.json:
        context.terminal.json({**asdict(made), "path": str(made.path), "dry_run": dry_run})
    elif dry_run:
        context.terminal.line(f"would write {made.path}: {made.refs} refs, at {made.commit[:12]}")
    else:
        context.terminal.line(f"{made.path}: {size(made.size)}, {made.refs} refs, at {made.commit[:12]}")
