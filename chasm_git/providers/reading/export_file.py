"""Files that people hand in: an export as it was mailed (a zip), its folder, or one file of it.

A zip is read where it is: nothing is unpacked, and no name in it is ever used as a path. A member that grows beyond all
measure, or is encrypted, or is a zip itself, is named as unread.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from chasm_git.providers.base import Export, Problem, Reading
from chasm_git.providers.reading.json_shape import SAMPLE, is_json

MOST_MEMBERS = 500_000
MOST_BYTES = 64 * 1024**3
"""Bytes all members of a zip may have together."""
HIGHEST_RATIO = 200
"""How many times larger than in the zip a large member may be."""
_LARGE = 32 * 1024 * 1024
_ASSET_LIMIT = 64 * 1024 * 1024
"""Bytes of an asset that is kept; a larger one stays in the export and is named."""

_NOISE = re.compile(r"(?:^|/)(?:__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|\.git/)")
_UNREADABLE = (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, EOFError, OSError)
"""What reading a member of a damaged or strange zip raises."""


class MemberError(ValueError):
    """A file of an export cannot be read; ``str(error)`` says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a bundle."""

    name: str
    """As the export has it, with ``/``."""
    size: int


@dataclass
class Bundle:
    """The files of one export: a folder or a single file; `ZipBundle` is the mailed form."""

    path: Path
    members: list[Member] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _current: BinaryIO | None = None

    def label(self, name: str) -> str:
        """How a file of it is called in a message."""
        return str(self.path / name) if name else str(self.path)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file. Raises MemberError."""
        try:
            stream = open(self.label(name), "rb")  # noqa: PTH123, SIM115 - closed below
        except OSError as error:
            raise MemberError(error.strerror or str(error)) from error
        with stream:
            self._current = stream
            try:
                yield stream
            except OSError as error:
                raise MemberError(error.strerror or str(error)) from error

    def passed(self) -> int:
        """How many bytes are read of the file that was opened last."""
        return self._current.tell() if self._current is not None and not self._current.closed else 0

    def close(self) -> None:
        """Let go of what is open."""

    @cached_property
    def by_name(self) -> dict[str, Member]:
        """Files by the last piece of their name."""
        return {member.name.rpartition("/")[2]: member for member in self.members}

    @cached_property
    def _by_file_id(self) -> dict[str, Member]:
        found: dict[str, Member] = {}
        for member in self.members:
            base = member.name.rpartition("/")[2]
            for key in file_ids(base):
                found.setdefault(key, member)
        return found

    def asset(self, file_id: str) -> Member | None:
        """The file a service's file id stands for."""
        return self._by_file_id.get(file_id)

    def bytes_of(self, member: Member) -> bytes:
        """A whole file. Raises MemberError, also for one that is too large to keep."""
        if member.size > _ASSET_LIMIT:
            raise MemberError(f"larger than {_ASSET_LIMIT // 1024 // 1024} MiB: it stays in the export")
        with self.open(member.name) as stream:
            return stream.read()


_FILE_ID = re.compile(r"file[-_][A-Za-z0-9]{3,}")


def file_ids(name: str) -> Iterator[str]:
    """The file ids that a file of this name may be asked for by: its name without ending, and the id it begins with."""
    stem = name.rpartition(".")[0] or name
    yield name
    yield stem
    if found := _FILE_ID.match(name):
        yield found[0]
        if (piece := re.match(r"file-[A-Za-z0-9-]+?(?=-[^-]*\.)", name)) is not None:
            yield piece[0]


class ZipBundle(Bundle):
    """A zip, read without unpacking it. Raises MemberError where it cannot be opened at all."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except _UNREADABLE as error:
            raise MemberError(f"not a zip that can be read: {error}") from error
        infos = self._zip.infolist()
        total = sum(info.file_size for info in infos)
        if len(infos) > MOST_MEMBERS or total > MOST_BYTES:
            self._zip.close()
            raise MemberError(f"{len(infos)} files of {total} bytes in one zip: that is more than is read")
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            self._add(info)

    def _add(self, info: zipfile.ZipInfo) -> None:
        name = info.filename
        if info.is_dir() or _NOISE.search(name):
            return
        if reason := _refused(info):
            self.problems.append(Problem(self.label(name), reason))
            return
        self._infos[name] = info
        self.members.append(Member(name, info.file_size))

    def label(self, name: str) -> str:
        """``export.zip!conversations.json``."""
        return f"{self.path}!{name}" if name else str(self.path)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a member. Raises MemberError."""
        try:
            with self._zip.open(self._infos[name]) as stream:
                self._current = stream  # type: ignore[assignment]
                yield stream  # type: ignore[misc]
        except KeyError:
            raise MemberError("not in the zip") from None
        except _UNREADABLE as error:
            raise MemberError(f"cannot be read: {error}") from error

    def close(self) -> None:
        """Close the zip."""
        self._zip.close()


def _refused(info: zipfile.ZipInfo) -> str | None:
    """Why a member is not read; None where it is."""
    if info.flag_bits & 1:
        return "encrypted"
    if info.file_size > _LARGE and info.file_size > HIGHEST_RATIO * max(info.compress_size, 1):
        return f"{info.file_size} bytes of {info.compress_size}: no export packs like that"
    if info.filename.lower().endswith(".zip"):
        return "a zip within a zip is not read; unpack it and import it by itself"
    if info.external_attr >> 16 & 0o170000 == 0o120000:
        return "a link"
    return None


def bundles(path: Path) -> Iterator[Bundle | Problem]:
    """What is handed in at `path`: a file, a zip, or a folder (whose zips are bundles of their own)."""
    if path.is_dir():
        yield from _folder(path)
        return
    try:
        if zipfile.is_zipfile(path):
            yield ZipBundle(path)
            return
        size = path.stat().st_size
    except MemberError as error:
        yield Problem(str(path), str(error))
        return
    except OSError as error:
        yield Problem(str(path), error.strerror or str(error))
        return
    yield Bundle(path, [Member("", size)])


def _folder(path: Path) -> Iterator[Bundle | Problem]:
    whole = Bundle(path)
    zips: list[Path] = []

    def failed(error: OSError) -> None:
        whole.problems.append(Problem(str(error.filename or path), f"cannot be listed: {error.strerror or error}"))

    for folder, folders, names in os.walk(path, onerror=failed):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            relative = file.relative_to(path).as_posix()
            if _NOISE.search(relative) or file.is_symlink() or not file.is_file():
                continue
            if name.lower().endswith(".zip"):
                zips.append(file)
                continue
            try:
                whole.members.append(Member(relative, file.stat().st_size))
            except OSError as error:
                failed(error)
    if whole.members or whole.problems or not zips:
        yield whole
    for file in zips:
        yield from bundles(file)


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One file of an export that a reader has recognized, with the others beside it."""

    bundle: Bundle
    name: str

    @property
    def label(self) -> str:
        """How it is called in a message."""
        return self.bundle.label(self.name)

    @property
    def stem(self) -> str:
        """Its name without folders and ending."""
        base = self.name.rpartition("/")[2] or self.bundle.path.name
        head, dot, tail = base.rpartition(".")
        return head if dot and head and tail.lower() in ("json", "jsonl", "ndjson") else base

    def problem(self, reason: str, number: int | None = None) -> Problem:
        """Something in it that could not be read; `number` counts the conversations."""
        return Problem(self.label, reason if number is None else f"conversation {number}: {reason}")


def sample_of(bundle: Bundle, member: Member) -> bytes:
    """The first bytes of a file; b"" for one that is no JSON, which is hardly opened. Raises MemberError."""
    with bundle.open(member.name) as stream:
        begin = stream.read(1024)
        if not begin.strip() or not (is_json(begin) or begin[:4] in (b"\xff\xfe", b"\xfe\xff")):
            return b""
        return begin + stream.read(SAMPLE - len(begin))


def readings(reader: Export, path: Path) -> Iterator[Reading]:
    """Everything one reader recognizes at `path`."""
    for bundle in bundles(path):
        if isinstance(bundle, Problem):
            yield Reading(problems=[bundle])
            continue
        yield Reading(problems=bundle.problems)
        try:
            for member in bundle.members:
                yield from readings_of(reader, bundle, member)
        finally:
            bundle.close()


def readings_of(reader: Export, bundle: Bundle, member: Member) -> Iterator[Reading]:
    """What a reader makes of one file, nothing where it is not its own; a file that breaks off is a Problem."""
    try:
        if reader.sniff(sample_of(bundle, member), member.name) > 0:
            yield from conversations(reader, ExportFile(bundle, member.name))
    except MemberError as error:
        yield Reading(problems=[Problem(bundle.label(member.name), str(error))])


def conversations(reader: Export, file: ExportFile) -> Iterator[Reading]:
    """The conversations of a service's file, see `Export.read_export`; that there is none in it is a Problem."""
    is_told = False
    for reading in reader.read_export(file):
        is_told = is_told or bool(reading.sessions or reading.problems)
        yield reading
    if not is_told:
        yield Reading(problems=[file.problem("no conversation of a kind that is known here")])


_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def media_type_of(name: str, data: bytes) -> str | None:
    """What a file is, by its first bytes, else by its name; None where neither says."""
    for magic, media_type in _MAGIC:
        if data.startswith(magic):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return _BY_ENDING.get(name.rpartition(".")[2].lower())


_BY_ENDING = {
    "webp": "image/webp",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
}
