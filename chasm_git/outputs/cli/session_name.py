"""Session ids on the command line, completed from the search cache: nothing is read for it but that."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from chasm_git.outputs.cli.context import Context

_MOST = 50


class SessionName(click.ParamType):  # type: ignore[type-arg]
    """An id, or the beginning of one."""

    name = "session"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The sessions whose id begins so, the latest first, with their titles."""
        from click.shell_completion import CompletionItem

        from chasm_git.errors import ChasmError
        from chasm_git.outputs.cli.context import Context

        found = ctx.find_object(Context) or Context(os.environ)
        try:
            return [CompletionItem(name, help=_title(title)) for name, title in _known(found, incomplete)]
        except (ChasmError, OSError):
            return []  # a shell has no place for an error


def _known(context: Context, incomplete: str) -> list[tuple[str, str | None]]:
    with context.open_archive() as archive:
        return archive.known_sessions(incomplete, _MOST)


def _title(title: str | None) -> str | None:
    from chasm_git.session.readable import visible

    return visible(" ".join(title.split()))[:60] if title else None
