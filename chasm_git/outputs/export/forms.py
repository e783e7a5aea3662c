"""The forms a session can be exported in, and the files each one makes.

Markdown, JSON and JSON lines carry the session itself along (`session.carried`), so that what was exported can come in
again; the plain ones are for eyes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chasm_git.errors import ChasmError
from chasm_git.session import attachments, carried

if TYPE_CHECKING:
    from chasm_git.api import Archive, Found
    from chasm_git.session.model import Session

FORMS = ("md", "html", "json", "jsonl", "csv", "text", "native")
STYLES = ("messages", "chat")
BY_SUFFIX = {
    ".json": "json",
    ".md": "md",
    ".markdown": "md",
    ".html": "html",
    ".htm": "html",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".txt": "text",
    ".text": "text",
}
TOGETHER = frozenset({"json", "jsonl", "csv", "text"})
"""Forms in which several sessions can stand in one file."""
MANIFEST = "chasm-export.json"
"""What was exported natively, with the sessions: the providers' own files do not say all that the archive knows."""

_SUFFIX = {"md": ".md", "html": ".html", "json": ".json", "jsonl": ".jsonl", "csv": ".csv", "text": ".txt"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How sessions are to be exported."""

    form: str
    plain: bool = False
    """Nothing is carried along."""
    style: str = "messages"
    """Of JSON lines: a message a line, or (``chat``) a session a line, as models are tuned on."""
    beside: bool = False
    """Attachments become files in a folder beside the session's own."""


def names(found: Found, wanted: Wanted, *, several: bool) -> list[str]:
    """Where a session goes, relative to the target: a file, or (native ones of several) a folder."""
    stem = PurePosixPath(found.path).stem
    if several:
        stem = f"{found.provider}/{stem}"
    made = [stem + _SUFFIX[wanted.form]] if wanted.form in _SUFFIX else [stem]
    return [*made, f"{stem}.files"] if wanted.beside else made


def files(archive: Archive, found: Found, wanted: Wanted, *, several: bool = False) -> dict[str, bytes]:
    """The files of one session, by name relative to the target. Raises Unreadable, ChasmError.

    Args:
        several: whether it is one of several, each in a place of its own.
    """
    name, *folders = names(found, wanted, several=several)
    if wanted.form == "native":
        own = native(archive, found)
        made = {f"{name}/{inner}": data for inner, data in own.items()} if several else dict(own)
    else:
        made = {name: one(archive, found, wanted, files_at=_last(folders))}
    for folder in folders:
        made |= {f"{folder}/{inner}": data for inner, data in attached(archive, found)}
    return made


def native(archive: Archive, found: Found) -> dict[str, bytes]:
    """The provider's own files of a session. Raises ChasmError where it holds none of the provider's records."""
    own = archive.native_files(found)
    if not any(own.values()) and archive.session(found).messages:
        raise ChasmError(
            f"{found.id} holds no records of {found.provider}: it was not harvested from there; "
            "`chasm resume ID --in PROVIDER` writes it anew, --format md or json gives what was said"
        )
    return own


def one(archive: Archive, found: Found, wanted: Wanted, *, files_at: str | None = None) -> bytes:
    """A session in a form that is one file."""
    if wanted.form in TOGETHER:
        return b"".join(together(archive, [found], wanted, as_list=False))
    session, load = archive.session(found), archive.attachments(found)
    if wanted.form == "html":
        from chasm_git.outputs.export.page import session_page

        return session_page(session, load, files=files_at).encode("utf-8", "replace")
    from chasm_git.session.conversation import as_markdown

    link = _linked(session, files_at) if files_at is not None else None
    if wanted.plain:
        return as_markdown(session, load, link=link).encode()
    text = as_markdown(session, load, ids=True, link=link).encode()
    return carried.with_comment(text, session, load if files_at is None else None)


def _linked(session: Session, folder: str) -> Callable[[str], str | None]:
    """Gives the address of an image whose attachment is in a folder."""
    from chasm_git.outputs.export.images import Images

    images = Images(session, None)

    def link(name: str) -> str | None:
        attachment = images.attachment(name)
        return quote(f"{folder}/{attachment}") if attachment is not None else None

    return link


def together(
    archive: Archive,
    found: Iterable[Found],
    wanted: Wanted,
    *,
    as_list: bool = True,
    failed: Callable[[Found, ChasmError], None] | None = None,
) -> Iterator[bytes]:
    """Sessions in one file (`TOGETHER`), in pieces: never more than one of them is in memory.

    Args:
        as_list: whether JSON is a list of sessions; else it is the only one.
        failed: is told of a session that cannot be exported, and the others follow; without it that is an error.
    """

    def made() -> Iterator[bytes]:
        for one in found:
            try:
                yield _piece(archive, one, wanted)
            except ChasmError as error:
                if failed is None:
                    raise
                failed(one, error)

    if wanted.form == "json" and as_list:
        yield from _listed(made())
    elif wanted.form == "json":
        yield from (piece + b"\n" for piece in made())
    elif wanted.form == "csv":
        from chasm_git.outputs.export.rows import csv_heading

        yield csv_heading()
        yield from made()
    else:
        between = b"\n" if wanted.form == "text" else b""
        for number, piece in enumerate(made()):
            yield between + piece if number else piece


def manifest(archive: Archive, listed: Iterable[tuple[Found, list[str]]]) -> Iterator[bytes]:
    """What was exported natively: each session with its files, and itself."""
    from chasm_git.outputs.cli.terminal import json_text

    def about(found: Found, files: list[str]) -> bytes:
        packed = carried.as_value(archive.session(found), archive.attachments(found))
        return json_text({"id": found.id, "provider": found.provider, "files": files, carried.KEY: packed}).encode()

    yield b'{\n  "chasm_export": 1,\n  "sessions": '
    for piece in _listed(about(*one) for one in listed):
        yield piece.replace(b"\n", b"\n  ") if piece != b"\n" else b""
    yield b"\n}\n"


def _listed(values: Iterable[bytes]) -> Iterator[bytes]:
    """JSON values as a list, as it is laid out with an indent of two."""
    before = b"[\n  "
    for value in values:
        yield before + value.replace(b"\n", b"\n  ")
        before = b",\n  "
    yield b"[]" if before.startswith(b"[") else b"\n]"
    yield b"\n"


def _piece(archive: Archive, found: Found, wanted: Wanted) -> bytes:
    """A session's part of a file of several."""
    if wanted.form == "csv":
        from chasm_git.outputs.export.rows import csv_rows

        return csv_rows(archive.universal(found))
    if wanted.form == "text":
        from chasm_git.session.conversation import as_text

        return as_text(archive.session(found), archive.attachments(found)).encode()
    shown = _universal(archive, found, wanted)
    if wanted.form == "jsonl":
        return _lines(shown, wanted)
    from chasm_git.outputs.cli.terminal import json_text

    return json_text(shown).encode()


def _lines(shown: dict[str, Any], wanted: Wanted) -> bytes:
    from chasm_git.outputs.export.rows import json_line, json_lines
    from chasm_git.session.chat import as_chat

    if wanted.style == "chat":
        record = as_chat(shown)
        return json_line(record) if record is not None else b""
    return json_lines(shown, shown.pop(carried.KEY, None))


def _universal(archive: Archive, found: Found, wanted: Wanted) -> dict[str, Any]:
    shown = archive.universal(found)
    if not wanted.plain and wanted.style != "chat":
        load = archive.attachments(found) if not wanted.beside else None
        shown[carried.KEY] = carried.as_value(archive.session(found), load)
    return shown


def attached(archive: Archive, found: Found) -> Iterator[tuple[str, bytes]]:
    """The attachments of a session, by name."""
    load = archive.attachments(found)
    for name in sorted(attachments.names_of(archive.session(found))):
        try:
            yield name, load(name)
        except KeyError:
            continue  # `verify` names what is missing


def _last(folders: list[str]) -> str | None:
    return PurePosixPath(folders[0]).name if folders else None
