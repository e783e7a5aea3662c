"""Planning how a session's own files go back: what every writer of files shares.

The provider's `export` gives the files, byte for byte; what is decided here is whether they may take the place of what
a store holds. The answer is in the records: a store that has none we lack is older, any other is newer.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.providers.writing import readback
from chasm_git.providers.writing.applying import content
from chasm_git.providers.writing.contract import Expected, FileChange, Standing, Target, WritePlan, derived_id
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session
from chasm_git.session.native import kept_line, record_line

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_TELLING = 48
"""Bytes of a row that say which row it is: rows begin with ids or times."""
_ORDER = [Standing.SAME, Standing.ABSENT, Standing.OLDER, Standing.NEWER]


def is_own(session: Session, provider: str, target: Target) -> bool:
    """Whether a session goes back as it was: its records are the provider's, and no copy is wanted."""
    if target.copy or session.provider != provider or registry.writer_of(session).name != provider:
        return False
    return any(message.native is not None for message in session.messages)


def key_of(provider: str, session: Session, target: Target) -> str:
    """The id a session has in a tool: its own where it goes back as it was, else a derived one."""
    return session.id if is_own(session, provider, target) else derived_id(provider, session, target.revision)


def new_plan(
    provider: str, session: Session, env: Env, target: Target, root: Path, *, key: str | None = None
) -> WritePlan:
    """A plan with nothing in it yet.

    Args:
        key: the id the session gets; None = as `key_of`.
    """
    plan = WritePlan(provider, key if key is not None else key_of(provider, session, target), env, root)
    plan.is_converted = not is_own(session, provider, target)
    plan.folder = target.folder or session.workspace
    return plan


def resuming(provider: str, session: Session, target: Target, *words: str) -> str | None:
    """The command that goes on with a session by its id; None for a sub-agent's, which goes on only within its own."""
    if session.parent is not None and is_own(session, provider, target):
        return None
    return command(target.folder or session.workspace, *words, key_of(provider, session, target))


def safe_name(name: str) -> str | None:
    """A name that may become a file's, or None: ids come from strangers."""
    return name if _NAME.fullmatch(name) and ".." not in name else None


def standing_of(provider: str, session: Session, load: Load, env: Env, place: Path, data: bytes) -> Standing:
    """What the store holds of a session at `place`, where `data` would be written. Raises KeyError, OSError."""
    there = content(place)[0]
    if there is None:
        return Standing.ABSENT
    found = readback.held(registry.load(provider), env, place, session.id)
    if found is None:  # no session to its reader: nothing, or the beginning of what we write, or something else
        return Standing.OLDER if data.startswith(there) else Standing.NEWER
    return readback.standing(readback.records(*found), readback.records(session, load))


def without_torn_row(session: Session, load: Load) -> Session:
    """The session without the torn row it ends in, where that is the beginning of a row it has as a whole.

    A file that lost its end may have lost it in the middle of a row; the archive has kept both. A few characters begin
    many a row, and stay.
    """
    native = session.native if type(session.native) is dict else {}
    tail = kept_line(native.get("tail"), load)
    if tail is None or len(tail) < _TELLING:
        return session
    if not any(record_line(m, load).startswith(tail) for m in session.messages if m.native is not None):
        return session
    rest = {name: value for name, value in native.items() if name != "tail"}
    return replace(session, native=rest or None)


def add_files(plan: WritePlan, session: Session, load: Load, files: dict[Path, bytes]) -> None:
    """Add a session's own files to a plan; the first one is the file its reader finds it by.

    Raises KeyError where an attachment is missing, OSError where the store cannot be read.
    """
    place, data = next(iter(files.items()))
    is_first = not plan.expected
    stands = standing_of(plan.provider, session, load, plan.env, place, data)
    plan.standing = stands if is_first else _together(plan.standing, stands)
    plan.expected.append(Expected(session.id, place, readback.records(session, load)))
    plan.left_out.update(given_up(session))
    for path, wanted in reversed(files.items()):  # its side files first: the session's own file makes it appear
        there, before = content(path)
        if there is None or (there != wanted and stands is not Standing.SAME):
            plan.changes.append(FileChange(path, wanted, before, "session" if path == place else "side file"))


def given_up(session: Session) -> Counter[str]:
    """What a session has in the archive that its provider has no place for."""
    found = Counter(
        {
            "variants": sum(len(message.variants) for message in session.messages),
            "tags": len(session.tags),
            "deleted messages": sum(message.deleted for message in session.messages),
        }
    )
    return +found


def _together(one: Standing, other: Standing) -> Standing:
    """How a session stands whose parts stand differently: what must not be lost counts most."""
    if one is other:
        return one
    return max((Standing.OLDER if part is Standing.ABSENT else part for part in (one, other)), key=_ORDER.index)


def add_new_file(plan: WritePlan, path: Path, data: bytes, said: Counter[tuple[str, ...]], **given: bool) -> None:
    """Add the file of a converted session, and what must come back of it; one that is there already is gone on with.

    A copy that was gone on with in the tool begins with what we would write, and is left alone.
    """
    there, before = content(path)
    if there is not None and there.startswith(data.rstrip(b"\n")):
        plan.standing = Standing.SAME
        if there != data and len(there) > len(data):
            plan.notes.append("it has been put there before and gone on with: it stays as it is")
    else:
        plan.standing = Standing.ABSENT if there is None else Standing.NEWER
        plan.changes.append(FileChange(path, data, before))
    plan.expected.append(Expected(plan.session_id, path, None, said, **given))


def command(folder: str | None, *words: Iterable[str] | str) -> str:
    """A shell command, run in a folder."""
    said = shlex.join(str(word) for word in words)
    return f"cd {shlex.quote(folder)} && {said}" if folder else said
