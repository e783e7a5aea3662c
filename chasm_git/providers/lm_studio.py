"""LM Studio: one JSON file per conversation, which it writes anew on each change.

::

    <home>/conversations/**/<time>.conversation.json    a conversation; folders are those of its sidebar
    <home>/conversations/**/<time>.json                 before 0.3
    <home>/user-files/<identifier>                      what was attached

``<home>`` stands in ``~/.lmstudio-home-pointer``, else it is ``~/.cache/lm-studio`` (older) or ``~/.lmstudio``. Each
message of a file has versions, of which one is shown; each version becomes a message, those not shown as inactive::

    {"item": {…, "versions": null}, "version": {…}}    the first version, with what else the message holds
    {"version": {…}}                                   a further one
    {"whole": …}                                       a message without versions
"""

from __future__ import annotations

import base64
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.lm_studio_content import fields_of, mark_of
from chasm_git.providers.reading import document, folders
from chasm_git.providers.reading.export_file import media_type_of
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.values import as_dict, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Part, Session
from chasm_git.session.native import unfold
from chasm_git.session.times import iso

_POINTER = ".lmstudio-home-pointer"
_SUFFIX = ".conversation.json"
_MESSAGES, _VERSIONS = "messages", "versions"
_DEEPEST = 12
"""Folders within folders that are looked into."""
_LARGEST = 64 * 1024 * 1024
"""Bytes of an attached file that is kept."""
_SAFE_NAME = re.compile(r"[^/\\\0]{1,240}\.json")
_OLD = re.compile(r"(?:^|/)\d{13}\.json$")
"""Names of conversations before 0.3: the time they were begun."""
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9 ._-]{0,239}")


class LMStudio(Provider):
    """Conversations of LM Studio's chat window."""

    name = "lm-studio"
    title = "LM Studio"
    note = "conversations of the app and what was attached to them; `lms chat` and its server keep nothing"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All conversations by folder and name. See `Provider.discover`."""
        faults: list[Problem] = []
        for home in _homes(env, faults):
            mark = (home.relative_to(env.home) if home.is_relative_to(env.home) else home).as_posix()
            stack = [(home / "conversations", "")]
            while stack:
                folder, below = stack.pop()
                for entry in folders.listed(folder, faults):
                    if entry.name.endswith(".json") and folders.is_file(entry):
                        key, extra = f"{mark}/{below}{entry.name}", {"folder": below, "files": str(home / "user-files")}
                        yield from folders.source(self.name, key, entry, faults, extra=extra)
                    elif not entry.is_symlink() and folders.is_folder(entry) and below.count("/") < _DEEPEST:
                        stack.append((Path(entry.path), f"{below}{entry.name}/"))
        yield from faults

    def read(self, source: Source) -> Reading:
        """One conversation, or none where nobody said anything in it. See `Provider.read`."""
        path = source.path
        try:
            value = document.load(path.read_bytes())
        except ValueError as error:
            return Reading(problems=[Problem(str(path), str(error))])
        stem = path.name.removesuffix(".json").removesuffix(".conversation")
        reading = _Conversation(Session(stem, self.name), source).reading(value)
        for session in reading.sessions:
            folder = text(as_dict(source.extra).get("folder"))
            session.native = {"name": path.name} | ({"folder": folder} if folder else {}) | session.native
        return reading

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`."""
        shape = shape_of(sample)
        if _MESSAGES in shape.top and {_VERSIONS, "currentlySelected"} <= shape.all:
            return 0.95
        is_old = _MESSAGES in shape.top and _OLD.search(name) is not None
        return 0.6 if is_old else 0.0  # nothing in it is LM Studio's own: a message's role and its text

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The conversation's file. See `Provider.export`."""
        native = as_dict(session.native)
        name = native.get("name")
        if type(name) is not str or not _SAFE_NAME.fullmatch(name):
            name = f"{re.sub(r'[^0-9A-Za-z-]+', '-', session.id)[:200]}{_SUFFIX}"
        made = list(as_dict(document.unfolded(native.get("document"), load)).items())
        at = native.get("messages_at")
        records = [unfold(message, load) for message in session.messages if message.native is not None]
        made.insert(at if type(at) is int else len(made), (_MESSAGES, _items(records)))
        return {name: jsonio.dumps(dict(made))}


def _homes(env: Env, faults: list[Problem]) -> list[Path]:
    """The folders LM Studio keeps its data in, or kept it in before."""
    homes = [env.home / ".cache" / "lm-studio", env.home / ".lmstudio"]
    pointer = env.home / _POINTER
    try:
        said = pointer.read_bytes().decode().strip()
        if said and "\0" not in said:
            homes.insert(0, Path(said))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Problem(str(pointer), str(error), fatal=False))
    return list(dict.fromkeys(homes))


class _Conversation:
    """Reads one file."""

    def __init__(self, session: Session, source: Source) -> None:
        self._session = session
        self._builder = Builder()
        self._problems: list[Problem] = []
        self._path = str(source.path)
        folder = text(as_dict(source.extra).get("files"))
        self._files = Path(folder) if folder is not None else None

    def reading(self, value: dict[str, Any]) -> Reading:
        """The session, or none where nobody said anything."""
        session, builder = self._session, self._builder
        for item in document.listed(value, _MESSAGES, Path(self._path), self._problems):
            self._item(item)
        if not any(message.role == "user" or message.role == "assistant" for message in builder.messages):
            return Reading(problems=self._problems or document.not_understood(builder.messages, Path(self._path)))
        session.title = text(value.get("name"))
        session.created_at = iso(value.get("createdAt"))
        if session.created_at is None:
            session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
        session.native = document.kept(value, _MESSAGES, builder.attachments)
        session.messages = builder.messages
        return Reading([session], builder.attachments, self._problems)

    def _item(self, item: Any) -> None:
        versions = item.get(_VERSIONS) if type(item) is dict else None
        if not versions or (type(versions) is not list and type(versions) is not dict):
            self._add({"whole": item}, item, is_shown=True)
            return
        selected = item.get("currentlySelected")
        keyed = list(versions.items() if type(versions) is dict else enumerate(versions))
        names = [str(key) for key, _ in keyed]
        shown = str(selected) if type(selected) in (int, str) and str(selected) in names else names[-1]
        for number, (key, version) in enumerate(keyed):
            record: dict[str, Any] = {"item": item | {_VERSIONS: None}} if not number else {}
            if type(key) is str:
                record["key"] = key
            self._add(record | {"version": version}, version, is_shown=str(key) == shown)

    def _add(self, record: dict[str, Any], version: Any, *, is_shown: bool) -> None:
        fields = fields_of(as_dict(version), self._file)
        own = scoped_id(self._session.id, mark_of(version) if type(version) is dict else version)
        self._builder.message(record, id=own, inactive=not is_shown, **fields)

    def _file(self, block: dict[str, Any]) -> Part:
        """What was attached, with its bytes where they are kept."""
        key = text(block.get("identifier")) or text(block.get("fileIdentifier"))
        name = text(block.get("name")) or text(block.get("fileName")) or key
        kind = block.get("fileType")
        data = self._bytes(key) if key is not None else None
        media_type = media_type_of(name or "", data or b"") or (kind if type(kind) is str and "/" in kind else None)
        part: Part = {"type": "image" if kind == "image" else "file"}
        part |= {"name": name} if name is not None else {}
        part |= {"media_type": media_type} if media_type is not None else {}
        return part | ({"data": base64.b64encode(data).decode()} if data is not None else {})

    def _bytes(self, key: str) -> bytes | None:
        if self._files is None or not _FILE_NAME.fullmatch(key):
            return None
        path = self._files / key
        try:
            found = path.stat()
            if found.st_size <= _LARGEST and stat.S_ISREG(found.st_mode):
                return path.read_bytes()
            self._problems.append(Problem(self._path, f"attached file {key} is too large to keep", fatal=False))
        except FileNotFoundError:  # deleted in the app, or attached on another machine
            return None
        except OSError as error:
            self._problems.append(Problem(str(path), error.strerror or str(error), fatal=False))
        return None


def _items(records: list[Any]) -> list[Any]:
    """The list of messages that records came from."""
    items: list[Any] = []
    for record in records:
        held = as_dict(record)
        if "version" not in held:
            items.append(held.get("whole", record))
            continue
        if type(held.get("item")) is dict:
            items.append(held["item"] | {_VERSIONS: {} if "key" in held else []})
        elif not items or type(as_dict(items[-1]).get(_VERSIONS)) not in (dict, list):
            items.append({_VERSIONS: []})
        versions = items[-1][_VERSIONS]
        if type(versions) is dict:
            versions[str(held.get("key", len(versions)))] = held["version"]
        else:
            versions.append(held["version"])
    return items
