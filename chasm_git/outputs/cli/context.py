"""What one call of the program knows: its options, where the archive is, whose providers are looked at.

The one place that reads the environment. Commands get it as their first argument (``@click.pass_obj``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chasm_git.api import Archive, Env
    from chasm_git.outputs.cli.terminal import Terminal


class Context:
    """One call. The options of every command are attributes, set while the command line is read."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.archive: str | None = None
        """As given with ``-C``; `archive_path` is where it is."""
        self.home: str | None = None
        self.json = False
        self.quiet = False
        self.debug = False

    @cached_property
    def terminal(self) -> Terminal:
        """Where this call prints."""
        from chasm_git.outputs.cli.terminal import Terminal

        return Terminal(self.variables, quiet=self.quiet)

    def archive_path(self) -> Path:
        """The folder of the archive, whether it exists or not."""
        named = self.archive or self.variables.get("CHASM_ARCHIVE") or self._configured()
        if named:
            return Path(named).expanduser().absolute()
        import platformdirs

        return Path(platformdirs.user_data_dir("chasm", appauthor=False)) / "archive"

    def open_archive(self) -> Archive:
        """The archive of this call, open. Raises NotAnArchive, which says how to make one."""
        from chasm_git.api import open_archive

        return open_archive(self.archive_path())

    def env(self) -> Env:
        """Where providers are looked for. Another home is taken as it is: variables would point back to this one."""
        from chasm_git.api import Env

        if self.home is not None:
            return Env(Path(self.home).expanduser().absolute(), {}, sys.platform)
        return Env(Path.home(), self.variables, sys.platform)

    def _configured(self) -> str | None:
        """Git's setting ``chasm.archive``. Git is started only where a file it reads could hold it."""
        if not any(map(_may_configure, self._git_config_files())):
            return None
        import subprocess

        try:
            done = subprocess.run(
                ["git", "config", "--type=path", "--get", "chasm.archive"], capture_output=True, check=False
            )
        except OSError:
            return None  # no git: `doctor` and every command that needs it say so
        return done.stdout.decode("utf-8", "replace").removesuffix("\n") or None

    def _git_config_files(self) -> list[Path]:
        home = Path.home()
        files = [Path("/etc/gitconfig"), home / ".gitconfig"]
        if named := self.variables.get("GIT_CONFIG_GLOBAL"):
            files.append(Path(named))
        files.append(Path(self.variables.get("XDG_CONFIG_HOME") or home / ".config") / "git" / "config")
        here = Path.cwd()
        for folder in (here, *here.parents):
            git = folder / ".git"
            if git.exists():
                files.append(git / "config" if git.is_dir() else git)
                break
        return files


def _may_configure(path: Path) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return False
    return b"chasm" in text or b"[include" in text or text.startswith(b"gitdir:")
