"""What this machine is called, in refs and in commit messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


def machine_name(archive: Archive, *, keep: bool = True) -> str:
    """The name of this machine in the archive's refs and commit messages.

    Git's setting ``chasm.machine``: the repository's own, else the user's or the system's, else the host name. The
    first harvest (or sync) puts it into the repository's own, so that a host that is renamed (laptops are, by every
    network) goes on under its first name.

    Args:
        keep: put the name there where there is no setting yet.
    """
    named = archive.settings.get("chasm.machine") or _elsewhere(archive)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", named).strip("-")[:60] or "machine"
    if keep and "chasm.machine" not in archive.settings:
        from chasm_git.archive.config import write_config

        write_config(archive.git_dir / "config", {"chasm.machine": name}, archive.scratch)
        archive.settings["chasm.machine"] = name
    return name


def _elsewhere(archive: Archive) -> str:
    import platform

    from chasm_git.archive.config import settings_of

    (named,) = settings_of(archive, "chasm.machine")
    return named or platform.node().partition(".")[0]
