"""What this machine is called, in refs and in commit messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


def machine_name(archive: Archive, *, keep: bool = True) -> str:
    """The name of this machine in the archive's refs and commit messages.

    The repository's setting ``chasm.machine``; the first harvest (or sync) puts the host name there, so that a host
    that is renamed (laptops are, by every network) goes on under its first name.

    Args:
        keep: put the host name there where there is no setting yet.
    """
    import platform

    named = archive.settings.get("chasm.machine") or re.sub(r"[^A-Za-z0-9_-]+", "-", platform.node().partition(".")[0])
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", named).strip("-")[:60] or "machine"
    if keep and "chasm.machine" not in archive.settings:
        from chasm_git.archive.config import write_config

        write_config(archive.git_dir / "config", {"chasm.machine": name}, archive.scratch)
        archive.settings["chasm.machine"] = name
    return name
