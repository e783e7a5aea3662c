"""Writing files a person asked for: whole or not at all, and never over another one unasked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from chasm_git.errors import ChasmError


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raises ChasmError if one of the files is there already."""
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise ChasmError(f"{there[0]}{more} exists; choose another place, or write over it with --force")


def write_file(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name[:100]}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
