"""Codex CLI: one JSON-lines file a session, below ``$CODEX_HOME``.

::

    sessions/YYYY/MM/DD/rollout-<local time>-<uuid>.jsonl     appended to, also by a later resume
    archived_sessions/rollout-<local time>-<uuid>.jsonl       the same file, moved
    ….jsonl.zst                                               the same, compressed by the client

A row is ``{timestamp, type, payload}``; before Codex 0.32 it was the bare item. Most texts stand in a file twice: as
``response_item`` (what the model saw and said) and as ``event_msg`` (what the screen showed). The conversation is made
of the first; the second gives times, tokens, names and failures.

Of the databases beside the rollouts only names are taken (`codex_names`). The rest repeats the rollouts:
``thread_history_<n>.sqlite`` has their items and turns again, as the app shows them, ``state_<n>.sqlite`` what their
first rows say. What stands nowhere else is not kept: which threads are pinned, in which section and project they are
listed, what of them was read, and when one was archived (that it was, its file's folder says).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source, stamp
from chasm_git.providers.formats.codex_names import Names
from chasm_git.providers.formats.codex_rollout import Rollout
from chasm_git.providers.reading import jsonl, zstd
from chasm_git.providers.reading.transcript import hopeless
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session

_FILE = re.compile(r"rollout-.*\.jsonl(?:\.zst)?", re.DOTALL)
_STATE = re.compile(r"state_([0-9]{1,6})\.sqlite")
_DEEPEST = 4
"""Levels of folders below ``sessions``: year, month, day, and one to spare."""


class Codex(Provider):
    """Reads the rollouts of Codex CLI, its IDE extensions and desktop app: they all write the same files."""

    name = "codex"
    title = "Codex CLI"
    note = "sessions and archived_sessions; compressed ones (.jsonl.zst) where Python can read zstd"

    def __init__(self) -> None:
        self._names = Names()

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All rollouts, the live ones first. A file that is archived keeps its key."""
        home = env.folder("CODEX_HOME", ".codex")
        places = _places(home, env.folder("CODEX_SQLITE_HOME", str(home)))
        seen: set[str] = set()
        for folder in ("sessions", "archived_sessions"):
            for found in _rollouts(home / folder, _DEEPEST if folder == "sessions" else 0):
                if isinstance(found, Problem):
                    yield found
                    continue
                path, marks = found
                key = path.name.removesuffix(".zst")
                if key in seen:  # a copy somewhere else
                    key = path.relative_to(home).as_posix()
                seen.add(key)
                yield Source(self.name, key, path, marks, places)

    def read(self, source: Source) -> Reading:
        """One rollout; a file without any conversation in it gives no session."""
        data = source.path.read_bytes()
        if source.path.suffix == ".zst":
            try:
                data = zstd.unpacked(data)
            except ValueError as error:
                return Reading(problems=[Problem(str(source.path), str(error))])
        rollout = Rollout(str(source.path), source.path.name.removesuffix(".zst"))
        rows, tail = jsonl.rows(data)
        for row in rows:
            rollout.add(row)
        problems = rollout.problems
        if not any(message.role in ("user", "assistant") for message in rollout.builder.messages):
            return Reading(problems=hopeless(problems, rollout.builder.messages, source.path))
        session = rollout.session(tail)
        session.title = self._names.of(session.id, rollout.name, source.extra, problems)
        return Reading([session], rollout.builder.attachments, problems)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The rollout, byte for byte, by its file name."""
        return {_file_name(session): jsonl.export(session, load)}


def _file_name(session: Session) -> str:
    """The name its rollout had; for a session that was made elsewhere, one the client would accept."""
    name = session.native.get("name") if type(session.native) is dict else None
    if type(name) is str and _FILE.fullmatch(name) and not re.search(r"[/\\\0]", name):
        return name
    moment = (session.created_at or "1970-01-01T00:00:00")[:19].replace(":", "-")
    return f"rollout-{moment}-{re.sub(r'[^0-9A-Za-z-]+', '-', session.id)}.jsonl"


def _places(home: Path, state_home: Path) -> dict[str, str]:
    """Where names of sessions are kept besides the rollouts; only what is there."""
    places: dict[str, str] = {}
    if (home / "session_index.jsonl").is_file():
        places["index"] = str(home / "session_index.jsonl")
    newest = -1
    try:
        with os.scandir(state_home) as entries:
            for entry in entries:
                found = _STATE.fullmatch(entry.name)
                if found is not None and int(found[1]) > newest:
                    newest, places["state"] = int(found[1]), entry.path
    except OSError:
        return places  # no names from there; the rollouts speak for themselves
    return places


def _rollouts(folder: Path, deeper: int) -> Iterator[tuple[Path, str] | Problem]:
    """Rollouts below a folder, in the order of their names, each with its stamp."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Problem(str(folder), f"cannot be listed: {error.strerror}")
        return
    names = {entry.name for entry in entries}
    for entry in entries:
        try:
            if _FILE.fullmatch(entry.name) and entry.is_file():
                # The client compresses beside the file and removes it then: the plain one is as good.
                if not entry.name.endswith(".zst"):
                    yield Path(entry.path), stamp(entry.stat())
                elif entry.name[:-4] not in names:
                    # Once Python can read it, it is another file to us: one that has not been tried yet.
                    yield Path(entry.path), stamp(entry.stat()) + ("" if zstd.reader() else " unreadable")
            elif deeper and entry.is_dir():
                yield from _rollouts(Path(entry.path), deeper - 1)
        except FileNotFoundError:
            continue  # moved to the archive in this very moment
        except OSError as error:
            yield Problem(entry.path, f"cannot be looked at: {error.strerror}")
