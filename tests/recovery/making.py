"""Homes with sessions of Claude Code and Codex that were held in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def claude(home: Path, folder: Path | str, session: str, *, files: tuple[str, ...] = (), turns: int = 2) -> Path:
    """A session of Claude Code in a folder, which reads some files."""
    slug = "".join(char if char.isalnum() else "-" for char in str(folder))
    path = home / ".claude" / "projects" / slug / f"{session}.jsonl"
    above = None
    rows = []
    for number in range(turns):
        row: dict[str, Any] = {
            "parentUuid": above,
            "isSidechain": False,
            "cwd": str(folder),
            "sessionId": session,
            "type": "user" if number % 2 == 0 else "assistant",
            "uuid": f"{session[:8]}-0000-4000-8000-{number:012d}",
            "timestamp": f"2026-01-08T12:00:{number:02d}.000Z",
        }
        if number % 2 == 0:
            row["message"] = {"role": "user", "content": f"question {number} of {session[:8]}"}
        else:
            calls = [
                {"type": "tool_use", "id": f"toolu_{number}_{at}", "name": "Read", "input": {"file_path": name}}
                for at, name in enumerate(files)
            ]
            content = [{"type": "text", "text": f"answer {number}"}, *calls]
            row["message"] = {"role": "assistant", "id": f"msg_{number}", "model": "claude", "content": content}
        rows.append(row)
        above = row["uuid"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    return path


def codex(
    home: Path, folder: Path | str, session: str, *, remote: str | None = None, commit: str | None = None
) -> Path:
    """A session of Codex in a folder, which says what its repository was."""
    path = home / ".codex" / "sessions" / "2026" / "01" / "09" / f"rollout-2026-01-09T10-00-00-{session}.jsonl"
    at = "2026-01-09T10:00:00.000Z"
    meta: dict[str, Any] = {"id": session, "timestamp": at, "cwd": str(folder), "originator": "codex_cli_rs"}
    if remote is not None or commit is not None:
        meta["git"] = {"branch": "main", "commit_hash": commit, "repository_url": remote}
    text = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"hello {session[:8]}"}]}
    answer = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]}
    rows = [
        {"timestamp": at, "type": "session_meta", "payload": meta},
        {"timestamp": at, "type": "response_item", "payload": text},
        {"timestamp": at, "type": "response_item", "payload": answer},
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    return path
