"""Crush: a database for each project, ``.crush/crush.db`` in its folder (the option ``data_directory`` names another).

Where it has been used is listed in ``projects.json`` of its data folder, which also says which folder a database
belongs to: the database itself does not. Projects that are not listed are found by their ``.crush`` folder a few
levels below home. Not read: the copies of edited files (tables ``files`` and ``read_files``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.reading import document, project_folders, sqlite_copy, table_rows
from chasm_git.providers.reading.cells import value_of
from chasm_git.providers.reading.openai_chat import arguments_of
from chasm_git.providers.reading.sqlite_copy import Row, grouped, indexed, unplaced
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_DATABASE = "crush.db"
_ROLES = frozenset({"user", "assistant", "tool", "system"})


class Crush(Provider):
    """Sessions of the terminal agent Crush."""

    name = "crush"
    title = "Crush"
    note = (
        ".crush/crush.db of the projects in projects.json (CRUSH_GLOBAL_DATA), and of those up to 3 levels below home"
    )

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The databases of all projects. Reads the list of projects. See `Provider.discover`."""
        faults: list[Problem] = []
        places = dict(_listed(_data(env) / "projects.json", faults))
        for entry in project_folders.holding(env.home, ".crush"):
            places.setdefault(Path(entry.path) / _DATABASE, None)
        for path, workspace in sorted(places.items()):
            yield from sqlite_copy.source(self.name, str(path), path, workspace)
        yield from faults

    def read(self, source: Source) -> Reading:
        """All sessions of a project. See `Provider.read`."""
        reading = Reading()
        try:
            with sqlite_copy.opened(source.path, reading.problems) as database:
                sessions = indexed(database.rows("sessions", ("todos",)))
                messages = grouped(database.rows("messages", ("parts",)), "session_id")
        except sqlite_copy.Unreadable as error:
            reading.problems.append(Problem(str(source.path), str(error)))
            return reading
        reading.problems += unplaced(source.path, "messages", messages)
        for key, rows in messages.items():
            if type(key) is str and key:
                session = self._session(key, sessions.get(key, {}), rows, reading)
                session.workspace = text(source.extra)
                reading.sessions.append(session)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The rows of a session. See `Provider.export`."""
        return table_rows.export(session, load)

    def _session(self, key: str, row: Row, messages: list[Row], reading: Reading) -> Session:
        session = Session(key, self.name, text(row.get("title")), parent=text(row.get("parent_session_id")))
        builder = Builder()
        for message in sorted(messages, key=lambda one: iso(one.get("created_at")) or ""):
            fields = _fields(message)
            builder.message({"messages": message}, id=identity(message.get("id")), **fields)
        session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
        session.created_at = session.created_at or iso(row.get("created_at"))
        session.messages = builder.messages
        if row:
            session.native = table_rows.kept({"sessions": row}, builder.attachments)
        reading.attachments.update(builder.attachments)
        return session


def _data(env: Env) -> Path:
    if named := env.variables.get("CRUSH_GLOBAL_DATA"):
        return Path(named)
    if env.platform == "win32":
        return env.folder("LOCALAPPDATA", "AppData/Local") / "crush"
    return sqlite_copy.data_home(env) / "crush"


def _listed(path: Path, faults: list[Problem]) -> Iterator[tuple[Path, str | None]]:
    """The databases of the projects in Crush's own list, with the folders they belong to."""
    try:
        projects = as_list(document.load(path.read_bytes()).get("projects"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        faults.append(Problem(str(path), f"list of projects not read: {error}", fatal=False))
        return
    for project in map(as_dict, projects):
        folder, data = text(project.get("path")), text(project.get("data_dir"))
        if folder is not None and "\0" not in f"{folder}{data}":
            yield Path(folder) / (data or ".crush") / _DATABASE, folder


def _fields(row: Row) -> dict[str, Any]:
    """The fields of the message a row becomes, see `Builder.message`."""
    role = row.get("role")
    content: list[Part] = []
    texts: dict[str, str] = {}
    finish: dict[str, Any] | None = None
    for block in as_list(value_of(row.get("parts"))):
        kind, data = as_dict(block).get("type"), as_dict(as_dict(block).get("data"))
        if kind == "finish":
            finish = data
        else:
            content += _parts(kind, data, row.get("id"), texts, len(content))
    time = iso(row.get("created_at"))
    fields: dict[str, Any] = {"role": role if text(role) in _ROLES else "event"}
    if role == "assistant":
        time = iso(row.get("finished_at")) or iso((finish or {}).get("time")) or time
        fields |= {"model": text(row.get("model")), "status": _status(finish)}
        if fields["status"] == "failed":
            said = (text((finish or {}).get(name)) for name in ("message", "details"))
            content.append({"type": "error", "text": "\n".join(part for part in said if part)})
    return fields | {"timestamp": time, "content": plain(content), "json_texts": texts}


def _status(finish: dict[str, Any] | None) -> str | None:
    if finish is None:
        return "partial"
    reason = finish.get("reason")
    return "interrupted" if reason == "canceled" else "failed" if reason == "error" else None


def _parts(kind: Json, data: dict[str, Any], message: Json, texts: dict[str, str], at: int) -> list[Part]:
    """What one block says; `texts` gets the arguments that are stored as text, by their place."""
    if kind == "text":
        return [{"type": "text", "text": said}] if type(said := data.get("text")) is str else []
    if kind == "reasoning":
        return [{"type": "thinking", "text": said}] if type(said := data.get("thinking")) is str else []
    if kind == "tool_call":
        stored = data.get("input")
        value = arguments_of(stored)
        if type(stored) is str and value is not stored:
            texts[f"content.{at}.arguments"] = stored
        return [{"type": "tool_call", **_known(data, id="id", name="name"), "arguments": value}]
    if kind == "tool_result":
        content = data.get("content")
        made: Part = {"type": "tool_result", **_known(data, id="tool_call_id")}
        made["content"] = content if type(content) is str else ""
        return [made | ({"is_error": True} if data.get("is_error") is True else {})]
    if kind == "image_url":
        return [{"type": "image", **_known(data, uri="url")}]
    if kind == "binary":
        media_type = data.get("MIMEType")
        image = type(media_type) is str and media_type.startswith("image/")
        known = _known(data, media_type="MIMEType", name="Path", data="Data")
        return [{"type": "image" if image else "file", **known}]
    if kind == "shell_command":  # typed by the user, run by the client
        key = f"{message}:shell"
        call = {"type": "tool_call", "id": key, "name": "shell", "arguments": _known(data, command="command")}
        result: Part = {"type": "tool_result", "id": key, "content": text(data.get("output")) or ""}
        return [call, result | ({"is_error": True} if data.get("exit_code") else {})]
    return []


def _known(block: dict[str, Any], /, **names: str) -> Part:
    """Keys of a part, from those of a block that are texts."""
    return {ours: value for ours, theirs in names.items() if type(value := block.get(theirs)) is str}
