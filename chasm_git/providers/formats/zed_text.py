"""Zed's text threads: one text in a file, with the places in it where a message begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem, Reading
from chasm_git.providers.reading import document
from chasm_git.providers.reading.values import as_dict, as_list, identity, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Session

_STATES = {"Pending": "partial", "Canceled": "interrupted"}


def read_text(path: Path, reading: Reading) -> None:
    """Add the session of a text thread. Raises OSError where it cannot be opened."""
    data = path.read_bytes()
    try:
        value = document.load(data)
    except ValueError as error:
        reading.problems.append(Problem(str(path), str(error)))
        return
    whole = value.get("text")
    if type(whole) is not str:
        reading.problems.append(Problem(str(path), "no text in it"))
        return
    name = path.name.removesuffix(".zed.json")
    session, builder = Session(identity(value.get("id")) or scoped_id("zed", name), "zed"), Builder()
    session.title = text(value.get("summary")) or name
    octets = whole.encode("utf-8", "surrogatepass")
    found = [as_dict(item) for item in as_list(value.get("messages"))]
    starts = [start if type(start := item.get("start")) is int and start >= 0 else 0 for item in found]
    for number, item in enumerate(found):
        end = starts[number + 1] - 1 if number + 1 < len(found) else len(octets)
        said = octets[starts[number] : max(end, starts[number])].decode("utf-8", "replace")
        about = as_dict(item.get("metadata")) or _beside(value, item.get("id"))
        _add(builder, session, item.get("id"), about, said)
    if not any(m.role in ("user", "assistant") and m.content for m in builder.messages):
        if not whole.strip():
            return
        reading.problems.append(Problem(str(path), "it does not say who said what", fatal=False))
        if not any(m.content for m in builder.messages):
            builder.message(None, id="text", role="event", content=whole)
    session.native = {"name": path.name, "file": document.kept_file(data, builder.attachments)}
    session.messages = builder.messages
    reading.sessions.append(session)
    reading.attachments |= builder.attachments


def _beside(value: dict[str, Any], key: Json) -> dict[str, Any]:
    """What the file says of a message, as it did before 0.4: apart, by its number."""
    return as_dict(as_dict(value.get("message_metadata")).get(str(key)))


def _add(builder: Builder, session: Session, key: Json, about: dict[str, Any], said: str) -> None:
    """Add a message. It has no record of its own: the file is kept as a whole."""
    role, status = text(about.get("role")), about.get("status")
    role = role.lower() if role is not None and role.lower() in ("user", "assistant", "system") else "event"
    content: Any = said
    fields: dict[str, Any] = {"injected": role == "system"}
    if type(status) is str:
        fields["status"] = _STATES.get(status)
    elif (failure := text(as_dict(status).get("Error"))) is not None:
        fields["status"] = "failed"
        content = [*([{"type": "text", "text": said}] if said else []), {"type": "error", "text": failure}]
    made = f"m-{jsonio.dumps(key).decode()}" if type(key) is int else scoped_id(session.id, key)
    builder.message(None, id=made, role=role, content=content, **fields)
