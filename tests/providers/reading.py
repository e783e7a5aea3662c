"""What the tests of the terminal agents share: a home is harvested, rows are written and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.session.model import Message, Part, Session
from chasm_git.session.universal import universal

FIXTURES = Path(__file__).parents[2] / "fixtures"


def sources(provider: Provider, home: Path, **variables: str) -> list[Source]:
    found = list(provider.discover(Env(home, variables)))
    assert [item for item in found if isinstance(item, Problem)] == []
    return [item for item in found if isinstance(item, Source)]


def harvest(provider: Provider, home: Path, **variables: str) -> dict[str, Session]:
    """All sessions of a home that hold no problem, by id."""
    found: dict[str, Session] = {}
    for source in sources(provider, home, **variables):
        reading = provider.read(source)
        assert [problem for problem in reading.problems if problem.fatal] == []
        for session in reading.sessions:
            assert session.id not in found
            found[session.id] = session
    return found


def rows_of(*rows: Any) -> bytes:
    return b"".join(
        row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        for row in rows
    )


def read_bytes(provider: Provider, path: Path, data: bytes, extra: Any = None) -> Reading:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return provider.read(Source(provider.name, path.name, path, "", extra))


def only(reading: Reading) -> Session:
    (session,) = reading.sessions
    return session


def shown(session: Session, reading: Reading | None = None) -> list[dict[str, Any]]:
    """The conversation as a person sees it."""
    load = reading.attachments.__getitem__ if reading is not None else None
    return list(universal(session, load)["messages"])


def said(session: Session, role: str) -> list[str]:
    """What one side said: texts that are not the client's own."""
    return [m["content"] for m in shown(session) if m["role"] == role and not m.get("injected") and m["content"]]


def parts(session: Session, kind: str) -> list[tuple[Message, Part]]:
    return [(message, part) for message in session.messages for part in message.parts() if part["type"] == kind]
