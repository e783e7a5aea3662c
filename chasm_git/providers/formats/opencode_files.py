"""Sessions of opencode before 1.2: a file for each session, each message and each part of one.

::

    storage/session/<project>/<session>.json
    storage/message/<session>/<message>.json
    storage/part/<message>/<part>.json
    storage/{todo,session_diff}/<session>.json

A message's file is written again when its answer is complete, so what changes within parts is noticed by it; of the
folders with parts, it is noticed when one is added. A record is a message with its parts, by the paths of their files.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_ISDIR
from typing import Any

from chasm_git.providers.base import Problem, Reading, Source, stamp
from chasm_git.providers.formats.opencode_parts import fields_of, time_of
from chasm_git.providers.reading import document, folders
from chasm_git.providers.reading.sqlite_copy import order_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, origin_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Session
from chasm_git.session.native import MARKERS, kept_line, raw_line, unfold

_FILE = "session_file"
_SIDE_FILES = "side_files"
_SIDE = ("todo", "session_diff")
_PATH = re.compile(r"(session|message|part|todo|session_diff)(/(?!\.)[^/\\\0]+){1,2}\.json")
_UNSAFE = re.compile(r"[^0-9A-Za-z_-]+")


def sources(provider: str, storage: Path, database: Path | None, faults: list[Problem]) -> Iterator[Source]:
    """The sessions below a folder.

    Args:
        database: the client's database, where it has one: it may hold these sessions too.
    """
    projects = folders.folders(storage / "session", faults)
    parts = {entry.name: entry for entry in folders.listed(storage / "part", faults)} if projects else {}
    for project in projects:
        for entry in folders.listed(project.path, faults):
            if not entry.name.endswith(".json") or not folders.is_file(entry):
                continue
            key = entry.name.removesuffix(".json")
            messages = _messages(storage, key, faults)
            extra: dict[str, Any] = {"messages": sorted({Path(message.path).parent.name for message in messages})}
            if database is not None:
                extra["database"] = str(database)
            for found in folders.source(provider, f"{project.name}/{entry.name}", entry, faults, extra=extra):
                side = [storage / name / entry.name for name in _SIDE]
                marks = _marks(messages, parts, side)
                yield Source(provider, found.key, found.path, f"{found.stamp} {marks}", extra)


def _messages(storage: Path, key: str, faults: list[Problem]) -> list[os.DirEntry[str]]:
    """The files of a session's messages; some versions left the start of the id out of the folder's name."""
    for name in (key, key.removeprefix("ses_")):
        found = [e for e in folders.listed(storage / "message" / name, faults) if e.name.endswith(".json")]
        if found:
            return found
    return []


def _marks(messages: list[os.DirEntry[str]], parts: dict[str, os.DirEntry[str]], side: list[Path]) -> str:
    """The state of all files of a session but its own, in one word; its number is their size."""
    size = 0
    digest = hashlib.sha256()
    for message in messages:
        folder = parts.get(message.name.removesuffix(".json"))
        for entry in (message, folder):
            size += _add(entry, digest) if entry is not None else 0
    for path in side:
        size += _add(path, digest)
    return f"{size}:{digest.hexdigest()[:24]}"


def _add(place: os.DirEntry[str] | Path, digest: Any) -> int:
    """Add the state of a file to a digest; gives its size. What has gone has none."""
    try:
        found = place.stat()
    except OSError:
        return 0
    digest.update(f"{stamp(found)}\n".encode())
    return 0 if S_ISDIR(found.st_mode) else found.st_size


def is_from_files(session: Session) -> bool:
    """Whether a session was read from files."""
    return type(session.native) is dict and _FILE in session.native


def export(session: Session, load: Load) -> dict[str, bytes]:
    """The files of a session, by their paths below ``storage``; its own is the first."""
    files: dict[str, bytes] = {}
    native = as_dict(session.native)
    records = [document.unfolded(native.get(_FILE), load)]
    records += [unfold(message, load) for message in session.messages if message.native is not None]
    records.append(document.unfolded(native.get(_SIDE_FILES), load))
    for record in records:
        for path, value in as_dict(record).items():
            if _PATH.fullmatch(path):
                line = kept_line(value, load)
                files[path] = line if line is not None else jsonio.dumps(value)
    return files or {f"session/global/{_UNSAFE.sub('-', session.id)}.json": b"{}"}


def read(provider: str, path: Path, folder: Json) -> Reading:
    """The session of a file; none where nobody said anything in it. Raises OSError.

    Args:
        folder: the names of the folders its messages are in, as `sources` found them.
    """
    return _Tree(provider, path, [name for name in as_list(folder) if type(name) is str] or [path.stem]).reading()


class _Tree:
    """Reads the files of one session."""

    def __init__(self, provider: str, path: Path, names: list[str]) -> None:
        self._path = path
        self._storage = path.parent.parent.parent
        self._names = names
        self._reading = Reading()
        self._builder = Builder()
        self._session = Session(path.stem, provider)
        self._loose: list[tuple[Path, Json]] | None = None

    def reading(self) -> Reading:
        """What the files hold."""
        session, into = self._session, self._builder.attachments
        own = self._value(self._path)
        info = as_dict(own)
        session.id = identity(info.get("id")) or self._path.stem
        session.title, session.workspace = text(info.get("title")), text(info.get("directory"))
        session.parent = text(info.get("parentID"))
        session.forked_from = origin_id(info)
        undone = as_dict(info.get("revert"))
        is_undone = False
        for key, record, fields in self._messages():
            if key == undone.get("messageID"):
                is_undone = True
                fields["inactive"] = "partID" not in undone
            elif is_undone:
                fields["inactive"] = True
            self._builder.message(record, id=key, **fields)
        if not self._builder.messages:
            return Reading(problems=self._reading.problems)
        session.messages = self._builder.messages
        session.created_at = next((m.timestamp for m in session.messages if m.timestamp is not None), None)
        session.created_at = session.created_at or time_of(info, "created")
        session.native = {_FILE: document.folded({self._name(self._path): own}, into)}
        beside = (path for n in _SIDE if (path := self._storage / n / self._path.name).is_file())
        side = {self._name(path): value for path, value in self._values(beside)}
        if side:
            session.native[_SIDE_FILES] = document.folded(side, into)
        self._reading.attachments = into
        self._reading.sessions = [session]
        return self._reading

    def _messages(self) -> list[tuple[str | None, dict[str, Json], dict[str, Any]]]:
        """Each message in order: its id, its record, and what it says."""
        found = []
        for name in self._names:
            for path, value in self._values(_listed(self._storage / "message" / name)):
                info = as_dict(value)
                key = identity(info.get("id")) or path.stem
                record = {self._name(path): value}
                parts = []
                for file, part in self._parts(key):
                    record[self._name(file)] = part
                    parts.append(as_dict(part))
                found.append(
                    (order_of(as_dict(info.get("time")).get("created"), key), key, record, fields_of(info, parts))
                )
        found.sort(key=lambda one: one[0])
        return [(key, record, fields) for _, key, record, fields in found]

    def _parts(self, key: str) -> list[tuple[Path, Json]]:
        """The parts of a message; the first versions kept those of all messages in one folder."""
        if listed := _listed(self._storage / "part" / key):
            return list(self._values(listed))
        if self._loose is None:
            self._loose = list(self._values(_listed(self._storage / "part")))
        return [(path, part) for path, part in self._loose if as_dict(part).get("messageID") == key]

    def _values(self, paths: Iterable[Path]) -> Iterator[tuple[Path, Json]]:
        """The values of the files there are; one that cannot be opened is a problem, and the others are read."""
        for path in paths:
            try:
                yield path, self._value(path)
            except FileNotFoundError:  # since its folder was listed
                continue
            except OSError as error:
                self._reading.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))

    def _value(self, path: Path) -> Json:
        """The value of a file; of a broken one, its bytes."""
        data = path.read_bytes()
        try:
            value = jsonio.loads(data)
        except ValueError as error:
            self._reading.problems.append(Problem(str(path), f"not JSON: {error}", fatal=False))
            return raw_line(data)
        return raw_line(data) if type(value) is dict and next(iter(value), None) in MARKERS else value

    def _name(self, path: Path) -> str:
        return path.relative_to(self._storage).as_posix()


def _listed(folder: Path) -> list[Path]:
    """The JSON files of a folder, by name: their ids ascend."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".json" and path.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return []
