"""The row of a session in Codex's table of threads, as the client itself makes it from a rollout."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from chasm_git.providers.writing.contract import WritePlan
from chasm_git.session.model import Json, Session
from chasm_git.session.readable import parts
from chasm_git.session.universal import updated_at

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def thread_row(plan: WritePlan, session: Session, place: Path, model_provider: str) -> dict[str, Json]:
    """The columns we know, of all versions; those a table does not have are left out by whoever inserts it.

    Args:
        place: the rollout.
        model_provider: the one of a session that names none.
    """
    begun = _milliseconds(session.created_at)
    ended = max(begun, _milliseconds(updated_at(session)))
    prompt = _utf8(_first_prompt(session))
    header = _header(session) if not plan.is_converted else {}
    git = session.git if type(session.git) is dict else {}
    source = header.get("source", "cli")
    return {
        "id": plan.session_id,
        "rollout_path": str(place),
        "created_at": begun // 1000,
        "updated_at": ended // 1000,
        "created_at_ms": begun,
        "updated_at_ms": ended,
        "source": source if type(source) is str else "cli",
        "model_provider": _text(header.get("model_provider")) or model_provider,
        "cwd": plan.folder or "",
        "title": prompt,
        "sandbox_policy": '{"type":"read-only"}',
        "approval_mode": "on-request",
        "has_user_event": 1,
        "archived": int("archived_sessions" in place.parts),
        "git_sha": _text(git.get("commit")),
        "git_branch": _text(git.get("branch")),
        "git_origin_url": _text(git.get("remote")),
        "cli_version": _text(header.get("cli_version")) or "",
        "first_user_message": prompt,
        "preview": prompt,
        "history_mode": _text(header.get("history_mode")) or "legacy",
        "originator": _text(header.get("originator")),
        "recency_at": ended // 1000,
        "recency_at_ms": ended,
    }


def _header(session: Session) -> dict[str, Json]:
    """What the rollout says of itself: the payload of its first row."""
    for message in session.messages[:3]:
        payload = message.native.get("payload") if type(message.native) is dict else None
        if type(payload) is dict and message.native.get("type") == "session_meta":
            return payload
    return {}


def _first_prompt(session: Session) -> str:
    for message in session.messages:
        if message.role == "user" and not message.injected:
            for part in parts(message):
                if part.get("type") == "text" and type(said := part.get("text")) is str and said.strip():
                    return said[:1000]
    return ""


def _milliseconds(time: str | None) -> int:
    if time is None:
        return 0
    return round((dt.datetime.fromisoformat(time) - _EPOCH).total_seconds() * 1000)


def _text(value: Json) -> str | None:
    return _utf8(value) if type(value) is str and value else None


def _utf8(text: str) -> str:
    """Text a database can hold."""
    return text.encode("utf-8", "replace").decode()
