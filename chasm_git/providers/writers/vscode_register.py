"""Session files that VS Code does not show, put back into its list of chats.

VS Code forgets sessions that are still on the disk: a damaged list is thrown away, a long one is cut, a workspace that
was merged with another leaves the list behind. Here every session file of a workspace gets its entry again. Nothing
but the list is written, and of the list nothing but what is missing or would not be shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem
from chasm_git.providers.formats.vscode_flat import read_flat
from chasm_git.providers.formats.vscode_log import replay
from chasm_git.providers.writers import vscode_index as index
from chasm_git.providers.writers.vscode_index import Entry, IndexUnwritable, Present
from chasm_git.providers.writers.vscode_running import running
from chasm_git.providers.writers.vscode_state import faults
from chasm_git.providers.writers.vscode_workspaces import Store, stores, stores_of, users

_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
"""Names of sessions that VS Code looks for: nothing that could lead out of the folder."""

_LONGEST_NAME = 200


@dataclass(slots=True)
class Registered:
    """What became of the list of chats of one workspace."""

    store: Store
    added: dict[str, str] = field(default_factory=dict)
    """Title of each session that is in the list now and was not, by id."""
    mended: dict[str, str] = field(default_factory=dict)
    """Title of each session whose entry kept it from being shown, by id."""
    known: int = 0
    """Sessions that were in the list already."""
    problems: list[Problem] = field(default_factory=list)
    """Session files that are not put into the list, with the reason."""
    refused: str | None = None
    """Why nothing was written, though something is to be."""
    warnings: list[str] = field(default_factory=list)
    backup: Path | None = None
    """The copy of the database from before."""


def register(
    env: Env, workspace: str | None = None, *, backup: Path, force: bool = False, dry_run: bool = False
) -> list[Registered]:
    """Put every session file into the list of chats of its workspace.

    Args:
        workspace: path or URI of the workspace; None = all workspaces of all editors, and windows without one.
        backup: folder that gets a copy of each database that is changed.
        force: also while the editor runs, which will most likely write its own list over it when it quits.
        dry_run: only say what would be done.

    Returns:
        A report for each workspace that has session files.

    Raises OSError where a folder cannot be listed, or the backup not be written.
    """
    found = [store for user in users(env) for store in stores(user)] if workspace is None else stores_of(env, workspace)
    made = []
    for store in found:
        files = session_files(store)
        if files:
            made.append(_register(store, files, env, backup, force=force, dry_run=dry_run))
    return made


def is_safe_name(session_id: str) -> bool:
    """Whether VS Code would look for a file of this name."""
    return len(session_id) <= _LONGEST_NAME and _SAFE.fullmatch(session_id) is not None


def entries_for(
    store: Store, present: Present, session_id: str, state: Mapping[str, Any], files: Mapping[str, Path]
) -> dict[str, Entry]:
    """The entries that put one session into the list: its own, and where the list is damaged those of all files.

    What an entry that is there already says besides stays in it.
    """
    entries: dict[str, Entry] = {}
    lost = set(present.index.rejected())
    if present.damage is not None or lost:
        others = {key: path for key, path in files.items() if present.damage is not None or key in lost}
        others.pop(session_id, None)
        entries = _missing(present, others, Registered(store))
    entry = index.entry_of(session_id, state)
    old = present.index.entries[session_id][1] if session_id in present.index.entries else None
    entries[session_id] = {**old, **entry} if old is not None and index.acceptable(old) else entry
    if entries[session_id] == old:
        del entries[session_id]
    return entries


def session_files(store: Store) -> dict[str, Path]:
    """The session files of a store by the ids of the sessions; of two for one session, that which VS Code reads."""
    found: dict[str, Path] = {}
    try:
        paths = sorted(store.sessions.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return found
    for path in paths:  # a log comes behind the object of the same name
        if path.suffix in (".json", ".jsonl") and is_safe_name(path.stem) and path.is_file():
            found[path.stem] = path
    return found


def read_state(path: Path) -> dict[str, Any]:
    """A session's object as VS Code reads it from its file. Raises ValueError where it would not; OSError."""
    data = path.read_bytes()
    if path.suffix == ".jsonl":
        log = replay(data)
        torn = [fault for fault in log.faults if "replacement characters" not in fault.reason]
        if torn:
            raise ValueError(f"line {torn[0].line}: {torn[0].reason}")
        state: Any = log.state
    else:
        flat = read_flat(data)
        if flat.reasons:
            raise ValueError(flat.reasons[0])
        state = flat.state
    if type(state) is not dict:
        raise ValueError("it holds no session")
    return state


def _register(
    store: Store, files: Mapping[str, Path], env: Env, backup: Path, *, force: bool, dry_run: bool
) -> Registered:
    made = Registered(store)
    try:
        present = index.read(store.database)
        entries = _missing(present, files, made)
        if present.damage is None and not entries and not present.index.rejected():
            return made
        said = running(store.user, env, store.folder)
        if said is not None and not force:
            made.refused = f"{store.editor} would write over it: {said}; quit it and try again"
        if made.refused is not None or dry_run:
            return made
        if said is not None:
            made.warnings.append(f"{store.editor} runs ({said}) and may write its own list over this one when it quits")
        place = backup / f"{store.editor}-{store.folder.name}-{store.database.name}"
        updated = index.update(store.database, lambda present: _chosen(present, files, made), _unused(place))
    except IndexUnwritable as error:
        made.refused = str(error)
        return made
    made.backup = updated.backup
    if updated.repaired is not None:
        made.warnings.append(updated.repaired)
    if updated.count > index.SHOWN:
        made.warnings.append(
            f"the list has {updated.count} chats; VS Code keeps the newest 400 of them, before 1.13x the newest"
            f" {index.SHOWN}, and drops the others from the list again"
        )
    return made


def _chosen(present: Present, files: Mapping[str, Path], made: Registered) -> dict[str, Entry]:
    """As `_missing`, for the index as it is once nobody else can change it."""
    made.added.clear()
    made.mended.clear()
    made.problems.clear()
    return _missing(present, files, made)


def _missing(present: Present, files: Mapping[str, Path], made: Registered) -> dict[str, Entry]:
    """The entries that are to be put in; says so in the report."""
    entries: dict[str, Entry] = {}
    known = present.index.entries
    made.known = 0
    for key, path in files.items():
        old = known[key][1] if key in known else None
        if old is not None and _is_shown(old):
            made.known += 1
            continue
        try:
            state = read_state(path)
            found = [*faults(state)]
        except (ValueError, OSError) as error:
            found = [str(error)]
        if found:
            made.problems.append(Problem(str(path), f"VS Code would lose it when it is opened: {found[0]}"))
            continue
        entry = index.entry_of(key, state)
        if entry["isEmpty"]:  # a window that was opened and never used: VS Code does not show it
            continue
        if old is not None and index.acceptable(old):
            entry = {
                **old,
                **{name: entry[name] for name in ("isEmpty", "initialLocation", "lastMessageDate", "timing")},
            }
            if entry == old:
                made.known += 1
                continue
        entries[key] = entry
        (made.added if old is None else made.mended)[key] = str(entry["title"])
    return entries


def _is_shown(entry: Any) -> bool:
    """Whether VS Code shows a session with this entry, as far as its list can say."""
    return index.acceptable(entry) and entry.get("isEmpty") is not True and "initialLocation" in entry


def _unused(path: Path) -> Path:
    """A path like this one that nothing is at."""
    number = 1
    tried = path
    while tried.exists():
        number += 1
        tried = path.with_name(f"{path.name}.{number}")
    return tried
