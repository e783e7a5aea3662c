"""Antigravity: what its agent did, by the transcripts it keeps beside its conversations.

::

    ~/.gemini/antigravity/brain/<id>/.system_generated/logs/transcript_full.jsonl    what happened, step by step
    ~/.gemini/antigravity/brain/<id>/.system_generated/logs/transcript.jsonl         the same, shortened
    ~/.gemini/antigravity/conversations/<id>.pb                                      the conversation, encrypted
    ~/.gemini/antigravity-cli/…                                                      the same of the terminal agent

The encrypted file is kept where there is no transcript. Results of tools are the steps that follow a call, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.reading import folders, jsonl, opaque, sqlite_copy
from chasm_git.providers.reading import table_rows as tables
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, plain, text, unwrapped
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_HOMES = (".gemini/antigravity", ".gemini/antigravity-cli")
_LOGS = ("transcript_full.jsonl", "transcript.jsonl")
_REQUEST = re.compile(r"<USER_REQUEST>\n?(.*?)\n?</USER_REQUEST>", re.DOTALL)
_MODEL = re.compile(r"setting `Model Selection` from [^\n]{0,200}? to ([^\n]{1,200}?)\.(?:\s|$)")
_STATES = {"RUNNING": "partial", "CANCELED": "interrupted", "ERROR": "failed", "FAILED": "failed"}
_TABLES = frozenset({"trajectory_meta", "steps", "gen_metadata"})
_SYSTEM = frozenset({"SYSTEM_MESSAGE", "EPHEMERAL_MESSAGE", "CHECKPOINT"})
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class Antigravity(Provider):
    """Conversations of Google's agent, in its editor and in the terminal."""

    name = "antigravity"
    title = "Antigravity"
    note = "transcripts in ~/.gemini/antigravity and antigravity-cli; encrypted conversations are kept, not read"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All transcripts by id, then the conversations without one. See `Provider.discover`."""
        faults: list[Problem] = []
        for home in _HOMES:
            known: set[str] = set()
            for folder in folders.folders(env.home / home / "brain", faults):
                logs = Path(folder.path) / ".system_generated" / "logs"
                found = {entry.name: entry for entry in folders.listed(logs, faults) if folders.is_file(entry)}
                name = next((name for name in _LOGS if name in found), None)
                if name is not None:
                    known.add(folder.name)
                    yield from folders.source(self.name, f"{home}/{folder.name}", found[name], faults)
            for entry in folders.listed(env.home / home / "conversations", faults):
                stem, _, suffix = entry.name.rpartition(".")
                if suffix in ("db", "pb") and stem not in known and folders.is_file(entry):
                    known.add(stem)
                    if suffix == "db":
                        yield from sqlite_copy.source(self.name, f"{home}/{stem}", Path(entry.path))
                    else:
                        yield from folders.source(self.name, f"{home}/{stem}", entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One conversation: its steps, or its file as it is. See `Provider.read`."""
        path = source.path
        if path.name in _LOGS:
            return _Steps(path, Session(path.parents[2].name, self.name)).reading()
        reading = Reading()
        if path.suffix == ".db":
            _read_database(path, reading)
        else:
            opaque.read(path, self.name, reading)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The transcript's lines, or the file that was kept. See `Provider.export`."""
        if opaque.is_opaque(session):
            return opaque.export(session, load)
        if "tables" in as_dict(session.native):
            return tables.export(session, load)
        name = as_dict(session.native).get("name")
        safe = name if type(name) is str and _NAME.fullmatch(name) else _LOGS[0]
        return {safe: jsonl.export(session, load)}


def _read_database(path: Path, reading: Reading) -> None:
    """Keep the rows of a conversation whose steps are in a form that is not published."""
    builder = Builder()
    try:
        with sqlite_copy.opened(path, reading.problems) as database:
            rows = {table: list(database.rows(table)) for table in sorted(database.tables) if table in _TABLES}
    except sqlite_copy.Unreadable as error:
        reading.problems.append(Problem(str(path), str(error)))
        return
    if not any(rows.values()):
        return
    native = tables.kept(dict(rows), builder.attachments)
    reading.sessions.append(Session(path.stem, Antigravity.name, native=native))
    reading.attachments |= builder.attachments
    reason = "its steps are protobuf of a form that is not published; their rows are kept as they are"
    reading.problems.append(Problem(str(path), reason, fatal=False))


class _Steps(Transcript):
    """Reads a transcript; a step's id is its number, which the client gives and keeps."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self.native["name"] = path.name
        self._model: str | None = None
        self._waiting: list[str] = []
        """Ids of the calls that have not given anything back yet."""

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """See `Transcript.take`."""
        number, kind = record.get("step_index"), record.get("type")
        key = f"step-{number}" if type(number) is int else None
        state = record.get("status")
        fields: dict[str, Any] = {"id": key, "time": iso(record.get("created_at"))}
        fields["status"] = _STATES.get(state) if type(state) is str else None
        content = text(record.get("content"))
        if kind == "USER_INPUT":
            self._prompt(record, line, content or "", fields)
        elif kind == "PLANNER_RESPONSE":
            self._answer(record, line, content, key or f"at-{fields['time']}", fields)
        elif kind in _SYSTEM if type(kind) is str else False:
            self.keep(record, line, "system", content or "", injected=True, **fields)
        elif content is not None and self._waiting:
            part: Part = {"type": "tool_result", "id": self._waiting.pop(0), "content": content}
            self.keep(
                record, line, "tool", [part | ({"is_error": True} if fields["status"] == "failed" else {})], **fields
            )
        elif content is not None and record.get("source") == "MODEL":
            self.keep(record, line, "tool", [{"type": "tool_result", "content": content}], **fields)
        else:
            self.keep(record, line, **fields)

    def _prompt(self, record: dict[str, Any], line: bytes | None, said: str, fields: dict[str, Any]) -> None:
        self._waiting = []
        if (chosen := _MODEL.search(said)) is not None:
            self._model = chosen[1]
        parts: list[Part] = [{"type": "text", "text": said}]
        derived: dict[str, Json] = {}
        if (found := _REQUEST.search(said)) is not None:
            derived = unwrapped(parts, 0, found.start(1), found.end(1))
        self.keep(record, line, "user", plain(parts), derived=derived, **fields)

    def _answer(
        self, record: dict[str, Any], line: bytes | None, said: str | None, key: str, fields: dict[str, Any]
    ) -> None:
        thought = text(record.get("thinking"))
        parts: list[Part] = [{"type": "thinking", "text": thought}] if thought is not None else []
        parts += [{"type": "text", "text": said}] if said is not None else []
        self._waiting = []
        for number, item in enumerate(as_list(record.get("tool_calls"))):
            call = as_dict(item)
            self._waiting.append(f"{key}-{number}")
            part: Part = {"type": "tool_call", "id": self._waiting[-1], "name": text(call.get("name")) or "tool"}
            stored = call.get("args")
            parts.append(part | {"arguments": _arguments(stored) if self.path.name == _LOGS[1] else stored})
        self.keep(record, line, "assistant", plain(parts), model=self._model, **fields)


def _arguments(stored: Json) -> Json:
    """The arguments of a call, whose values the shortened transcript holds as JSON texts."""
    if type(stored) is not dict:
        return stored
    made = {name: _value(value) for name, value in stored.items()}
    return made if any(made[name] is not stored[name] for name in made) else stored


def _value(stored: Json) -> Json:
    if type(stored) is not str or stored[:1] not in ('"', "{", "["):
        return stored
    try:
        return jsonio.loads(stored.encode("utf-8", "surrogatepass"))
    except ValueError:
        return stored
