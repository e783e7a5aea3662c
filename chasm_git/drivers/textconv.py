"""What git shows and compares instead of a session file: ``python -m chasm_git.drivers.textconv FILE``.

git starts this for every file in a diff and gives up on the whole diff when it fails. So it always prints something a
person can read and always ends with 0: the conversation, or the file itself where it is no session file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from chasm_git.session.display import file_text


def main(arguments: list[str] | None = None) -> int:
    """Print the text of the file named on the command line."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        print("usage: python -m chasm_git.drivers.textconv FILE", file=sys.stderr)
        return 2
    try:
        text = file_text(Path(given[0]).read_bytes())
    except OSError as error:
        text = f"!! cannot be opened: {error.strerror}\n"
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # a pager that was left
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
