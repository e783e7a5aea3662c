"""Homes with Claude Code sessions in them, for harvests."""

import base64
import json

ANA = "-home-ana-shop"
SESSION = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"


def row(number, role, text, session=SESSION, **more):
    """One line of a transcript."""
    return {
        "parentUuid": f"{number - 1:08}-0000-4000-8000-000000000000" if number else None,
        "type": role,
        "uuid": f"{number:08}-0000-4000-8000-000000000000",
        "timestamp": f"2026-01-08T12:{number % 60:02}:00.000Z",
        "cwd": "/home/ana/shop",
        "sessionId": session,
        "message": {"role": role, "content": text},
        **more,
    }


def talk(count, start=0, word="message", session=SESSION):
    """Prompts and answers in turn."""
    return [row(n, "user" if n % 2 == 0 else "assistant", f"{word} {n}", session) for n in range(start, start + count)]


def picture(number, session=SESSION):
    """A prompt with an image in it."""
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(bytes(range(256)) * 3).decode()}
    return row(number, "user", [{"type": "text", "text": "look"}, {"type": "image", "source": source}], session)


def write(home, rows, session=SESSION, project=ANA):
    """The transcript of a session; rows may be raw bytes."""
    folder = home / ".claude" / "projects" / project
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{session}.jsonl"
    lines = [line if isinstance(line, bytes) else json.dumps(line, separators=(",", ":")).encode() for line in rows]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path
