"""`chasm export session`: one session out of the archive, in a form for others."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.files import refuse_existing, write_file

if TYPE_CHECKING:
    from chasm_git.api import Archive, Found

_BY_SUFFIX = {".json": "json", ".md": "md", ".markdown": "md"}


@click.command("session")
@click.argument("session", metavar="ID[@REV]")
@click.option("--format", "form", type=click.Choice(["json", "md", "native"]), help="Else by the name of FILE; md.")
@click.option("-o", "--output", metavar="FILE|DIR", help="Where to. Else standard output.")
@click.option("--force", is_flag=True, help="Write over files that exist.")
@click.option("--dry-run", is_flag=True, help="Only say which files would be written.")
@click.pass_obj
def command(context: Context, session: str, form: str | None, output: str | None, force: bool, dry_run: bool) -> None:
    """Write a session as universal JSON, Markdown, or the provider's own files.

    Native files are what the provider itself would have on disk; there may be several, then -o names a folder.
    """
    target = None if output is None else Path(output).expanduser()
    chosen = form or _BY_SUFFIX.get(target.suffix.lower() if target else "", "json" if context.json else "md")
    with context.open_archive() as archive:
        found = archive.find(session)
        files = _files(archive, found, chosen)
    if target is None:
        if dry_run:
            raise UsageError("--dry-run needs -o: without it nothing is written")
        if len(files) > 1:
            raise UsageError(f"{len(files)} files make up this session ({', '.join(files)}); name a folder with -o")
        context.terminal.data(next(iter(files.values())))
        return
    places = _places(files, target, str(output).endswith(("/", "\\")))
    if not force:
        refuse_existing(places)
    for path, data in places.items():
        if not dry_run:
            write_file(path, data)
    if context.json:
        written = [{"path": str(path), "bytes": len(data)} for path, data in places.items()]
        context.terminal.json({"id": found.id, "format": chosen, "written": not dry_run, "files": written})
    else:
        for path in places:
            context.terminal.notice(f"{'would write' if dry_run else 'wrote'} {path}")


def _files(archive: Archive, found: Found, form: str) -> dict[str, bytes]:
    """The files of an export, by relative name."""
    if form == "native":
        return archive.native_files(found)
    stem = PurePosixPath(found.path).stem
    if form == "json":
        from chasm_git.outputs.cli.terminal import json_text

        return {f"{stem}.json": json_text(archive.universal(found)).encode() + b"\n"}
    from chasm_git.session.conversation import as_markdown

    return {f"{stem}.md": as_markdown(archive.session(found), archive.attachments(found)).encode()}


def _places(files: dict[str, bytes], target: Path, is_folder: bool) -> dict[Path, bytes]:
    """Where each file goes: `target` itself for a single one, unless that is a folder. Raises UsageError."""
    if len(files) == 1 and not is_folder and not target.is_dir():
        return {target: next(iter(files.values()))}
    places = {}
    for name, data in files.items():
        inner = PurePosixPath(name.replace("\\", "/"))
        if inner.is_absolute() or ".." in inner.parts or ":" in name:
            raise UsageError(f"this session wants to be written to {name!r}, outside of {target}")
        places[target.joinpath(*inner.parts)] = data
    return places
