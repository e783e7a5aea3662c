"""`chasm sync --pull` and `--push`: the archive and the tools on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from chasm_git.errors import SourcesUnreadable
from chasm_git.outputs.cli import writing_back
from chasm_git.outputs.cli.context import Context


def exchange(
    context: Context, *, pull: bool, push: bool, providers: Sequence[str], workspace: str | None, dry_run: bool
) -> None:
    """Bring what is new in the tools into the archive, then what they lack back into them; each half as asked.

    Raises SourcesUnreadable where sources could not be read, ChasmError where sessions could not be written.
    """
    from chasm_git.outputs.cli.harvest_run import archive_of, finish, names_checked, split

    names, terminal = split(tuple(providers)), context.terminal
    with archive_of(context, dry_run, names_checked(names)) as archive:
        pulled = pushed = None
        if pull:
            with terminal.progress("reading") as advance:
                pulled = archive.harvest(
                    context.env(), providers=names, workspace=workspace, dry_run=dry_run, progress=advance
                )
        if push:
            with terminal.progress("writing") as advance:
                pushed = archive.push_to_providers(
                    context.env(), providers=names, workspace=workspace, dry_run=dry_run, progress=advance
                )
    if pulled is not None and pushed is not None and context.json:
        terminal.json({"pulled": pulled.as_json(), "pushed": pushed.as_json()})
    is_printed = pulled is not None and pushed is not None and context.json
    unread: SourcesUnreadable | None = None
    if pulled is not None:
        try:
            finish(context, pulled, dry_run, is_printed=is_printed)
        except SourcesUnreadable as error:  # what could be read is there: the other half is told, too
            unread = error
    if pushed is not None:
        writing_back.finish(context, pushed, is_printed=is_printed)
    if unread is not None:
        raise unread
