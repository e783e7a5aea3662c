"""What was erased from this repository's history, by blob: a remote that still has it must not bring it back unnoticed.

``$GIT_DIR/chasm/erased``, a JSON map of session id -> blob ids. It holds no text of any session.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chasm_git.archive.plumbing import durable

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_FILE = "erased"


def note(archive: Archive, session: str, blobs: Iterable[str]) -> None:
    """Remember the versions of a session that are to be gone."""
    held = _load(archive)
    held[session] = sorted({*held.get(session, ()), *blobs})
    durable.write_whole(archive.state_dir / _FILE, json.dumps(held, indent=1).encode() + b"\n", archive.scratch)


def known(archive: Archive) -> dict[str, str]:
    """Blob id -> id of the session it was a version of."""
    return {blob: session for session, blobs in _load(archive).items() for blob in blobs}


def _load(archive: Archive) -> dict[str, list[str]]:
    try:
        held = json.loads((archive.state_dir / _FILE).read_bytes())
    except (OSError, ValueError):
        return {}  # it only guards; what it names is gone either way
    return {str(name): list(map(str, blobs)) for name, blobs in held.items()} if type(held) is dict else {}
