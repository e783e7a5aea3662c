"""`chasm git init`: make an archive, or complete one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from chasm_git.errors import ChasmError, UsageError
from chasm_git.outputs.cli.context import Context


@click.command("init")
@click.argument("folder", metavar="[DIR]", required=False)
@click.option("--bare", is_flag=True, help="Without a worktree.")
@click.option("--project", metavar="PATH", help="On a branch of its own inside this project's repository.")
@click.option("--branch", metavar="NAME", help="The branch: main; inside a project, chasm.")
@click.option("--hooks", is_flag=True, help="Also the hook that refuses to commit what cannot be read.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.pass_obj
def command(
    context: Context,
    folder: str | None,
    bare: bool,
    project: str | None,
    branch: str | None,
    hooks: bool,
    dry_run: bool,
) -> None:
    """Make an archive: a repository with its settings, attributes and drivers.

    DIR is where; without it, where chasm looks for its archive. What is there already stays as it is, so running it
    again completes what is missing.
    """
    from chasm_git import api

    if project is not None and (folder is not None or bare):
        raise UsageError("an archive inside a project has its place: leave out DIR and --bare")
    path = Path(project or folder or context.archive_path()).expanduser().absolute()
    is_new = _is_new(path)
    if dry_run:
        _show(context, {"path": str(path), "new": is_new, "dry_run": True})
        return
    with api.make_archive(path, bare=bare, project=path if project else None, branch=branch) as archive:
        try:
            installed = archive.install(hooks=hooks)
        except ChasmError as error:
            if hooks:
                raise
            installed = []
            context.terminal.notice(f"chasm: drivers are not set up: {error}")
        place = archive.repository
        made = {
            "path": str(archive.path),
            "git_dir": str(place.git_dir),
            "worktree": str(place.worktree) if place.worktree else None,
            "branch": place.branch.removeprefix("refs/heads/"),
            "new": is_new,
            "installed": installed,
            "dry_run": False,
        }
    _show(context, made)


def _is_new(path: Path) -> bool:
    from chasm_git import api

    try:
        with api.open_archive(path) as archive:
            return path not in (archive.path, archive.repository.git_dir)
    except api.NotAnArchive:
        return True


def _show(context: Context, made: Mapping[str, object]) -> None:
    terminal = context.terminal
    if context.json:
        terminal.json(made)
        return
    said = "made an archive at" if made["new"] else "there is an archive at"
    if made.get("dry_run"):
        said = "would make an archive at" if made["new"] else "would complete the archive at"
    branch = f" (branch {made['branch']})" if "branch" in made else ""
    terminal.line(f"{said} {made['path']}{branch}")
