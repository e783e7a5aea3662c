"""git's merge driver for session files: ``python -m chasm_git.drivers.merge BASE OURS THEIRS``.

The result replaces OURS, whole or not at all. Statuses of our own tell the command git runs (see `archive.install`)
how it went; any other status (no Python, no package, killed) means that nothing was merged, and git's own text merge
takes over, so that no side is ever dropped in silence.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from chasm_git.session import codec
from chasm_git.session.merge import merge

MERGED = 0
CONFLICTS = 10
"""Merged, with both texts of what was edited on both sides in the file; a person is to choose."""
UNREADABLE = 11


def main(arguments: list[str] | None = None) -> int:
    """Merge the three files named on the command line."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 3:
        print("usage: python -m chasm_git.drivers.merge BASE OURS THEIRS", file=sys.stderr)
        return 2
    base, ours, theirs = (Path(name) for name in given)
    try:
        merged = merge(base.read_bytes() or None, ours.read_bytes(), theirs.read_bytes())
    except codec.CodecError as error:
        print(f"chasm: not merged by messages: {error}", file=sys.stderr)
        return UNREADABLE
    whole = ours.with_name(f".chasm-{os.getpid()}.tmp")  # a name every archive tells git to overlook
    try:
        whole.write_bytes(merged.data)
        whole.replace(ours)
    finally:
        whole.unlink(missing_ok=True)
    return CONFLICTS if merged.conflicts else MERGED


if __name__ == "__main__":
    sys.exit(main())
