"""What a person says about sessions (tags, titles, notes, where they belong), written into the files: a commit each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from chasm_git.archive import layout, naming
from chasm_git.archive.choose import headers as choose_from
from chasm_git.archive.edit import Edited, edit_headers, read_session
from chasm_git.archive.plumbing import refs
from chasm_git.errors import ChasmError, UsageError
from chasm_git.session import codec, words
from chasm_git.session.model import Session

if TYPE_CHECKING:
    from chasm_git.archive.naming import SessionFile
    from chasm_git.archive.repo import Archive


def tag(
    archive: Archive, names: Sequence[str], add: Iterable[str], remove: Iterable[str], *, dry_run: bool = False
) -> Edited:
    """Give sessions tags, and take some away. Raises NoSuchSession, AmbiguousSession, UsageError for no tag."""
    try:
        added, removed = [[words.clean_tag(text) for text in texts] for texts in (add, remove)]
    except ValueError as error:
        raise UsageError(str(error)) from None
    if both := set(added) & set(removed):
        raise UsageError(f"{min(both)!r} is to be added and to be taken away")
    signed = " ".join([*(f"+{text}" for text in added), *(f"-{text}" for text in removed)])
    return edit_headers(
        archive,
        lambda head: [naming.find_session(archive, name, head) for name in names],
        lambda session, _: words.retag(session, added, removed),
        lambda changed: _message(f"tag: {signed}", changed),
        dry_run=dry_run,
    )


def title(archive: Archive, name: str, text: str | None, *, dry_run: bool = False) -> Edited:
    """Give a session a title, which no provider's title replaces; None gives it back the provider's.

    Raises NoSuchSession, AmbiguousSession, UsageError for an empty one.
    """
    try:
        cleaned = None if text is None else words.clean_title(text)
    except ValueError as error:
        raise UsageError(str(error)) from None

    def change(session: Session, found: SessionFile) -> None:
        given = cleaned if cleaned is not None else _providers_title(archive, found)
        words.retitle(session, given, by_user=cleaned is not None)

    return edit_headers(
        archive,
        lambda head: [naming.find_session(archive, name, head)],
        change,
        lambda changed: _message("title", changed, cleaned),
        dry_run=dry_run,
    )


def note(archive: Archive, name: str, rewrite: Callable[[str], str], *, dry_run: bool = False) -> Edited:
    """Change the note on a session. Raises NoSuchSession, AmbiguousSession, and what `rewrite` raises.

    Args:
        rewrite: gives the new note from the one there is ("" for none).
    """
    return edit_headers(
        archive,
        lambda head: [naming.find_session(archive, name, head)],
        lambda session, _: words.annotate(session, rewrite(words.note_of(session))),
        lambda changed: _message("note", changed),
        dry_run=dry_run,
    )


def move_workspace(archive: Archive, old: str, new: str, *, dry_run: bool = False) -> Edited:
    """Have the sessions of a folder (and of those below it) belong to another one, whatever their provider says.

    Args:
        old, new: paths, or URIs as some providers have them. A session whose folder is a URI gets one.

    Raises UsageError where no session was held there.
    """
    if _plain(old) == _plain(new):
        raise UsageError(f"{old} and {new} are the same folder")

    def choose(head: str | None) -> list[SessionFile]:
        return [one.file for one in choose_from(archive, head) if moved(one.header.workspace, old, new) is not None]

    made = edit_headers(
        archive,
        choose,
        lambda session, _: words.move(session, moved(session.workspace, old, new)),
        lambda changed: _message(f"move: {old} to {new}", changed),
        dry_run=dry_run,
    )
    if not made.changed:
        raise UsageError(f"no session was held in {old}; `chasm list workspaces` shows them all")
    return made


def move_sessions(archive: Archive, names: Sequence[str], new: str, *, dry_run: bool = False) -> Edited:
    """Have sessions belong to a folder. Raises NoSuchSession, AmbiguousSession."""
    return edit_headers(
        archive,
        lambda head: [naming.find_session(archive, name, head) for name in names],
        lambda session, _: words.move(session, new),
        lambda changed: _message(f"move: to {new}", changed),
        dry_run=dry_run,
    )


def moved(workspace: str | None, old: str, new: str) -> str | None:
    """What becomes of a workspace when a folder moves; None where it is not the folder, nor below it."""
    if not workspace:
        return None
    place, folder = _plain(workspace), _plain(old)
    if place != folder and not place.startswith(folder.rstrip("/") + "/"):
        return None
    target = _plain(new) + place[len(folder) :]
    if workspace.startswith("file://") and not new.startswith("file://"):
        from urllib.parse import quote

        return "file://" + quote(target if target.startswith("/") else f"/{target}")
    if "\\" in new and "/" not in new:
        return target.replace("/", "\\")
    return new.rstrip("/\\") + place[len(folder) :] if place != folder else new


def _plain(path: str) -> str:
    """A workspace in the one form that is compared."""
    if path.startswith("file://"):
        from urllib.parse import unquote

        path = unquote(path.removeprefix("file://"))
    path = path.replace("\\", "/")
    return path.rstrip("/") or "/"


def _providers_title(archive: Archive, found: SessionFile) -> str | None:
    """The title that the session's provider last gave it, on whatever machine."""
    wanted = layout.parse_session_path(found.path)
    titles = []
    for ref, commit in refs.list_refs(archive, "refs/chasm/providers/").items():
        if not ref.endswith(f"/{found.provider}"):
            continue
        for path, blob in archive.files(commit, f"{layout.SESSIONS}/{found.provider}").items():
            if layout.parse_session_path(path) == wanted:
                try:
                    titles.append(codec.loads_header(codec.split(archive.read(blob))[0]).title)
                except ValueError:
                    continue
    return next((one for one in titles if one), None)


def words_about(archive: Archive, name: str) -> Session:
    """A session without its messages, for what is said about it. Raises NoSuchSession, AmbiguousSession, ChasmError."""
    found = naming.find_session(archive, name, archive.head())
    data = read_session(archive, found)
    try:
        return codec.loads_header(codec.split(data)[0])
    except ValueError:
        try:
            return codec.loads(data)
        except codec.CodecError as error:
            raise ChasmError(f"{found.path}: {error}") from error


def _message(subject: str, changed: Sequence[SessionFile], about: str | None = None) -> str:
    """The commit's message: a line of its own for every session, so that one that is forgotten goes from it, too."""
    shown = re.sub(r"\s+", " ", "".join(char if char.isprintable() else " " for char in subject)).strip()
    if len(changed) == 1:
        only = changed[0]
        return f"{shown} ({only.id})" + (f"\n\n~ {only.provider} {only.id}  {about}\n" if about else "\n")
    return "\n".join([f"{shown} ({len(changed)} sessions)", "", *(f"~ {one.provider} {one.id}" for one in changed)])
