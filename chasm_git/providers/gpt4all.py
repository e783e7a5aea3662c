"""GPT4All: one binary file per chat, which it writes anew on each change. See `gpt4all_file` for its layout.

::

    <models>/gpt4all-<id>.chat      a chat
    <settings>/GPT4All.ini          says where <models> is, if not in the platform's folder for application data

A message has neither a time nor an id: a prompt is known by its text, an answer by the prompt it answers, so that it
stays the same message when it is asked for again.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats import gpt4all_file
from chasm_git.providers.formats.gpt4all_file import Malformed
from chasm_git.providers.reading import document, folders
from chasm_git.providers.reading.export_file import media_type_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.native import kept_line, raw_line, unfold
from chasm_git.session.times import iso

_SUFFIX = ".chat"
_ROLES = {"Prompt: ": "user", "Response: ": "assistant", "System: ": "system"}
_MODEL_PATH = re.compile(rb'^modelPath=("?)(.*?)\1\s*$', re.MULTILINE)
_SAFE_NAME = re.compile(r"[^/\\\0]{1,240}\.chat")
_LATEST_DATE = 2**33


class GPT4All(Provider):
    """Chats of GPT4All, all versions of their files."""

    name = "gpt4all"
    title = "GPT4All"
    note = "chats of the app; of the model's state in files before 3.5, only what is small"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All chats by folder and name. See `Provider.discover`."""
        faults: list[Problem] = []
        for place in _places(env, faults):
            mark = (place.relative_to(env.home) if place.is_relative_to(env.home) else place).as_posix()
            for entry in folders.listed(place, faults):
                if entry.name.endswith(_SUFFIX) and folders.is_file(entry):
                    yield from folders.source(self.name, f"{mark}/{entry.name}", entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One chat, or none where nobody said anything in it. See `Provider.read`."""
        data = source.path.read_bytes()
        version = gpt4all_file.version_of(data)
        try:
            if version is None:
                raise Malformed(f"a version of the file that came after {gpt4all_file.NEWEST}")
            stream = gpt4all_file.Reading(data)
            head = gpt4all_file.header(stream, version, {})
            if not version and not (0 < head["creationDate"] < _LATEST_DATE and identity(head["id"])):
                raise Malformed("not a chat of GPT4All")
        except Malformed as error:
            return Reading(problems=[Problem(str(source.path), str(error))])
        return _Chat(source.path, version, head).reading(data, stream)

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The chat's file, byte for byte but for a large state of the model. See `Provider.export`."""
        native = as_dict(session.native)
        name = native.get("name")
        if type(name) is not str or not _SAFE_NAME.fullmatch(name):
            name = f"gpt4all-{re.sub(r'[^0-9A-Za-z-]+', '-', session.id)[:200]}{_SUFFIX}"
        version = native.get("version")
        if type(version) is not int or not 0 <= version <= gpt4all_file.NEWEST:
            raise KeyError("the session does not say the version of its file")
        stream = gpt4all_file.Writing()
        gpt4all_file.header(stream, version, as_dict(document.unfolded(native.get("chat"), load)))
        for message in session.messages:
            if message.native is not None:
                gpt4all_file.item(stream, version, as_dict(unfold(message, load)))
        return {name: b"".join(stream.pieces) + (kept_line(native.get("tail"), load) or b"")}


def _places(env: Env, faults: list[Problem]) -> list[Path]:
    """The folders chats may be in: the platform's, the one that was chosen, and that of very old versions."""
    if env.platform == "darwin":
        data, settings = env.config_home(), env.home / ".config" / "gpt4all.io"
    elif env.platform == "win32":
        data, settings = env.folder("LOCALAPPDATA", "AppData/Local"), env.config_home() / "nomic.ai"
    else:
        data, settings = env.folder("XDG_DATA_HOME", ".local/share"), env.config_home() / "nomic.ai"
    places = [data / "nomic.ai" / "GPT4All", settings]
    try:
        if found := _MODEL_PATH.search((settings / "GPT4All.ini").read_bytes()):
            chosen = re.sub(r"\\x([0-9a-f]{1,4})", lambda code: chr(int(code[1], 16)), found[2].decode())
            if chosen and "\0" not in chosen:
                places.insert(1, Path(chosen.replace("\\\\", "\\")))
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Problem(str(settings / "GPT4All.ini"), str(error), fatal=False))
    return list(dict.fromkeys(places))


class _Chat:
    """Reads the items of one file."""

    def __init__(self, path: Path, version: int, head: dict[str, Any]) -> None:
        stem = path.name.removesuffix(_SUFFIX).removeprefix("gpt4all-")
        self._path = path
        self._version = version
        self._head = head
        self._builder = Builder()
        self._session = Session(identity(head["id"]) or stem, GPT4All.name)
        self._asked: Json = None

    def reading(self, data: bytes, stream: gpt4all_file.Reading) -> Reading:
        """The session, or none where nobody said anything."""
        head, session, problems = self._head, self._session, list[Problem]()
        native: dict[str, Json] = {"name": self._path.name, "version": self._version}
        begun = stream.at
        try:
            for _ in range(head["items"]):
                begun = stream.at
                self._add(gpt4all_file.item(stream, self._version, {}))
            begun = stream.at
        except Malformed as error:
            reason = f"{error}; {len(self._builder.messages)} of {head['items']} messages read, the rest kept as it is"
            problems.append(Problem(str(self._path), reason, fatal=False))
        if not any(message.role in ("user", "assistant") for message in self._builder.messages):
            return Reading(problems=[Problem(p.path, p.reason) for p in problems])
        session.title = text(head["userName"]) or text(head["name"])
        session.created_at = iso(head["creationDate"])
        native["chat"] = document.folded(head, self._builder.attachments)
        if begun < len(data):
            native["tail"] = raw_line(data[begun:], self._builder.attachments)
        session.native = native
        session.messages = self._builder.messages
        return Reading([session], self._builder.attachments, problems)

    def _add(self, item: dict[str, Any]) -> None:
        role = _ROLES.get(item["name"] or "", "event")
        said = item["value"] or ""
        if role == "assistant":
            own = scoped_id(self._session.id, ["answer", self._asked])
        else:
            own = scoped_id(self._session.id, [role, said])
            self._asked = said
        answer = _Pieces(own)
        for source in as_list(item.get("sources")):
            answer.reference(source)
        for attached in as_list(item.get("attachments")):
            answer.parts.append(_file(attached))
        answer.add(as_list(item.get("subItems")))
        failed = item.get("isError") is True
        if said and role != "event":
            answer.parts.append({"type": "error" if failed else "text", "text": said})
        self._builder.message(
            item,
            id=own,
            role=role,
            content=plain(answer.parts),
            status="failed" if failed else "interrupted" if role == "assistant" and item["stopped"] is True else None,
            derived=answer.derived,
            injected=role == "system",
        )


class _Pieces:
    """Collects the parts of one message."""

    def __init__(self, own: str) -> None:
        self.parts: list[Part] = []
        self.derived: dict[str, Json] = {}
        self._own = own
        self._open: str | None = None
        """The id of a call that has no result yet."""

    def reference(self, source: dict[str, Any]) -> None:
        """Add a passage of the person's documents that the model was given."""
        if uri := text(source["path"]) or text(source["file"]):
            name = text(source["title"]) or text(source["file"])
            self.parts.append({"type": "reference", "uri": uri} | ({"name": name} if name is not None else {}))

    def add(self, pieces: list[dict[str, Any]]) -> None:
        """Add the pieces of an answer, in their order."""
        for piece in pieces:
            kind, said = piece["name"], piece["value"] or ""
            if kind == "Think: ":
                self._thought(said)
            elif kind == "ToolCall: ":
                self._call(piece)
            elif kind == "ToolResponse: ":
                if self._open is not None:
                    self.parts.append({"type": "tool_result", "id": self._open, "content": said})
                    self._open = None
            elif said:
                self.parts.append({"type": "text", "text": said})
            self.add(piece["subItems"])

    def _thought(self, said: str) -> None:
        bare = said.strip()
        inner = bare.removeprefix("<think>").removesuffix("</think>").strip()
        if not inner:
            return
        if bare.startswith("<think>"):
            at = said.index(inner, said.index("<think>") + len("<think>"))
            pointer = {"$": f"content.{len(self.parts)}.text"}
            pieces = [said[:at], pointer, said[at + len(inner) :]]
            self.derived[said] = {"$cat": [piece for piece in pieces if piece]}
        self.parts.append({"type": "thinking", "text": inner})

    def _call(self, piece: dict[str, Any]) -> None:
        key = f"{self._own}.{len(self.parts)}"
        arguments = {param["name"] or "": param["value"] for param in piece["params"]}
        self.parts.append({"type": "tool_call", "id": key, "name": piece["toolName"] or "", "arguments": arguments})
        result, failed = text(piece["result"]), piece["error"] != 0
        self._open = None if result is not None or failed else key
        if self._open is None:
            part: Part = {"type": "tool_result", "id": key, "content": result or text(piece["errorString"]) or ""}
            self.parts.append(part | ({"is_error": True} if failed else {}))


def _file(attached: dict[str, Any]) -> Part:
    """A file that was attached, with its bytes."""
    url = base64.b64decode(attached["url"] or "").decode("utf-8", "replace")
    name = unquote(url).rpartition("/")[2]
    part: Part = {"type": "file"} | ({"name": name} if name else {})
    if attached["content"]:
        media_type = media_type_of(name, base64.b64decode(attached["content"][:64]))
        part |= {"media_type": media_type} if media_type is not None else {}
        part["data"] = attached["content"]
    return part
