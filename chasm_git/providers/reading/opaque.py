"""Conversations that a client keeps encrypted: nobody but the client can read them, so the file is kept as it is.

Such a session has an id and no messages; its `native` is ``{"name": file, "opaque": bytes}`` (see `native.raw_line`).
"""

from __future__ import annotations

import re
from pathlib import Path

from chasm_git.providers.base import Problem, Reading
from chasm_git.providers.reading import document
from chasm_git.providers.reading.values import as_dict, identity
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Session
from chasm_git.session.native import raw_line

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


def read(path: Path, provider: str, reading: Reading) -> None:
    """Keep a file as a session, and say why there is nothing to read in it. Raises OSError."""
    data = path.read_bytes()
    key = identity(path.stem)
    if not data or key is None:
        return
    builder = Builder()
    native = {"name": path.name, "opaque": raw_line(data, builder.attachments)}
    reading.sessions.append(Session(key, provider, native=native))
    reading.attachments |= builder.attachments
    reason = f"encrypted by the client, which alone has the key; its {len(data)} bytes are kept as they are"
    reading.problems.append(Problem(str(path), reason, fatal=False))


def is_opaque(session: Session) -> bool:
    """Whether a session is a file that was kept."""
    return "opaque" in as_dict(session.native)


def export(session: Session, load: Load) -> dict[str, bytes]:
    """The file that was kept. Raises KeyError where an attachment is missing."""
    native = as_dict(session.native)
    name = native.get("name")
    safe = name if type(name) is str and _NAME.fullmatch(name) else "session.pb"
    return {safe: document.file_of(native["opaque"], load)}
