"""Sessions put back into VS Code: the session's file, and its entry in the list of chats.

A session of VS Code's own comes back as it was kept: the object that its requests and its header give, in the kind of
file it came from (a log of one line, or the object). Any other session is converted, see `vscode_turns`. Both are
looked through first for what VS Code would lose the session over (`vscode_state`). Where the file belongs says
`vscode_workspaces`, what the list must say `vscode_index`.

VS Code holds the list in memory: while it runs on the profile, nothing is written (`vscode_running`).
"""

from __future__ import annotations

import shlex
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Reading, Source
from chasm_git.providers.formats import vscode_results
from chasm_git.providers.formats.vscode_content import as_dict, as_list
from chasm_git.providers.formats.vscode_requests import requests_of
from chasm_git.providers.formats.vscode_said import covers, key_of
from chasm_git.providers.vscode import VSCode, reading_of
from chasm_git.providers.writers import vscode_index as index
from chasm_git.providers.writers.vscode_register import entries_for, is_safe_name, read_state, session_files
from chasm_git.providers.writers.vscode_running import running
from chasm_git.providers.writers.vscode_state import faults, mend
from chasm_git.providers.writers.vscode_turns import converted
from chasm_git.providers.writers.vscode_workspaces import NoEditor, Store, store_for, workspace_json
from chasm_git.providers.writing import readback
from chasm_git.providers.writing.applying import StoreWriter, seen
from chasm_git.providers.writing.contract import (
    INDEX,
    ORIGIN,
    Change,
    Expected,
    FileChange,
    RowsChange,
    Standing,
    Target,
    WritePlan,
    WriteRefused,
    Written,
    derived_id,
    origin,
)
from chasm_git.providers.writing.converting import about
from chasm_git.providers.writing.restoring import given_up, is_own
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Message, Session
from chasm_git.session.native import unfold

_COMMANDS = {
    "Code - Insiders": "code-insiders",
    "Code - Exploration": "code-exploration",
    "Code - OSS": "code-oss",
    "VSCodium": "codium",
    "VSCodium - Insiders": "codium-insiders",
}
_SHOWN_AT = "in the Chat view (Ctrl+Alt+I), the list of sessions (Show Agent Sessions, or the clock above the chat)"


@dataclass(slots=True)
class _Made:
    """A session as it is to stand in VS Code."""

    session_id: str
    state: dict[str, Any]
    data: bytes
    """The JSON text of `state`."""
    expected: Counter[bytes] | None = None
    said: readback.Said = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    results: dict[str, bytes] = field(default_factory=dict)
    """What tools gave and the session points to, by its file's name in the extension's folder."""


class VSCodeWriter(StoreWriter):
    """Writes into the desktop editors that keep VS Code's own chats."""

    provider = VSCode.name

    def __init__(self) -> None:
        self._editors: dict[str, str] = {}
        """The editor each session was last planned for."""

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        has_records = is_own(session, self.provider, replace(target, copy=False)) and _has_object(session)
        goes_back = has_records and not target.copy
        session_id = session.id if goes_back else derived_id(self.provider, session, target.revision)
        plan = WritePlan(self.provider, session_id, env, env.config_home(), is_converted=not goes_back)
        try:
            store = store_for(env, target.folder or session.workspace)
        except NoEditor as error:
            plan.refused = str(error)
            return plan
        plan.root, plan.folder = store.user, target.folder or session.workspace
        self._editors[session.id] = store.editor
        if not is_safe_name(session_id):
            plan.refused = f"{session_id!r} is no id VS Code would look for"
            return plan
        if has_records:
            made = _restored(session, target.load, session_id, origin(session, target.revision))
        else:
            made = _converted(session, session_id, target)
        plan.left_out, plan.notes = made.left_out, made.notes
        if not as_list(made.state.get("requests")):
            plan.refused = "it has no request, and VS Code does not show such a session"
            return plan
        try:
            _plan_changes(plan, store, session, made, target.load)
        except index.IndexUnwritable as error:
            plan.refused = str(error)
            return plan
        said = running(store.user, env, store.folder)
        if said is not None and plan.changes:
            plan.notes.append(f"quit {store.editor} first: {said}")
        plan.notes.append(f"{store.editor} shows it {_SHOWN_AT} as {index.title_of(made.state)!r}")
        return plan

    def write(self, plan: WritePlan, *, backup: Path, force: bool = False) -> Written:
        """See `Writer.write`.

        Refused while the editor runs on the profile; by force, only the list of chats is written then.
        """
        folders = [change.path.parent for change in plan.changes if change.what == INDEX]
        said = running(plan.root, plan.env, folders[0] if folders else None) if plan.changes else None
        if said is not None and plan.refused is None and not (force and len(folders) == len(plan.changes)):
            raise WriteRefused(f"VS Code would write over it: {said}; quit it and try again")
        return super().write(plan, backup=backup, force=force)

    def continue_command(self, session: Session, target: Target) -> str | None:
        """What opens the window in which the session is listed; where to click is in the plan's notes."""
        command = _COMMANDS.get(self._editors.get(session.id, ""), "code")
        folder = target.folder or session.workspace
        if folder is None:
            return f"{command} --new-window"
        if "://" not in folder:
            return f"{command} {shlex.quote(folder)}"
        option = "--file-uri" if folder.endswith(".code-workspace") else "--folder-uri"
        return f"{command} {option} {shlex.quote(folder)}"


def _has_object(session: Session) -> bool:
    return type(as_dict(session.native).get("requests_at")) is int


def _restored(session: Session, load: Load, session_id: str, marker: dict[str, str]) -> _Made:
    """A session of VS Code's own, as its records say; under another id, a copy with ids of its own."""
    native = as_dict(session.native)
    header = unfold(Message("", "event", native=native.get("session")), load)
    requests, unread = [], 0
    for text in requests_of(session, load):
        try:
            requests.append(jsonio.loads(text))
        except ValueError:
            unread += 1
    pairs = [*as_dict(header).items()]
    pairs.insert(native["requests_at"], ("requests", requests))
    state = dict(pairs)
    notes = [f"mended, since VS Code would have lost the session over it: {fault}" for fault in mend(state)]
    if unread:
        notes.append(f"{unread} requests that were damaged already when they were harvested are not put back")
    results = vscode_results.files_of(session.messages, load)
    if session_id != session.id:
        state = _copy(state, session_id, marker)
    made = _Made(session_id, state, jsonio.dumps(state), left_out=given_up(session), notes=notes)
    if session_id == session.id:
        made.results = results
    elif results:
        made.left_out["long tool results"] = len(results)
    reading = reading_of(state, session_id)
    for read in reading.sessions:
        made.expected = readback.records(read, reading.attachments.__getitem__)
        made.said = readback.said(read, reading.attachments.__getitem__)
    if made.expected is not None and made.results:
        beside = [message for message in session.messages if message.file in made.results]
        made.expected += readback.records(Session("", "", messages=beside), load)
    return made


def _copy(state: dict[str, Any], session_id: str, marker: dict[str, str]) -> dict[str, Any]:
    """A session with other ids, also of its requests: VS Code keeps one of two requests of the same name."""
    text = jsonio.dumps(state)
    for request in state["requests"]:
        for key in (request.get("requestId"), request.get("responseId")):
            if type(key) is str and key:
                new = f"{key.partition('_')[0]}_{uuid.uuid5(uuid.NAMESPACE_OID, f'{session_id} {key}')}"
                text = text.replace(jsonio.dumps(key), jsonio.dumps(new))
    made: dict[str, Any] = jsonio.loads(text)
    made |= {"sessionId": session_id, ORIGIN: marker}
    for request in made["requests"][:1]:
        result = request["result"] = {**as_dict(request.get("result"))}
        result["metadata"] = {**as_dict(result.get("metadata")), ORIGIN: marker}
    return made


def _converted(session: Session, session_id: str, target: Target) -> _Made:
    """Any other session, as VS Code's."""
    turned = converted(session, session_id, target.load, (ORIGIN, origin(session, target.revision)))
    if target.agents:
        turned.left_out["sub-agent sessions"] += len(target.agents)
    turned.left_out.update(about(session))
    notes = [f"mended: {fault}" for fault in mend(turned.state)]
    if any("kind" in part for request in turned.state["requests"] for part in request["response"]):
        notes.append("a model that goes on in VS Code is told the texts of earlier answers, not what tools gave")
    made = _Made(session_id, turned.state, jsonio.dumps(turned.state), notes=notes)
    made.said, made.left_out = turned.said, turned.left_out
    return made


def _plan_changes(plan: WritePlan, store: Store, session: Session, made: _Made, load: Load) -> None:
    """What is to be written for a session in a store. Raises IndexUnwritable, OSError."""
    files = session_files(store)
    path = files.get(made.session_id) or store.sessions / f"{made.session_id}{_suffix(session, files)}"
    results = list(_results(plan, store, made))
    theirs = _held(path)
    current = _object_of(path) if theirs is not None else None
    plan.standing = _standing(theirs, made, session, load, is_loaded=current is not None)
    changes: list[Change] = []
    if plan.standing is not Standing.SAME:
        is_log = path.suffix == ".jsonl"
        data = b'{"kind":0,"v":' + made.data + b"}\n" if is_log else made.data
        changes.append(FileChange(path, data, seen(path)))
        has_twin = is_log and path.with_suffix(".json").exists()  # the reader also gives what only the twin holds
        records = None if has_twin or plan.is_converted else made.expected
        plan.expected.append(Expected(made.session_id, path, records, made.said))
    changes[:0] = results
    said = workspace_json(store)
    if said is not None:
        changes.append(FileChange(said[0], said[1], None, "side file"))
    stays = plan.standing in (Standing.SAME, Standing.NEWER)
    listed = current if stays and current is not None else made.state
    rows = _index_change(store, made.session_id, listed, files)
    if rows is not None:
        changes.append(rows)
    plan.changes = changes


def _results(plan: WritePlan, store: Store, made: _Made) -> Iterator[FileChange]:
    """The files with long results of tools that are not there; what is there stays. Raises OSError."""
    for name, data in made.results.items():
        parts = name.split("/")
        if parts[:2] != [vscode_results.RESULTS, made.session_id] or not all(map(vscode_results.is_plain, parts)):
            plan.refused = f"{made.session_id} has a file {name!r}, which is not its own"
        elif seen(path := store.folder.joinpath(vscode_results.STORAGE, *parts)) is None:
            yield FileChange(path, data, None, "side file")


def _suffix(session: Session, files: dict[str, Path]) -> str:
    """The kind of file a new session gets: what it came from, else what this VS Code writes. All read ``.json``."""
    stored = as_dict(session.native).get("stored") if session.provider == VSCode.name else None
    is_log = stored == "jsonl" or (stored is None and any(path.suffix == ".jsonl" for path in files.values()))
    return ".jsonl" if is_log else ".json"


def _held(path: Path) -> Reading | None:
    """What stands in a session's file, with all it was; None where there is none."""
    if not path.exists():
        return None
    return VSCode().read(Source(VSCode.name, path.stem, path, ""))


def _object_of(path: Path) -> dict[str, Any] | None:
    """The session in a file; None where VS Code would not load it."""
    try:
        state = read_state(path)
    except ValueError:
        return None
    return None if any(faults(state)) else state


def _standing(theirs: Reading | None, made: _Made, session: Session, load: Load, *, is_loaded: bool) -> Standing:
    """What the file that is there holds, against what we would write and what the archive has besides.

    Args:
        is_loaded: whether VS Code can load it.
    """
    if theirs is None:
        return Standing.ABSENT
    if not theirs.sessions:
        return Standing.OLDER
    held = theirs.sessions[0]
    current = [jsonio.loads(text) for text in _texts(held, theirs)]
    if is_loaded and _say_the_same(current, made.state["requests"]):
        return Standing.SAME
    ours: dict[Any, list[Any]] = {}
    mine = _requests(session, load) if session.provider == VSCode.name else []
    for request in [*made.state["requests"], *mine]:
        ours.setdefault(key_of(request), []).append(request)
    for request in _requests(held, theirs.attachments.__getitem__):
        if not any(covers(one, request) for one in ours.get(key_of(request), ())):
            return Standing.NEWER
    unread, known = (as_list(as_dict(one.native).get("unread")) for one in (held, session))
    return Standing.NEWER if any(line not in known for line in unread) else Standing.OLDER


def _say_the_same(one: list[Any], other: list[Any]) -> bool:
    """Whether two lists of requests differ at most in what VS Code adds when it opens a session."""
    return len(one) == len(other) and all(
        key_of(a) == key_of(b) and covers(a, b) and covers(b, a) for a, b in zip(one, other, strict=True)
    )


def _texts(session: Session, reading: Reading) -> list[bytes]:
    return [text for text in requests_of(session, reading.attachments.__getitem__) if _is_json(text)]


def _is_json(text: bytes) -> bool:
    try:
        jsonio.loads(text)
    except ValueError:
        return False
    return True


def _requests(session: Session, load: Load) -> list[dict[str, Any]]:
    """All requests a session holds or ever held, with what was answered."""
    asked: dict[str, dict[str, Any]] = {}
    for message in session.messages:
        record = as_dict(unfold(message, load)) if message.native is not None else {}
        kind = next(iter(record), None)
        if kind in ("request", "undone") and type(record[kind]) is dict:
            asked[message.id] = dict(record[kind])
        elif kind == "response" and type(record[kind]) is dict:
            above = asked.get(message.id.removesuffix(":response"))
            if above is not None:
                above.update(record[kind])
    return [*asked.values()]


def _index_change(store: Store, session_id: str, state: dict[str, Any], files: dict[str, Path]) -> RowsChange | None:
    """What makes the list of chats say that a session is there; None where it does."""
    present = index.read(store.database)
    entries = entries_for(store, present, session_id, state, files)
    text = present.index.with_entries(entries)
    if text == present.text:
        return None
    return index.change(store.database, present, text, INDEX)
