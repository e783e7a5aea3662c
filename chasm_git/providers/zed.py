"""Zed: threads of its agent in one database, and text threads from before, which are files.

::

    <data>/threads/threads.db                 a row per thread; its JSON is compressed (zstd) or plain
    <data>/conversations/<title>.zed.json     a text thread: one text, cut into messages

Threads of other agents that Zed hosts are in those agents' own stores. See `zed_thread` for what a thread says.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats import zed_thread
from chasm_git.providers.formats.zed_text import read_text
from chasm_git.providers.reading import document, folders, sqlite_copy, zstd
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.sqlite_copy import Row, Unreadable
from chasm_git.providers.reading.values import as_dict, identity, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Session
from chasm_git.session.native import raw_line
from chasm_git.session.times import iso

_SUFFIX = ".zed.json"
_MESSAGES = "messages"


class Zed(Provider):
    """Threads of Zed's own agent, and text threads."""

    name = "zed"
    title = "Zed"
    note = "threads and text threads of Zed's own agent; compressed threads need Python 3.14 or the package zstandard"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The database of each installation, then its text threads by name. See `Provider.discover`."""
        faults: list[Problem] = []
        for data in _data(env):
            path = data / "threads" / "threads.db"
            for found in sqlite_copy.source(self.name, _key(path, env), path):
                # Once Python can unpack the threads, they are something else to us: not tried yet.
                yield replace(found, stamp=found.stamp + _hindrance()) if isinstance(found, Source) else found
            for name in ("conversations", "contexts"):
                yield from self._texts(data / name, env, faults)
        if env.platform == "darwin":
            yield from self._texts(env.home / ".config" / "zed" / "conversations", env, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """All threads of a database, or one text thread. See `Provider.read`."""
        reading = Reading()
        if source.path.suffix == ".json":
            read_text(source.path, reading)
            return reading
        try:
            with sqlite_copy.opened(source.path, reading.problems) as database:
                rows = database.rows("threads")
        except Unreadable as error:
            return Reading(problems=[Problem(str(source.path), str(error))])
        for row in rows:
            _add(row, source.path, reading)
        return reading

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`."""
        return 0.95 if {"zed", "version", "text", _MESSAGES} <= shape_of(sample).top else 0.0

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The thread's object, as its row or its file holds it."""
        native = as_dict(session.native)
        name = native.get("name")
        if type(name) is str and "/" not in name and "\\" not in name and name.endswith(_SUFFIX):
            return {name: document.file_of(native.get("file"), load)}
        if "opaque" in native:
            return {"thread.zst": document.file_of(native["opaque"], load)}
        return {"thread.json": document.given_back(session, _MESSAGES, load)}

    def _texts(self, folder: Path, env: Env, faults: list[Problem]) -> Iterator[Source]:
        for entry in folders.listed(folder, faults):
            if entry.name.endswith(_SUFFIX) and folders.is_file(entry):
                yield from folders.source(self.name, _key(Path(entry.path), env), entry, faults)


def _data(env: Env) -> list[Path]:
    if env.platform == "darwin":
        return [env.config_home() / "Zed"]
    if env.platform == "win32":
        return [env.folder("LOCALAPPDATA", "AppData/Local") / "Zed"]
    return [sqlite_copy.data_home(env) / "zed", env.home / ".var" / "app" / "dev.zed.Zed" / "data" / "zed"]


def _hindrance() -> str:
    return "" if zstd.reader() else " unreadable"


def _key(path: Path, env: Env) -> str:
    return (path.relative_to(env.home) if path.is_relative_to(env.home) else path).as_posix()


def _add(row: Row, path: Path, reading: Reading) -> None:
    """Add the thread of a row; what cannot be unpacked is kept as it is."""
    key = identity(row.get("id"))
    if key is None:
        reading.problems.append(Problem(str(path), "a thread without an id", fatal=False))
        return
    session, builder = Session(key, Zed.name, title=text(row.get("summary"))), Builder()
    places = text(row.get("folder_paths"))
    session.workspace = places.split("\n")[0] if places is not None else None
    session.parent = text(row.get("parent_id"))
    session.created_at = iso(row.get("created_at"))
    about = {name: cell for name, cell in row.items() if name != "data"}
    data = _bytes(row.get("data"))
    try:
        value = document.load(zstd.unpacked(data) if row.get("data_type") == "zstd" else data)
    except ValueError as error:
        reading.problems.append(Problem(str(path), f"thread {key}: {error}; kept as it is", fatal=False))
        session.native = {"row": about, "opaque": raw_line(data, builder.attachments)}
        session.created_at = session.created_at or iso(row.get("updated_at"))
    else:
        zed_thread.add(value, session, builder)
        if not document.listed(value, _MESSAGES, path, reading.problems, fatal=False):
            return
        session.native = {"row": about}
        if _MESSAGES in value:
            session.native |= document.kept(value, _MESSAGES, builder.attachments)
    session.messages = builder.messages
    reading.sessions.append(session)
    reading.attachments |= builder.attachments


def _bytes(cell: Any) -> bytes:
    if type(cell) is str:
        return cell.encode("utf-8", "surrogatepass")
    stored = as_dict(cell).get("$base64", as_dict(cell).get("$text64"))
    return base64.b64decode(stored) if type(stored) is str else jsonio.dumps(cell)
