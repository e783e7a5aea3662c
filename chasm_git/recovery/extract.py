"""Sessions out of anything: another disk's homes, folders, single files, copies of databases, zips that broke.

What lies the way a client keeps it is read as a harvest reads it, with all that belongs to it. Every other file is
tried by itself, and where it is damaged, what is left of it.
"""

from __future__ import annotations

import os
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from chasm_git.errors import ChasmError
from chasm_git.harvest import natives
from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem
from chasm_git.recovery import leftovers, repair
from chasm_git.recovery.damage import mapped
from chasm_git.session import jsonio

_ENDINGS = (*leftovers.SESSIONS, *leftovers.DATABASES, ".zip", ".md")
_PASSED_BY = frozenset({".git", "node_modules", ".venv", "__pycache__"})
_HEADER = struct.Struct("<4sHHHHHIIIHH")
_MAGIC = b"PK\x03\x04"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOOKED_INTO = 1 << 18
_LARGEST = 1 << 30
"""Bytes of a member of a broken zip."""
_MOST_MEMBERS = 10_000


@dataclass(slots=True)
class Gathered:
    """What there is to read."""

    homes: list[Env] = field(default_factory=list)
    """Homes in which clients keep sessions the usual way."""
    files: dict[str | None, list[Path]] = field(default_factory=dict)
    """Other files, by whose they are (None: to be found by content)."""
    origins: dict[str, Path] = field(default_factory=dict)
    """Where the copies that are read are from."""
    problems: list[Problem] = field(default_factory=list)


def gather(path: Path, held: ExitStack, provider: str | None = None) -> Gathered:
    """Find what can be read at a path.

    Args:
        held: removes copies that were made.
        provider: whose the files are, if that is known.
    """
    found = Gathered()
    taken: set[Path] = set()
    if path.is_dir():
        for env in _homes(path):
            taken |= _sources(env, found)
    for file in walk(path, found.problems):
        if file in taken or any(folder in taken for folder in file.parents):
            continue
        try:
            _add(file, held, provider, found)
        except OSError as error:
            found.problems.append(Problem(str(file), error.strerror or str(error)))
    return found


def mended(path: Path, held: ExitStack) -> Path | None:
    """A copy of a damaged file without the damage; None where nothing could be done."""
    if repair.ending_of(path) not in leftovers.SESSIONS:
        return None
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="chasm-", ignore_cleanup_errors=True)))
    try:
        made = repair.repair(path, to=folder / path.name)
    except (ChasmError, OSError):  # nothing is left of it: the reader has said so
        return None
    return made.written[0] if made.written else None


def _homes(path: Path) -> Iterator[Env]:
    """The homes at or below a path: a disk has several."""
    folders = [path]
    for above in ("home", "Users"):
        if (path / above).is_dir():
            folders += sorted(one for one in (path / above).iterdir() if one.is_dir() and not one.is_symlink())
    folders += [path / "root"] if (path / "root").is_dir() else []
    for folder in folders:
        platform = "win32" if (folder / "AppData").is_dir() else "linux"
        yield Env(folder, {}, "darwin" if (folder / "Library").is_dir() else platform)


def _sources(env: Env, found: Gathered) -> set[Path]:
    """Note a home if clients have sessions in it; returns the files and folders that a harvest of it reads."""
    from chasm_git.providers.traces import Traces

    traces = Traces(env)
    taken: set[Path] = set()
    for name in registry.names():
        if traces.has(name):
            for source in registry.load(name).discover(env):
                if not isinstance(source, Problem):
                    taken.add(source.path)
                    taken.add(source.path.with_suffix(""))  # side files
    if taken:
        found.homes.append(env)
    return taken


def walk(path: Path, problems: list[Problem]) -> Iterator[Path]:
    """The files at or below a path that may hold sessions."""
    if not path.is_dir():
        yield path
        return

    def failed(error: OSError) -> None:
        problems.append(Problem(str(error.filename or path), f"cannot be listed: {error.strerror or error}"))

    for folder, folders, names in os.walk(path, onerror=failed):
        folders[:] = sorted(set(folders) - _PASSED_BY)
        for name in sorted(names):
            file = Path(folder, name)
            if (repair.ending_of(file) in _ENDINGS) and not file.is_symlink() and file.is_file():
                yield file


def _add(file: Path, held: ExitStack, provider: str | None, found: Gathered) -> None:
    """Note a file, or copies of what is in it. Raises OSError."""
    ending = repair.ending_of(file)
    named = _own_name(file) if ending == ".jsonl" else None
    if named is not None or leftovers.is_leftover(file):
        copy = leftovers.staged(file, held, named)
        found.origins[str(copy)] = file
        file = copy
    whole = mended(file, held) if ending == ".json" else None
    if whole is not None:  # half a document reads like another one
        origin = found.origins.get(str(file), file)
        found.origins[str(whole)] = origin
        found.problems.append(Problem(str(origin), "damaged: what is left of it was read", fatal=False))
        file = whole
    if ending == ".zip" and not zipfile.is_zipfile(file):
        members = list(_members(file, held, found.problems))
        for copy in members:
            found.origins[str(copy)] = file
        found.files.setdefault(provider, []).extend(members)
    elif ending in leftovers.DATABASES:
        whose = provider or natives.provider_of(file)
        if whose is not None:
            found.files.setdefault(whose, []).append(file)
    else:
        found.files.setdefault(provider, []).append(file)


def _own_name(file: Path) -> str | None:
    """The id a JSON-lines file was named after before a rescue tool gave it a number; None where its name fits."""
    stem = file.name.partition(".")[0]
    if _ID.fullmatch(stem) or stem.startswith(("agent-", "rollout-")):
        return None
    found: set[str] = set()
    with file.open("rb") as stream:
        for line in stream.readlines(_LOOKED_INTO):
            try:
                row = jsonio.loads(line)
            except ValueError:
                continue  # the reader says so
            if type(row) is dict and type(row.get("sessionId")) is str and not row.get("isSidechain"):
                found.add(row["sessionId"])
    return found.pop() if len(found) == 1 and _ID.fullmatch(min(found)) else None


def _members(file: Path, held: ExitStack, problems: list[Problem]) -> Iterator[Path]:
    """The members of a zip without a directory (it was cut off): each begins with a header of its own."""
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="chasm-", ignore_cleanup_errors=True)))
    with mapped(file) as data:
        at, count = data.find(_MAGIC), 0
        while 0 <= at <= len(data) - _HEADER.size and count < _MOST_MEMBERS:
            _, _, flags, method, _, _, _, packed, _, name_size, extra = _HEADER.unpack_from(data, at)
            start = at + _HEADER.size + name_size + extra
            name = data[at + _HEADER.size : at + _HEADER.size + name_size].decode("utf-8", "replace")
            following = data.find(_MAGIC, start)
            end = following if following >= 0 else len(data)
            if packed and not flags & 8:
                end = min(start + packed, len(data))
            at = data.find(_MAGIC, end) if following >= 0 else -1
            if name.endswith("/") or Path(name).suffix.lower() not in leftovers.SESSIONS:
                continue
            text = _unpacked(data[start : min(end, start + _LARGEST)], method) if not flags & 1 else None
            if text is None:
                problems.append(Problem(f"{file}!{name}", "cannot be unpacked"))
                continue
            count += 1
            copy = folder / str(count) / Path(name).name
            copy.parent.mkdir()
            copy.write_bytes(text)
            yield copy


def _unpacked(data: bytes, method: int) -> bytes | None:
    """What comes out of packed bytes, as far as they go."""
    if method == zipfile.ZIP_STORED:
        return data
    if method != zipfile.ZIP_DEFLATED:
        return None
    unpacker = zlib.decompressobj(-15)
    made = bytearray()
    for start in range(0, len(data), 4096):
        try:
            made += unpacker.decompress(data[start : start + 4096], _LARGEST - len(made))
        except zlib.error:
            break  # what came before it counts
        if unpacker.eof or len(made) >= _LARGEST:
            break
    return bytes(made)
