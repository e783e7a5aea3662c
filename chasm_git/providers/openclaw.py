"""OpenClaw, and Clawdbot and Moltbot as it was called before: entries in pi's format, in a database or in files.

::

    agents/<agent>/agent/openclaw-agent.sqlite               all sessions of an agent (see `openclaw_database`)
    agents/<agent>/sessions/<session>.jsonl                  a session
    agents/<agent>/sessions/<session>.jsonl.reset.<time>     one that was ended: by the day, by a pause, by its user
    agents/<agent>/sessions/<session>.jsonl.deleted.<time>   one that was deleted
    agents/<agent>/sessions/<session>.jsonl.full.bak         a session before it was cut down

The files are from before the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats import openclaw_database
from chasm_git.providers.pi import PiLog
from chasm_git.providers.reading import folders, jsonl
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session

_FILE = re.compile(r"(.+?)\.jsonl(?:\.(?:reset|deleted)\..+|\.full\.bak)?", re.DOTALL)
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_OLD_HOMES = (".clawdbot", ".moltbot")


class OpenClaw(Provider):
    """Sessions of OpenClaw, of all its agents."""

    name = "openclaw"
    title = "OpenClaw"
    note = "agents' databases and JSON-lines files in ~/.openclaw (OPENCLAW_STATE_DIR), ~/.clawdbot and ~/.moltbot"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """Each agent's database, then its files by name, those that were put away too. See `Provider.discover`."""
        faults: list[Problem] = []
        home = env.folder("OPENCLAW_HOME", "") / ".openclaw"
        for root in (env.folder("OPENCLAW_STATE_DIR", str(home)), *(env.home / name for name in _OLD_HOMES)):
            mark = root.name if root.name in _OLD_HOMES else ".openclaw"
            for agent in folders.folders(root / "agents", faults):
                key = f"{mark}/{agent.name}"
                yield from openclaw_database.databases(Path(agent.path) / "agent", self.name, key)
                for entry in folders.listed(Path(agent.path) / "sessions", faults):
                    if _FILE.fullmatch(entry.name) and folders.is_file(entry):
                        yield from folders.source(self.name, f"{key}/{entry.name}", entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """All sessions of a database, or the one of a file. See `Provider.read`."""
        if source.path.name == openclaw_database.NAME:
            return openclaw_database.read(source.path, self.name)
        return _Log(source.path, Session(_id_in(source.path.name), self.name)).reading()

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's JSON lines; of one that was in a database, its rows. See `Provider.export`."""
        if openclaw_database.is_from_database(session):
            return openclaw_database.export(session, load)
        name = session.id if _SAFE_NAME.fullmatch(session.id) else "session"
        return {f"{name}.jsonl": jsonl.export(session, load)}


def _id_in(name: str) -> str:
    """The session's id as the name of its file has it."""
    found = _FILE.fullmatch(name)
    return found[1] if found is not None else name


class _Log(PiLog):
    """The rows of one session: pi's, in files named otherwise."""

    def origin(self, path: str) -> str:
        """The id of the session a fork comes from, by the path of its file."""
        return _id_in(re.split(r"[\\/]", path)[-1])
