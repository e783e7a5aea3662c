"""pi: one JSON-lines file per session below ``~/.pi/agent/sessions``.

::

    sessions/--home-ana-shop--/2026-01-08T12-00-00-000Z_<uuid>.jsonl

The first row is the session's header, every other one an entry that names the entry above it: ``/tree`` goes back and
grows another branch in the same file, a fork is a new file that begins with the same entries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.pi_entries import fields_of
from chasm_git.providers.reading import folders, jsonl
from chasm_git.providers.reading.branches import abandoned
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import identity, text
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session
from chasm_git.session.times import iso

_SUFFIX = ".jsonl"
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}\.jsonl")


class Pi(Provider):
    """Sessions of the pi coding agent, file versions 1 to 3."""

    name = "pi"
    title = "pi"
    note = "sessions in ~/.pi/agent/sessions (PI_CODING_AGENT_DIR)"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All session files, by project and time. See `Provider.discover`."""
        root = env.folder("PI_CODING_AGENT_DIR", ".pi/agent") / "sessions"
        faults: list[Problem] = []
        for project in folders.folders(root, faults):
            for entry in folders.listed(project.path, faults):
                if entry.name.endswith(_SUFFIX) and folders.is_file(entry):
                    yield from folders.source(self.name, f"{project.name}/{entry.name}", entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        name = source.path.name
        log = PiLog(source.path, Session(_id_in(name), self.name))
        log.native["name"] = name
        return log.reading()

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's JSON lines, by the name of its file. See `Provider.export`."""
        name = session.native.get("name") if type(session.native) is dict else None
        if type(name) is not str or not _SAFE_NAME.fullmatch(name):
            moment = (session.created_at or "1970-01-01T00:00:00.000Z").replace(":", "-").replace(".", "-")
            name = f"{moment}_{re.sub(r'[^0-9A-Za-z-]+', '-', session.id)}{_SUFFIX}"
        return {name: jsonl.export(session, load)}


def _id_in(name: str) -> str:
    """The session's id as the name of its file has it."""
    return re.split(r"[\\/]", name)[-1].removesuffix(_SUFFIX).rpartition("_")[2]


class PiLog(Transcript):
    """The rows of a pi session."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self._above: dict[str, str | None] = {}
        self._leaf: str | None = None

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what an entry says."""
        kind = record.get("type")
        time = iso(record.get("timestamp"))
        key = identity(record.get("id"))
        if kind == "session":
            self._header(record)
            self.keep(record, line, time=time)
            return
        if kind == "session_info" and (name := text(record.get("name"))):
            self.session.title = name
        if key is not None:
            above = record.get("parentId")
            self._above.setdefault(key, above if type(above) is str and above != self.session.id else None)
            self._leaf = key
        self.keep(record, line, id=key, time=time, **fields_of(record))

    def _header(self, record: dict[str, Any]) -> None:
        session = self.session
        if not self.builder.messages:
            session.id = identity(record.get("id")) or session.id
        session.workspace = session.workspace or text(record.get("cwd"))
        if session.forked_from is None and (origin := text(record.get("parentSession"))):
            session.forked_from = self.origin(origin)

    def origin(self, path: str) -> str:
        """The id of the session a fork comes from, by the path of its file."""
        return _id_in(path)

    def finish(self) -> None:
        """Only the branch that ends with the latest entry is the conversation as it stands."""
        left = abandoned(self._above, self._leaf)
        for message in self.builder.messages if left else ():
            message.inactive = message.id in left and message.role != "event"
