"""What the Claude Code tests share: a home is harvested, bytes are read, rows are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Reading, Source
from chasm_git.providers.claude_code import ClaudeCode
from chasm_git.session.model import Message, Part, Session

FIXTURES = Path(__file__).parents[2] / "fixtures"
CASES = FIXTURES / "claude-code"
DEMO = FIXTURES / "demo" / "claude-code"
claude = ClaudeCode()


def sources(home: Path, **variables: str) -> list[Source]:
    found = list(claude.discover(Env(home, variables)))
    assert [item for item in found if isinstance(item, Problem)] == []
    return [item for item in found if isinstance(item, Source)]


def harvest(home: Path) -> dict[str, Reading]:
    """All readings of a home, by the key of their source."""
    return {source.key.partition("/")[2]: claude.read(source) for source in sources(home)}


def sessions(home: Path) -> dict[str, Session]:
    found = {session.id: session for reading in harvest(home).values() for session in reading.sessions}
    assert found
    return found


def read_bytes(tmp_path: Path, data: bytes, name: str = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11.jsonl") -> Reading:
    path = tmp_path / name
    path.write_bytes(data)
    return claude.read(Source("claude-code", name, path, ""))


def rows_of(*rows: Any) -> bytes:
    return b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows)


def user(content: Any = "hello", **more: Any) -> dict[str, Any]:
    return {"type": "user", "message": {"role": "user", "content": content}, **more}


def assistant(*blocks: Any, **more: Any) -> dict[str, Any]:
    return {"type": "assistant", "message": {"role": "assistant", "content": list(blocks)}, **more}


def only(tmp_path: Path, *rows: Any, name: str = "a.jsonl") -> list[Message]:
    """The messages that rows become."""
    (session,) = read_bytes(tmp_path, rows_of(*rows), name).sessions
    return session.messages


def text_of(content: str | list[Part]) -> str:
    """Content as one text, as the expectations have it."""
    if isinstance(content, str):
        return content
    return "\n\n".join(part["text"] for part in content if part["type"] == "text")


def parts(session: Session, kind: str, **wanted: Any) -> list[tuple[Message, Part]]:
    return [
        (message, part)
        for message in session.messages
        for part in message.parts()
        if part["type"] == kind and all(getattr(message, name) == value for name, value in wanted.items())
    ]
