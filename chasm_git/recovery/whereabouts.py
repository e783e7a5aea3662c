"""Where one session is: in its tool's files here, in the archive, in the tools of other machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import history, naming
from chasm_git.archive.naming import NoSuchSession
from chasm_git.archive.plumbing import refs
from chasm_git.providers.base import Env, Problem
from chasm_git.recovery.facts import local, plans, read
from chasm_git.recovery.report import Origin, Whereabouts
from chasm_git.session import codec
from chasm_git.session.readable import display_title

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_REFS = "refs/chasm/providers/"


def whereabouts(archive: Archive | None, env: Env, machine: str, name: str) -> Whereabouts:
    """See `access.Recovery.whereabouts`. Raises NoSuchSession, AmbiguousSession, NoSuchRevision."""
    if archive is None:
        return _unread(archive, env, machine, name)
    try:
        file, commit = naming.session_at(archive, name)
    except NoSuchSession:
        return _unread(archive, env, machine, name)
    session = codec.loads(archive.read(file.blob))
    made = _of(session.id, file.provider, display_title(session) or "", session.workspace)
    made.path = file.path
    made.versions = sum(1 for _ in history.path_history(archive, commit, file.path))
    for ref, at in sorted(refs.list_refs(archive, _REFS).items()):
        held = archive.files(at).get(file.path)
        if held is not None:
            made.machines.append(Origin(ref.removeprefix(_REFS).rpartition("/")[0], held == file.blob))
    for plan in plans(archive, env, machine, [file.provider]):
        paths = {source.key: source.path for source in (*plan.unchanged, *plan.to_read())}
        for key, known in plan.state.sources.items():
            if key in paths and any(one[0] == file.path for one in known.sessions):
                made.files.append(str(paths[key]))
    return made


def _unread(archive: Archive | None, env: Env, machine: str, name: str) -> Whereabouts:
    """A session that no harvest has read."""
    problems: list[Problem] = []
    wanted = name.partition("@")[0].rpartition("/")[2]
    found: Whereabouts | None = None
    for plan in plans(archive, env, machine):
        for source in plan.to_read():
            for session in read(source, problems):
                if not wanted or not session.id.startswith(wanted):
                    continue
                if found is None:
                    found = _of(session.id, session.provider, display_title(session) or "", session.workspace)
                if found.id == session.id and str(source.path) not in found.files:
                    found.files.append(str(source.path))
    if found is None:
        raise NoSuchSession(f"no session {name!r} is in the archive, and none in the tools on this machine")
    return found


def _of(key: str, provider: str, title: str, workspace: str | None) -> Whereabouts:
    held = local(workspace)
    return Whereabouts(key, provider, title, workspace, held is not None and Path(held).is_dir())
