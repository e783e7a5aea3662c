"""Roo Code: tasks of the VS Code extension, kept the way Cline keeps them (see `cline_task`)."""

from __future__ import annotations

from chasm_git.providers.cline import Tasks


class RooCode(Tasks):
    """Tasks of the extension and of its nightly builds, in every editor of the family."""

    name = "roo-code"
    title = "Roo Code"
    note = "tasks of the VS Code extension in every editor of the family; not where customStoragePath moved them"
    extensions = ("rooveterinaryinc.roo-cline", "rooveterinaryinc.roo-code-nightly")
