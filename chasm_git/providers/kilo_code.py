"""Kilo Code: tasks of the VS Code extension and of its first terminal agent, kept the way Cline keeps them.

See `cline_task`. Versions that are built on opencode keep sessions as opencode does, in a database.
"""

from __future__ import annotations

from chasm_git.providers.cline import Tasks


class KiloCode(Tasks):
    """Tasks of the extension, in every editor of the family, and of the terminal agent before it was opencode's."""

    name = "kilo-code"
    title = "Kilo Code"
    note = "tasks of the VS Code extension in every editor of the family, and in ~/.kilocode/cli"
    extensions = ("kilocode.kilo-code",)
    homes = (".kilocode/cli/global",)
