"""VS Code's own chat (GitHub Copilot Chat and any other participant), in every editor of the family.

A session is one file: an object (``.json``), or the log of its changes (``.jsonl``, see `vscode_log`). Where both stand
side by side the log counts, as it does for VS Code; what only the old object holds is kept, off the conversation. See
`vscode_places` for where they are, `vscode_requests` for what becomes of a request.

A session's `native` is::

    {"session": {…}         the session's object without its requests
     "requests_at": 7,      place of the key ``requests`` in it, where that is a list
     "stored": "jsonl",     the file the client has it in, readable or not: ``jsonl``, ``json`` or ``state.vscdb``
     "unread": [line, …]}   bytes of the source that could not be read (see `native.raw_line`)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats import vscode_places as places
from chasm_git.providers.formats import vscode_results
from chasm_git.providers.formats.vscode_content import as_dict, as_list
from chasm_git.providers.formats.vscode_flat import Flat, read_flat
from chasm_git.providers.formats.vscode_history import forgotten, place
from chasm_git.providers.formats.vscode_log import BOM, Removed, replay
from chasm_git.providers.formats.vscode_requests import add_request, requests_of
from chasm_git.providers.formats.vscode_results import STORAGE
from chasm_git.providers.formats.vscode_uris import path_of, uri_of
from chasm_git.providers.reading import document
from chasm_git.providers.reading.values import origin_id
from chasm_git.session import jsonio, times
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Message, Session
from chasm_git.session.native import Index, TooDeep, fold, raw_line, unfold

_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_LONGEST_ID = 200


@dataclass(slots=True)
class _Stored:
    """A session as its files hold it."""

    state: dict[str, Any]
    stored: str
    removed: list[Removed] = field(default_factory=list)
    unread: list[bytes] = field(default_factory=list)


class VSCode(Provider):
    """Reads chat sessions of VS Code 1.8x to 1.139 and of the editors built on it."""

    name = "vscode"
    title = "VS Code chat"
    note = "Copilot Chat in VS Code, its forks, remote servers and code-server; not its edit snapshots"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All session files, by editor, workspace and name. See `Provider.discover`."""
        yield from places.sources(env, self.name)

    def read(self, source: Source) -> Reading:
        """One session; from a database of before 1.92, all that are in it. See `Provider.read`."""
        reading = Reading()
        path = source.path
        if path.name == places.DATABASE:
            from chasm_git.providers.formats.vscode_database import sessions_in

            found = [(key, _of_flat(flat, path, "state.vscdb", reading)) for key, flat in sessions_in(path, reading)]
        else:
            found = [(path.stem, _read_files(path, reading))]
        workspace = workspace_of(path.parent if path.name == places.DATABASE else path.parent.parent, reading)
        results = list(vscode_results.read(path.parent.parent / STORAGE, source.extra, reading.problems))
        for key, stored in found:
            if stored is not None:
                document.listed(stored.state, "requests", path, reading.problems, fatal=False)
                _add_session(stored, key, workspace, reading, results)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session as one object, however it was stored; then what was too long for it. See `Provider.export`."""
        native = as_dict(session.native)
        header = unfold(Message("", "event", native=native.get("session")), load) if native else {}
        pieces = [jsonio.dumps(key) + b":" + jsonio.dumps(value) for key, value in (header.items() if header else ())]
        at = native.get("requests_at")
        if type(at) is int:
            pieces.insert(at, b'"requests":[' + b",".join(requests_of(session, load)) + b"]")
        name = session.id if _SAFE_NAME.fullmatch(session.id) else "session"
        own = {f"{name}.json": b"{" + b",".join(pieces) + b"}"}
        results = vscode_results.files_of(session.messages, load)
        return own | {f"{STORAGE}/{name}": data for name, data in results.items()}


def _read_files(path: Path, reading: Reading) -> _Stored | None:
    """A session from its log, its object, or both."""
    data = path.read_bytes()
    if path.suffix == ".json":
        return _of_flat(read_flat(data), path, "json", reading)
    log, old = replay(data), _beside(path.with_suffix(".json"), reading)
    made: _Stored | None = None
    reason = "empty" if not data.strip() else "holds no session"
    if type(log.state) is dict:
        made = _Stored(log.state, "jsonl", log.removed)
        if old is not None:
            requests = as_list(log.state.get("requests"))
            made.removed = [*forgotten(as_list(old.state.get("requests")), requests, log.removed), *log.removed]
    elif old is not None:
        salvaged = [gone.request for gone in log.removed]
        made = _Stored(old.state, "jsonl", forgotten(salvaged, as_list(old.state.get("requests")), []))
        reason += f", read from {path.stem}.json"
    elif log.removed:
        made = _Stored({}, "jsonl", log.removed)
        reason += " but some requests"
    for fault in log.faults:
        reading.problems.append(Problem(str(path), fault.reason, fault.line, fatal=made is None))
    if type(log.state) is not dict:
        reading.problems.append(Problem(str(path), reason, fatal=made is None))
    if made is not None:
        made.unread = [*(fault.data for fault in log.faults), *(old.unread if old is not None else ())]
    return made


def _beside(path: Path, reading: Reading) -> _Stored | None:
    """The object beside a log, as it was before the log."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        reading.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))
        return None
    return _of_flat(read_flat(data), path, "json", reading, fatal=False)


def _of_flat(flat: Flat, path: Path, stored: str, reading: Reading, *, fatal: bool = True) -> _Stored | None:
    fatal = fatal and flat.state is None
    reading.problems += [Problem(str(path), reason, fatal=fatal) for reason in flat.reasons]
    return _Stored(flat.state, stored, unread=flat.unread) if flat.state is not None else None


def workspace_of(folder: Path, reading: Reading) -> str | None:
    """The folder (or .code-workspace file) a workspace's id is for."""
    path = folder / "workspace.json"
    try:
        value = as_dict(jsonio.loads(path.read_bytes().removeprefix(BOM)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reading.problems.append(Problem(str(path), f"cannot be read: {error}", fatal=False))
        return None
    configuration = value.get("configuration")
    for named in (value.get("folder"), value.get("workspace"), configuration, as_dict(configuration).get("configPath")):
        uri = uri_of(named)
        if uri is not None:
            return path_of(uri)
    return None


def _add_session(
    stored: _Stored, key: str, workspace: str | None, reading: Reading, results: Sequence[tuple[str, bytes]] = ()
) -> None:
    """Make the session of what is stored; none of a window that was opened and never used."""
    state, builder = stored.state, Builder()
    requests = state.get("requests")
    for placed in place(as_list(requests), stored.removed):
        add_request(builder, placed)
    native: dict[str, Json] = {}
    if stored.state:
        native["session"] = _folded(state, builder)
    if type(requests) is list:
        native["requests_at"] = [*state].index("requests")
    native["stored"] = stored.stored
    if stored.unread:
        native["unread"] = [raw_line(data, builder.attachments) for data in stored.unread]
    elif not builder.messages and not requests and not _has_draft(state):
        return
    calls = _calls(builder) if results else frozenset()
    for name, data in results:
        made = vscode_results.result_of(name, data, calls)
        builder.message(made.pop("record"), **made)
    session_id = state.get("sessionId")
    reading.attachments |= builder.attachments
    reading.sessions.append(
        Session(
            id=session_id if type(session_id) is str and 0 < len(session_id) <= _LONGEST_ID else key,
            provider=VSCode.name,
            title=_title(state),
            workspace=workspace or _working_directory(state),
            created_at=times.iso(state.get("creationDate")) or _first_time(builder),
            forked_from=_origin(state),
            git=_git(state),
            native=native,
            messages=builder.messages,
        )
    )


def _calls(builder: Builder) -> frozenset[str]:
    """Ids of the calls of tools in a session."""
    parts = (part for message in builder.messages for part in message.parts() if part.get("type") == "tool_call")
    return frozenset(key for part in parts if type(key := part.get("id")) is str)


def _origin(state: dict[str, Any]) -> str | None:
    """The session this one was made of; the first answer says it too, since VS Code drops keys it does not know."""
    first = next(iter(as_list(state.get("requests"))), None)
    return origin_id(state) or origin_id(as_dict(as_dict(first).get("result")).get("metadata"))


def reading_of(state: dict[str, Any], key: str) -> Reading:
    """What is read from a file that holds this session's object; `key` is its name without suffix."""
    reading = Reading()
    _add_session(_Stored(state, "json"), key, None, reading)
    return reading


def _folded(state: dict[str, Any], builder: Builder) -> Json:
    """The session's object without the list of its requests."""
    header = {key: value for key, value in state.items() if key != "requests" or type(value) is not list}
    try:
        return fold(header, Index(), builder.attachments)
    except TooDeep:
        return raw_line(jsonio.dumps(header), builder.attachments)


def _has_draft(state: dict[str, Any]) -> bool:
    """Whether the user wrote something that was not sent."""
    text = as_dict(state.get("inputState")).get("inputText")
    return (type(text) is str and bool(text.strip())) or bool(as_list(state.get("pendingRequests")))


def _title(state: dict[str, Any]) -> str | None:
    """What the user or the model called it: ``computedTitle`` in version 2, ``customTitle`` since."""
    for title in (state.get("customTitle"), state.get("computedTitle")):
        if type(title) is str and title.strip():
            return title
    return None


def _working_directory(state: dict[str, Any]) -> str | None:
    uri = uri_of(state.get("workingDirectory"))
    return path_of(uri) if uri is not None else None


def _first_time(builder: Builder) -> str | None:
    return next((message.timestamp for message in builder.messages if message.timestamp is not None), None)


def _git(state: dict[str, Any]) -> dict[str, Json] | None:
    known = as_dict(state.get("repoData"))
    git = {
        name: known[key]
        for name, key in (("branch", "localBranch"), ("commit", "localHeadCommit"), ("remote", "remoteUrl"))
        if type(known.get(key)) is str and known[key]
    }
    return git or None
