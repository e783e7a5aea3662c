"""`chasm recover convert`: one session file as JSON, JSON lines or Markdown."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from chasm_git.errors import ChasmError, SourcesUnreadable
from chasm_git.outputs.cli.context import Context


@click.command("convert")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--to", "form", type=click.Choice(["json", "jsonl", "md"]), required=True, help="What it becomes.")
@click.option("-o", "--output", metavar="NEW", help="The new file, or - for standard output; else beside FILE.")
@click.option("--provider", "-p", metavar="P", help="Whose file it is, where its content does not say.")
@click.option("--universal", is_flag=True, help="The universal form, also where its client reads another one.")
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@click.pass_obj
def command(
    context: Context,
    file: Path,
    form: str,
    output: str | None,
    provider: str | None,
    universal: bool,
    force: bool,
) -> None:
    """Write the session in FILE as JSON, JSON lines or Markdown, whichever of them it is now.

    VS Code's chats become the other form VS Code reads: an object, or a log. Everything else takes the universal form,
    which `chasm import path` reads again.
    """
    from chasm_git import api
    from chasm_git.outputs.cli import exporting
    from chasm_git.outputs.files import refuse_existing, write_file

    place = None if output == "-" else Path(output or file.with_suffix(f".{form}")).expanduser()
    if place is not None and not force:
        refuse_existing([place])
    if not universal and provider in (None, "vscode") and (data := api.other_form(file, form)) is not None:
        if place is None:
            context.terminal.data(data)
        else:
            write_file(place, data)
            context.terminal.notice(f"written: {place}")
        return
    with tempfile.TemporaryDirectory(prefix="chasm-") as folder, api.make_archive(Path(folder) / "a") as archive:
        report = archive.import_files([file], provider=provider, natives=True)
        found = [archive.find(f"{one.provider}/{one.id}") for one in report.results]
        for problem in report.problems:
            context.terminal.notice(f"chasm: {problem}")
        if not found:
            raise ChasmError(f"{file}: no session is found in it; `chasm recover repair` first, if it is damaged")
        target = str(place) if place is not None else None
        asked = exporting.Asked(form, False, "messages", False, force, False)
        exporting.export(context, archive, found, target, asked, file.name, to_folder=False)
        if any(problem.fatal for problem in report.problems):
            raise SourcesUnreadable(f"{file} could not be read as a whole")
