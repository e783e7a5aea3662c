"""Sessions of Cursor's terminal agent, and the transcripts that it and the editor write beside.

::

    ~/.cursor/chats/<md5 of the folder>/<session>/store.db, meta.json
    ~/.cursor/projects/<folder's name>/agent-transcripts/<session>/<session>.jsonl    also <session>.jsonl right there
    ~/.cursor/projects/<folder's name>/agent-transcripts/<session>/subagents/<agent>.jsonl

In a store, messages are JSON under the hash of their text; a tree of lists of hashes says which ones stand, and in
which order. What no list leads to was taken back. A transcript has neither results of tools nor times, so it counts
where there is nothing else.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem, Reading
from chasm_git.providers.formats.claude_rows import part_of
from chasm_git.providers.reading import document, table_rows
from chasm_git.providers.reading.sqlite_copy import Row, Unreadable, opened
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text, unwrapped
from chasm_git.session import jsonio
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_QUERY = re.compile(r"<user_query>\n?(.*?)\n?</user_query>", re.DOTALL)
_REDACTED = "[REDACTED]"
_KINDS = {"tool_call": "tool_use", "tool-result": "tool_result"}
_DEEPEST = 64
_HASH = 32


def prompt(parts: list[Part]) -> dict[str, Any]:
    """The fields of a message to the model: what was typed in it, or that nobody typed it."""
    if parts and all(part["type"] == "tool_result" for part in parts):
        return {"role": "tool", "content": parts}
    derived: dict[str, Json] = {}
    is_typed = False
    for number, part in enumerate(parts):
        if part["type"] == "text" and (found := _QUERY.search(part["text"])) is not None:
            parts[number] = dict(part)
            derived |= unwrapped(parts, number, found.start(1), found.end(1))
            is_typed = True
        elif part["type"] != "text" or not part["text"].lstrip().startswith("<"):
            is_typed = True
    return {"role": "user", "content": plain(parts), "derived": derived, "injected": not is_typed}


class AgentTranscript(Transcript):
    """Reads a transcript."""

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """See `Transcript.take`."""
        role, content = record.get("role"), as_dict(record.get("message")).get("content")
        blocks = [content] if type(content) is str else as_list(content)
        parts = [part for block in blocks if (part := _block(block)) is not None]
        if role == "user":
            self.keep(record, line, **prompt(parts))
        elif role == "assistant":
            said = [part for part in parts if part != {"type": "text", "text": _REDACTED}]
            self.keep(record, line, "assistant", plain(said), model=text(record.get("model")))
        elif record.get("type") == "error" and (failure := text(record.get("error"))) is not None:
            self.keep(record, line, "event", [{"type": "error", "text": failure}])
        else:
            self.keep(record, line)


def _block(block: Json) -> Part | None:
    kind = block.get("type") if type(block) is dict else None
    if type(kind) is str and kind in _KINDS:
        return part_of(block | {"type": _KINDS[kind]})
    return part_of(block)


def read_store(path: Path, reading: Reading) -> None:
    """Add the session of a store. Raises OSError where it cannot be opened."""
    session, builder = Session(path.parent.name, "cursor"), Builder()
    try:
        with opened(path, reading.problems) as database:
            meta, blobs = database.rows("meta"), database.rows("blobs")
    except Unreadable as error:
        reading.problems.append(Problem(str(path), str(error)))
        return
    about = _about(meta)
    data = {str(row.get("id")): _bytes(row.get("data")) for row in blobs}
    standing: dict[str, None] = {}
    _walk(str(about.get("latestRootBlobId")), data, standing, 0)
    order = {key: number for number, key in enumerate(standing)}
    rest: list[Row] = []
    messages: list[tuple[int, Row, dict[str, Any]]] = []
    for row in blobs:
        key = str(row.get("id"))
        message = _message(data[key])
        if message is None:
            rest.append(row)
        else:
            messages.append((order.get(key, len(order)), row, message))
    for place, row, message in sorted(messages, key=lambda found: found[0]):
        is_left = place == len(order) and bool(order)
        _add(builder, session, row, message, is_left=is_left, exact=jsonio.dumps(message) == data[str(row.get("id"))])
    if not any(m.role in ("user", "assistant") and not m.injected for m in builder.messages):
        return
    session.title = text(about.get("name"))
    session.created_at = iso(about.get("createdAt"))
    session.native = table_rows.kept({"meta": list(meta), "blobs": list(rest)}, builder.attachments)
    session.messages = builder.messages
    _add_meta(path.with_name("meta.json"), session, builder, reading)
    reading.sessions.append(session)
    reading.attachments |= builder.attachments


def _add_meta(path: Path, session: Session, builder: Builder, reading: Reading) -> None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        reading.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))
        return
    said = document.value_of(data)
    session.workspace = text(said.get("cwd"))
    session.created_at = session.created_at or iso(said.get("createdAtMs"))
    session.native["meta"] = document.kept_file(data, builder.attachments)


def _about(rows: list[Row]) -> dict[str, Any]:
    """What a store says of its session: JSON in hexadecimal."""
    for row in rows:
        stored = row.get("value")
        if row.get("key") in ("0", 0) and type(stored) is str:
            try:
                return as_dict(jsonio.loads(bytes.fromhex(stored)))
            except ValueError:
                return as_dict(document.value_of(stored.encode("utf-8", "surrogatepass")))
    return {}


def _bytes(cell: Json) -> bytes:
    if type(cell) is str:
        return cell.encode("utf-8", "surrogatepass")
    stored = as_dict(cell).get("$base64")
    return base64.b64decode(stored) if type(stored) is str else b""


def _message(data: bytes) -> dict[str, Any] | None:
    if not data.startswith(b"{"):
        return None
    value = document.value_of(data)
    return value if type(value.get("role")) is str else None


def _walk(key: str, data: dict[str, bytes], into: dict[str, None], depth: int) -> None:
    """Collect the messages a list of hashes leads to, in order: fields 1 of 32 bytes, in a list or in lists of it."""
    node = data.get(key, b"")
    if node.startswith(b"{"):
        into.setdefault(key)
        return
    at = 0
    while depth < _DEEPEST and node[at : at + 2] == bytes([0x0A, _HASH]) and len(node) >= at + 2 + _HASH:
        _walk(node[at + 2 : at + 2 + _HASH].hex(), data, into, depth + 1)
        at += 2 + _HASH


def _add(builder: Builder, session: Session, row: Row, message: dict[str, Any], *, is_left: bool, exact: bool) -> None:
    role, content = message.get("role"), message.get("content")
    blocks = [{"type": "text", "text": content}] if type(content) is str else as_list(content)
    parts = [part for block in blocks if (part := _part(as_dict(block))) is not None]
    fields: dict[str, Any] = {"role": "event"}
    if role == "user":
        fields = prompt(parts)
    elif role == "assistant":
        fields = {"role": "assistant", "content": plain(parts)}
    elif role == "tool":
        fields = {"role": "tool", "content": parts}
    elif role == "system":
        fields = {"role": "system", "content": plain(parts), "injected": True}
    record = {"blobs": row | {"data": message} if exact else row}
    key = identity(message.get("id")) or scoped_id(session.id, row.get("id"))
    builder.message(record, id=key, inactive=is_left, **fields)


def _part(block: dict[str, Any]) -> Part | None:
    kind = block.get("type")
    if kind == "reasoning":
        return {"type": "thinking", "text": said} if (said := text(block.get("text"))) is not None else None
    key = {"id": block["toolCallId"]} if type(block.get("toolCallId")) is str else {}
    if kind == "tool-call":
        return {"type": "tool_call"} | key | {"name": text(block.get("toolName")), "arguments": block.get("args")}
    if kind == "tool-result":
        result = block.get("result")
        said = result if type(result) is str else jsonio.dumps(result).decode() if result is not None else ""
        return {"type": "tool_result"} | key | {"content": said}
    return part_of(block)
