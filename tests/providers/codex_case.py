"""Small Codex files, and what the tests ask of a session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Reading, Source
from chasm_git.providers.codex import Codex
from chasm_git.session.model import Session

FIXTURES = Path(__file__).parents[2] / "fixtures"
SHARED = Path(__file__).parents[3] / "shared"
ROLLOUT = "rollout-2026-01-01T10-00-00-01a00000-0000-7000-8000-0000000000ff.jsonl"
ID = "01a00000-0000-7000-8000-0000000000ff"


def sources(home: Path, reader: Codex | None = None) -> list[Source]:
    found = list((reader or Codex()).discover(Env(home)))
    assert not [item for item in found if isinstance(item, Problem)]
    return [item for item in found if isinstance(item, Source)]


def harvest(home: Path) -> dict[str, Session]:
    reader = Codex()
    return {s.id: s for source in sources(home, reader) for s in reader.read(source).sessions}


def read(path: Path, data: bytes | None = None, reader: Codex | None = None) -> Reading:
    if data is not None:
        path.write_bytes(data)
    return (reader or Codex()).read(Source("codex", path.name, path, ""))


def only(reading: Reading) -> Session:
    (session,) = reading.sessions
    return session


def row(kind: str, payload: Any, **more: Any) -> bytes:
    record = {"timestamp": "2026-01-01T10:00:00.000Z", "type": kind, "payload": payload, **more}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def said(role: str, *texts: str, **more: Any) -> bytes:
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text} for text in texts]
    return row("response_item", {"type": "message", "role": role, "content": content, **more})


META = row("session_meta", {"id": ID, "cwd": "/p"})


def texts(session: Session, role: str, kind: str = "text") -> list[Any]:
    """What was really said: the texts of one role that the client did not write itself."""
    shown = [m for m in session.messages if m.role == role and not m.injected]
    return [part["text"] for m in shown for part in m.parts() if part["type"] == kind]


def turns(session: Session) -> int:
    return len({m.turn for m in session.messages if m.role == "assistant"})


def calls(session: Session) -> list[dict[str, Any]]:
    parts = [part for m in session.messages for part in m.parts()]
    results = {part["id"]: part for part in parts if part["type"] == "tool_result"}
    return [
        {"name": part["name"], "arguments": part["arguments"], "result": results.get(part["id"])}
        for part in parts
        if part["type"] == "tool_call"
    ]


def models(session: Session) -> list[str]:
    return list(dict.fromkeys(m.model for m in session.messages if m.model is not None))


def lay(home: Path, place: str, data: bytes = META + said("user", "hi")) -> Path:
    path = home / ".codex" / place / ROLLOUT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
