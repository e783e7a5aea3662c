"""Sessions of a commit chosen by what their headers say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from chasm_git.archive import layout, naming
from chasm_git.archive.naming import SessionFile
from chasm_git.session import codec
from chasm_git.session.forgotten import is_forgotten
from chasm_git.session.model import Session
from chasm_git.session.readable import visible

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


class Chosen(NamedTuple):
    """A session's file, and what its header says."""

    file: SessionFile
    header: Session
    """Without messages."""


def headers(archive: Archive, commit: str | None, unread: list[str] | None = None) -> Iterator[Chosen]:
    """Every session of a commit in the order of paths, but for those that were forgotten or cannot be read.

    Args:
        unread: gets the paths of those that cannot be read.
    """
    for path, blob in archive.files(commit, layout.SESSIONS).items():
        where = layout.parse_session_path(path)
        if where is None:
            continue
        try:
            data = archive.read(blob)
            session = _header(data)
        except (KeyError, codec.CodecError):  # `verify` says what is wrong with them
            if unread is not None:
                unread.append(path)
            continue
        if not is_forgotten(data):
            yield Chosen(SessionFile(path, session.id, where.provider, blob), session)


def _header(data: bytes) -> Session:
    try:
        return codec.loads_header(codec.split(data)[0])
    except ValueError:
        return codec.loads(data)


def at(archive: Archive, revision: str | None) -> str | None:
    """The commit of a revision, the latest one by default. Raises NoSuchRevision."""
    return archive.head() if revision is None else naming.resolve(archive, revision)


def held_in(
    archive: Archive, folders: Sequence[str], commit: str | None, unread: list[str] | None = None
) -> list[SessionFile]:
    """The sessions held in any of some folders, or below them.

    Args:
        folders: as a person writes them: relative to here, or as they were on another machine.
        unread: as of `headers`.
    """
    wanted = {_comparable(form) for folder in folders for form in _forms(folder)}
    return [one.file for one in headers(archive, commit, unread) if _is_below(one.header.workspace, wanted)]


def of_workspace(archive: Archive, name: str, commit: str | None, unread: list[str] | None = None) -> list[SessionFile]:
    """The sessions of a workspace: of the one with this path, else of all that are called so (`is_called`)."""
    found = list(headers(archive, commit, unread))
    whole = {_comparable(name)}
    exact = [one.file for one in found if one.header.workspace and _comparable(one.header.workspace) in whole]
    return exact or [one.file for one in found if one.header.workspace and is_called(one.header.workspace, name)]


def is_called(workspace: str, name: str) -> bool:
    """Whether a workspace's path holds a text; with ``*`` or ``?`` in it, whether path or last name match it."""
    place, asked = _comparable(workspace).casefold(), name.replace("\\", "/").casefold()
    if "*" not in asked and "?" not in asked:
        return asked in place
    asked = asked.replace("[", "[[]")
    return fnmatchcase(place, asked) or fnmatchcase(place.rpartition("/")[2], asked)


def some(found: list[SessionFile], place: str) -> list[SessionFile]:
    """The sessions that were found at a place. Raises NoSuchSession where there are none."""
    if not found:
        raise naming.NoSuchSession(
            f"no session was held in {visible(place)!r}; `chasm list workspaces` shows where some were"
        )
    return found


def _is_below(workspace: str | None, folders: Set[str]) -> bool:
    if not workspace:
        return False
    place = _comparable(workspace)
    return any(place == folder or place.startswith(folder.rstrip("/") + "/") for folder in folders)


def _forms(path: str) -> Iterator[str]:
    yield path
    if "://" not in path:
        given = Path(path).expanduser().absolute()
        yield str(given)
        yield str(given.resolve())


def _comparable(path: str) -> str:
    if path.startswith("file://"):
        path = unquote(path.removeprefix("file://"))
    return path.replace("\\", "/").rstrip("/") or "/"
