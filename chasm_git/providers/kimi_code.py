"""Kimi Code: a log per agent below ``~/.kimi-code``; and the sessions of kimi-cli, which was before it.

::

    sessions/wd_shop_57e08068a503/session_<uuid>/agents/main/wire.jsonl       the session
    sessions/wd_shop_57e08068a503/session_<uuid>/agents/agent-0/wire.jsonl    a sub-agent's, a session of its own
    sessions/wd_shop_57e08068a503/session_<uuid>/state.json                   its folder, title and origin

See `kimi_legacy` for what kimi-cli left in ``~/.kimi``. Names of exported files are relative to the session's folder.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.kimi_legacy import CONTEXT, WIRE, Context
from chasm_git.providers.formats.kimi_wire import Wire
from chasm_git.providers.reading import document, folders, jsonl
from chasm_git.providers.reading.transcript import Transcript, side_file
from chasm_git.providers.reading.values import as_dict, as_list, identity, text
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session

_MAIN = "main"
_STATE = "state.json"
_ROTATED = re.compile(r"context_(\d{1,6})\.jsonl")
_AGENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class KimiCode(Provider):
    """Sessions of Moonshot's terminal agent: Kimi Code 1 and 2, and kimi-cli."""

    name = "kimi-code"
    title = "Kimi Code"
    note = "sessions and sub-agents in ~/.kimi-code (KIMI_CODE_HOME), kimi-cli's in ~/.kimi (KIMI_SHARE_DIR)"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All sessions by folder and id, a sub-agent after its session. See `Provider.discover`."""
        faults: list[Problem] = []
        for folder in folders.folders(env.folder("KIMI_CODE_HOME", ".kimi-code") / "sessions", faults):
            for session in folders.folders(folder.path, faults):
                yield from _agents(folder.name, session, faults)
        home = env.folder("KIMI_SHARE_DIR", ".kimi")
        for folder in folders.folders(home / "sessions", faults):
            for entry in folders.listed(folder.path, faults):
                yield from _legacy(folder.name, entry, home / "kimi.json", faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One agent's log, or none where nobody said anything in it. See `Provider.read`."""
        path = source.path
        if path.name != WIRE:
            return _read_legacy(source)
        folder, agent = path.parents[2], path.parent.name
        session = Session(folder.name, self.name)
        log = Wire(path, session)
        state = _state(log, folder / _STATE, keep=agent == _MAIN)
        session.id = identity(state.get("id")) or session.id
        session.workspace = text(state.get("cwd")) or text(state.get("workDir"))
        if agent == _MAIN:
            session.title = text(state.get("title"))
            session.forked_from = text(state.get("forkedFrom"))
        else:
            session.parent, session.id = session.id, f"{session.id}/{agent}"
        return log.reading()

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's log, then what stands beside it. See `Provider.export`."""
        native = as_dict(session.native)
        if "earlier" in native:
            name = native.get("name")
            files = {
                str(name) if type(name) is str and _AGENT.fullmatch(name) else CONTEXT: jsonl.export(session, load)
            }
            for name in dict.fromkeys(m.file for m in session.messages if m.file is not None):
                files[name] = side_file(session, load, name)
        else:
            agent = session.id.partition("/")[2] if session.parent is not None else _MAIN
            agent = agent if _AGENT.fullmatch(agent) else "agent-0"
            files = {f"agents/{agent}/{WIRE}": jsonl.export(session, load)}
        if "state" in native:
            files[_STATE] = document.file_of(native["state"], load)
        return files


def _agents(folder: str, session: os.DirEntry[str], faults: list[Problem]) -> Iterator[Source]:
    """The logs of a session's agents, its own first."""
    inside = {entry.name: entry for entry in folders.listed(session.path, faults)}
    if "agents" not in inside:
        return
    state = [inside[_STATE]] if _STATE in inside and folders.is_file(inside[_STATE]) else []
    agents = folders.folders(inside["agents"].path, faults)
    for agent in sorted(agents, key=lambda entry: (entry.name != _MAIN, entry.name)):
        for entry in folders.listed(agent.path, faults):
            if entry.name == WIRE and folders.is_file(entry):
                key = f"{folder}/{session.name}/{agent.name}"
                yield from folders.source(KimiCode.name, key, entry, faults, state)


def _legacy(folder: str, entry: os.DirEntry[str], places: Path, faults: list[Problem]) -> Iterator[Source]:
    """A session of kimi-cli."""
    key = f"legacy/{folder}/{entry.name}"
    extra = {"folder": folder, "places": str(places)}
    if entry.name.endswith(".jsonl") and folders.is_file(entry):
        yield from folders.source(KimiCode.name, key, entry, faults, extra=extra | {"side": []})
        return
    found = {item.name: item for item in folders.listed(entry.path, faults)} if folders.is_folder(entry) else {}
    if CONTEXT in found:
        rotated = sorted((int(n[1]), name) for name in found if (n := _ROTATED.fullmatch(name)))
        names = [*(name for _, name in rotated), *(name for name in (WIRE, _STATE) if name in found)]
        side = [name for name in names if folders.is_file(found[name])]
        beside = [found[name] for name in side]
        yield from folders.source(KimiCode.name, key, found[CONTEXT], faults, beside, extra | {"side": side})


def _read_legacy(source: Source) -> Reading:
    path, extra = source.path, as_dict(source.extra)
    side = as_list(extra.get("side"))
    session = Session(path.stem if path.name != CONTEXT else path.parent.name, KimiCode.name)
    earlier = [name for name in side if name not in (WIRE, _STATE)]
    log = Context(path, session, earlier, WIRE in side)
    log.native["earlier"] = earlier
    if path.name != CONTEXT:
        log.native["name"] = path.name
    if _STATE in side:
        session.title = text(_state(log, path.parent / _STATE, keep=True).get("custom_title"))
    session.workspace = _workspace(extra)
    return log.reading()


def _workspace(extra: dict[str, Any]) -> str | None:
    """The folder whose hash names a folder of sessions; ``kimi.json`` lists all folders the client was started in."""
    try:
        known = document.value_of(Path(str(extra.get("places"))).read_bytes())
    except OSError:  # it says nothing the session's own files need
        return None
    for place in as_list(known.get("work_dirs")):
        path = text(place.get("path") if type(place) is dict else place)
        if path is not None and extra.get("folder") in (_md5(path), f"{as_dict(place).get('kaos')}_{_md5(path)}"):
            return path
    return None


def _md5(path: str) -> str:
    return hashlib.md5(path.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _state(log: Transcript, path: Path, *, keep: bool) -> dict[str, Any]:
    """What a session's state says; kept in its `native`, where it is this session's."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        log.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))
        return {}
    if keep:
        log.native["state"] = document.kept_file(data, log.builder.attachments)
    return document.value_of(data)
