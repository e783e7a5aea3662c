"""Where things stand in the archive's tree. Ids come from strangers: none becomes a path unchecked.

::

    sessions/<provider>/<YYYY>/<MM>/<name>.yaml     year and month of the first message; ``undated/`` without one
    attachments/<aa>/<sha256>.<ext>
    chasm.yaml                                      shared settings
    .gitattributes

The file name is the session id where that is safe on every file system (lower case letters, digits, ``.``, ``_``,
``-``; no device names); else its safe characters, ``~`` and a hash of the id, so that two ids never share a name, not
even where the file system folds case.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

SESSIONS = "sessions"
ATTACHMENTS = "attachments"

ATTRIBUTES = """\
# every file is kept byte for byte; sessions are merged and shown by message, not by line
* -text
sessions/** merge=chasm diff=chasm -text
attachments/** -diff -merge -text
"""
"""What ``.gitattributes`` says in a new archive."""

EXCLUDES = """\
# unfinished files of chasm
.chasm-*.tmp
"""
"""What ``$GIT_DIR/info/exclude`` says."""

SETTINGS = """\
# Settings of this archive, shared by every machine that uses it. Everything has a default; see `chasm --help`.
"""
"""What ``chasm.yaml`` says in a new archive."""

_SAFE = re.compile(r"[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_LONGEST = 100
_SESSION_PATH = re.compile(r"sessions/([a-z0-9][a-z0-9-]*)/(?:[0-9]{4}/[0-9]{2}|undated)/([^/]+)\.yaml")
_ATTACHMENT_PATH = re.compile(r"attachments/([0-9a-f]{2})/(\1[0-9a-f]{62}(?:\.[a-z0-9]{1,8})?)")


class SessionPath(NamedTuple):
    """What a session file's path says."""

    provider: str
    name: str
    """File name without ``.yaml``; equal to the id unless it holds a ``~``."""


def file_name(session_id: str) -> str:
    """The file name (without ``.yaml``) for a session id."""
    if len(session_id) <= _LONGEST and _SAFE.fullmatch(session_id) and not _DEVICE.fullmatch(session_id):
        return session_id
    digest = hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{readable(session_id) or 'session'}~{digest[:16]}"


def readable(session_id: str) -> str:
    """What a file name with a ``~`` begins with, of the whole id or of its beginning."""
    return re.sub(r"[^a-z0-9_-]+", "-", session_id.lower()).strip("-")[:48]


def session_path(provider: str, session_id: str, created_at: str | None) -> str:
    """The path a new session gets. Raises ValueError for a provider name that is none."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", provider):
        raise ValueError(f"not a provider name: {provider!r}")
    folder = "undated"
    if created_at is not None and re.match(r"[0-9]{4}-[0-9]{2}-", created_at):
        folder = f"{created_at[:4]}/{created_at[5:7]}"
    return f"{SESSIONS}/{provider}/{folder}/{file_name(session_id)}.yaml"


def parse_session_path(path: str) -> SessionPath | None:
    """What the path of a session file says; None for any other path."""
    found = _SESSION_PATH.fullmatch(path)
    return SessionPath(found[1], found[2]) if found else None


def is_attachment_path(path: str) -> bool:
    """Whether a path is one `attachments.path_of` makes."""
    return _ATTACHMENT_PATH.fullmatch(path) is not None
