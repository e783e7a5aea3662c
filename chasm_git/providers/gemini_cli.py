"""Gemini CLI: a recording per session below ``~/.gemini/tmp``.

::

    tmp/<project>/.project_root                                the folder the sessions were held in
    tmp/<project>/chats/session-2026-01-08T12-00-<id>.jsonl    a session: the log of its changes
    tmp/<project>/chats/<session>/<sub-agent>.jsonl            a sub-agent's session
    tmp/<project>/chats/session-2026-01-08T12-00-<id>.json     before 0.40: one object, written anew on each change

``<project>`` is a name from 0.29 on; before, it was the SHA-256 of the folder's path. See `gemini_log` for the rows.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.gemini_log import Log, add_items
from chasm_git.providers.reading import document, folders, jsonl
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, origin_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Message, Session
from chasm_git.session.times import iso

_MESSAGES = "messages"
_ANSWERS = re.compile(rb'"type":\s*"gemini"')
_ROOT = ".project_root"
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}\.jsonl?")
_PATHS = ("file_path", "absolute_path", "dir_path", "path", "directory")
_LISTED = re.compile(r"^ {2}- (.+)$", re.MULTILINE)
"""Folders in the context a session begins with."""
_MOST_TRIED = 5000


class GeminiCLI(Provider):
    """Sessions of Google's terminal agent, 0.2 to 0.61."""

    name = "gemini-cli"
    title = "Gemini CLI"
    note = "sessions and sub-agents in ~/.gemini/tmp (GEMINI_CLI_HOME); not /chat save, which repeats them"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All recordings, by project and time; sub-agents' first. See `Provider.discover`."""
        faults: list[Problem] = []
        home = env.folder("GEMINI_CLI_HOME", "")
        yield from recordings(self.name, home / ".gemini" / "tmp", faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        return read_recording(source)

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`. The first versions of Qwen Code wrote the same, but for the name of who answers."""
        is_recording = {"sessionId", "projectHash", _MESSAGES} <= shape_of(sample).top
        return 0.95 if is_recording and _ANSWERS.search(sample) is not None else 0.0

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The recording, by its file name. See `Provider.export`."""
        return export_recording(session, load)


def recordings(provider: str, root: Path, faults: list[Problem]) -> Iterator[Source]:
    """All recordings below a folder of projects."""
    for project in folders.folders(root, faults):
        chats = Path(project.path) / "chats"
        root_file = _root_file(project.path)
        listed = folders.listed(chats, faults)
        for parent in (entry for entry in listed if folders.is_folder(entry)):
            for entry in folders.listed(parent.path, faults):
                if entry.name.endswith(".jsonl") and folders.is_file(entry):
                    key, extra = f"{project.name}/{parent.name}/{entry.name}", {"parent": parent.name}
                    yield from folders.source(provider, key, entry, faults, root_file, extra)
        names = {entry.name for entry in listed}
        for entry in listed:
            is_log = entry.name.endswith(".jsonl")
            # on resume the client copies an object's messages to a log beside it, and goes on there
            if (is_log or (entry.name.endswith(".json") and f"{entry.name}l" not in names)) and folders.is_file(entry):
                yield from folders.source(provider, f"{project.name}/{entry.name}", entry, faults, root_file)


def _root_file(project: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(project) as entries:
            return [entry for entry in entries if entry.name == _ROOT and folders.is_file(entry)]
    except OSError:  # its recordings cannot be listed either, and that is reported
        return []


def read_recording(source: Source) -> Reading:
    """The session of a recording."""
    path = source.path
    parent = text(as_dict(source.extra).get("parent"))
    session = Session(path.name.rpartition(".")[0], source.provider, parent=parent)
    if path.suffix == ".json":
        return _read_object(path, session)
    log = Log(path, session)
    log.native["name"] = path.name
    reading = log.reading()
    if reading.sessions:
        session.workspace = _workspace(path, session, log.project, log.directories, reading.problems)
    return reading


def _read_object(path: Path, session: Session) -> Reading:
    try:
        value = document.load(path.read_bytes())
    except ValueError as error:
        return Reading(problems=[Problem(str(path), str(error))])
    if value and _MESSAGES not in value:
        return Reading(problems=[Problem(str(path), "no messages in it: no recording of a version that is known here")])
    builder = Builder()
    session.id = identity(value.get("sessionId")) or session.id
    reading = Reading(attachments=builder.attachments)
    add_items(builder, session, document.listed(value, _MESSAGES, path, reading.problems))
    if not any(message.role in ("user", "assistant") and not message.injected for message in builder.messages):
        return Reading(problems=reading.problems or document.not_understood(builder.messages, path))
    session.title = text(value.get("summary"))
    session.forked_from = origin_id(value)
    session.created_at = iso(value.get("startTime"))
    if session.created_at is None:
        session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
    session.native = {"name": path.name} | document.kept(value, _MESSAGES, builder.attachments)
    session.messages = builder.messages
    project, directories = text(value.get("projectHash")), as_list(value.get("directories"))
    session.workspace = _workspace(path, session, project, directories, reading.problems)
    reading.sessions.append(session)
    return reading


def export_recording(session: Session, load: Load) -> dict[str, bytes]:
    """The file of a recording."""
    native = as_dict(session.native)
    name = native.get("name")
    is_object = "messages_at" in native
    if type(name) is not str or not _SAFE_NAME.fullmatch(name):
        moment = (session.created_at or "1970-01-01T00:00")[:16].replace(":", "-")
        name = f"session-{moment}-{re.sub(r'[^0-9A-Za-z-]+', '-', session.id)[:8]}.json" + ("" if is_object else "l")
    if is_object:
        return {name: document.given_back(session, _MESSAGES, load)}
    return {name: jsonl.export(session, load)}


def _workspace(
    path: Path, session: Session, project: str | None, directories: list[Any], problems: list[Problem]
) -> str | None:
    """The folder a session was held in: what the project's folder says, else one whose hash the recording has."""
    folder = path.parent.parent if session.parent is None else path.parent.parent.parent
    try:
        said = (folder / _ROOT).read_bytes().decode().strip()
        if said:
            return said
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem(str(folder / _ROOT), str(error), fatal=False))
    tried: set[str] = set()
    for candidate in _candidates(session.messages, directories) if project is not None else ():
        while candidate and candidate not in tried and len(tried) < _MOST_TRIED:
            tried.add(candidate)
            if hashlib.sha256(candidate.encode("utf-8", "surrogatepass")).hexdigest() == project:
                return candidate
            candidate = re.sub(r"[\\/][^\\/]*$", "", candidate)
    return None


def _candidates(messages: list[Message], directories: list[Any]) -> Iterator[str]:
    """Paths a session speaks of, which may lie below its folder."""
    yield from (path for path in directories if type(path) is str)
    for message in messages:
        if message.injected and type(message.content) is str:
            yield from _LISTED.findall(message.content)
        for part in message.parts():
            arguments = as_dict(part.get("arguments"))
            yield from (path for name in _PATHS if (path := text(arguments.get(name))) is not None)
