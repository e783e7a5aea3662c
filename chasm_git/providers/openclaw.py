"""OpenClaw, and Clawdbot and Moltbot as it was called before: JSON lines per session, in pi's format.

::

    agents/<agent>/sessions/<session>.jsonl                  a session
    agents/<agent>/sessions/<session>.jsonl.reset.<time>     one that was ended: by the day, by a pause, by its user
    agents/<agent>/sessions/<session>.jsonl.deleted.<time>   one that was deleted
    agents/<agent>/sessions/<session>.jsonl.full.bak         a session before it was cut down

Its newer versions keep sessions in a database instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from chasm_git.providers import folders, jsonl
from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.pi import PiLog
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session

_FILE = re.compile(r"(.+?)\.jsonl(?:\.(?:reset|deleted)\..+|\.full\.bak)?", re.DOTALL)
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_OLD_HOMES = (".clawdbot", ".moltbot")


class OpenClaw(Provider):
    """Sessions of OpenClaw from before it kept them in a database."""

    name = "openclaw"
    title = "OpenClaw"
    note = "JSON-lines sessions in ~/.openclaw (OPENCLAW_STATE_DIR), ~/.clawdbot and ~/.moltbot; not its database"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All session files by agent and name, those that were put away too. See `Provider.discover`."""
        faults: list[Problem] = []
        home = env.folder("OPENCLAW_HOME", "") / ".openclaw"
        for root in (env.folder("OPENCLAW_STATE_DIR", str(home)), *(env.home / name for name in _OLD_HOMES)):
            mark = root.name if root.name in _OLD_HOMES else ".openclaw"
            for agent in folders.folders(root / "agents", faults):
                for entry in folders.listed(Path(agent.path) / "sessions", faults):
                    if _FILE.fullmatch(entry.name) and folders.is_file(entry):
                        key = f"{mark}/{agent.name}/{entry.name}"
                        yield from folders.source(self.name, key, entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        return _Log(source.path, Session(_id_in(source.path.name), self.name)).reading()

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's JSON lines. See `Provider.export`."""
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
