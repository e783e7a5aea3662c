"""An archive with what a page may meet: versions, a long session, sub-agents, images, a session that is hostile."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from chasm_git.archive.layout import session_path
from chasm_git.archive.repo import init_archive
from chasm_git.session import codec
from chasm_git.session.attachments import path_of, store_base64, store_text
from chasm_git.session.model import Message, Session
from tests.conftest import git
from tests.outputs import hostile

LOGIN, LONG, AGENT, FORK, BROAD = "login-1", "long-1", "agent-1", "fork-1", "broad-1"
EVIL = "evil"
LONGEST = 5000
NEEDLE = "quokka"


def commit(
    archive: Path, sessions: Iterable[Session], subject: str, attachments: dict[str, bytes] | None = None
) -> str:
    """Put sessions into an archive; returns the commit."""
    if not archive.exists():
        init_archive(archive).close()
    files = {session_path(one.provider, one.id, one.created_at): codec.dumps(one) for one in sessions}
    files |= {path_of(name): data for name, data in (attachments or {}).items()}
    for path, data in files.items():
        (archive / path).parent.mkdir(parents=True, exist_ok=True)
        (archive / path).write_bytes(data)
    git(archive, "add", "-A")
    git(archive, "commit", "-q", "-m", subject)
    return git(archive, "rev-parse", "HEAD").strip()


def say(number: int, text: str, role: str = "user", **more: object) -> Message:
    """A message."""
    at = f"2026-01-08T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
    above = f"m{number - 1}" if number else None
    return Message(f"m{number}", role, at, text, after=above, model="opus" if role == "assistant" else None, **more)  # type: ignore[arg-type]


def login() -> Session:
    """A session of four messages, with a tool call and its failure."""
    call = {"type": "tool_call", "id": "c", "name": "Bash", "arguments": {"command": "grep -n login app.py"}}
    failed = {"type": "tool_result", "id": "c", "content": "no such file", "is_error": True}
    messages = [
        say(0, "Why does the login page redirect twice?"),
        replace(say(1, "", "assistant"), content=[{"type": "thinking", "text": "The route, maybe."}, call]),
        replace(say(2, "", "tool"), content=[failed]),
        say(3, "It redirects in **two** places:\n\n```python\nreturn redirect(url)\n```", "assistant"),
    ]
    usage = {"input_tokens": 1000, "output_tokens": 50}
    messages[3].usage = usage
    return Session(
        LOGIN,
        "claude-code",
        "Fix the login",
        "/home/ana/shop",
        "2026-01-08T00:00:00.000Z",
        tags=["auth"],
        messages=messages,
    )


def build(archive: Path) -> list[str]:
    """The archive; returns the commits that changed `LOGIN`, the earliest first."""
    first = login()
    agent = Session(AGENT, "claude-code", "Look at the tests", "/home/ana/shop", first.created_at, parent=LOGIN)
    agent.messages = [say(0, "Look at the tests.")]
    fork = Session(FORK, "codex", "Another way", "/home/ana/blog", first.created_at, forked_from=LOGIN)
    held: dict[str, bytes] = {}
    png = base64.b64encode(hostile.PNG).decode()
    svg = base64.b64encode(f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{hostile.SHOUT}\"/>".encode()).decode()
    page = store_text(f"<script>{hostile.SHOUT}</script>" * 2000, held)
    parts = [
        {"type": "image", "media_type": "image/png", "data": store_base64(png, "image/png", held), "name": "shot.png"},
        {
            "type": "image",
            "media_type": "image/svg+xml",
            "data": store_base64(svg, "image/svg+xml", held),
            "name": "x.svg",
        },
        {"type": "file", "media_type": "text/html", "data": page, "name": "page.html"},
    ]
    fork.messages = [replace(say(0, ""), content=parts)]
    broad = Session(BROAD, "codex", "One line of 5 MB", None, first.created_at)
    broad.messages = [say(0, "x" * 5_000_000), say(1, f"{NEEDLE} **after** it", "assistant")]
    long = Session(LONG, "codex", "A long one", "/home/ana/blog", "2026-01-09T00:00:00.000Z")
    for number in range(LONGEST):
        said = f"Message {number} of many" + (f" with a {NEEDLE}" if number == 4321 else "")
        long.messages.append(say(number, said, "assistant" if number % 2 else "user"))
    commits = [commit(archive, [first, agent, fork, broad, long, hostile.session()], "harvest: 6 new", held)]
    second = replace(first, title="Fix the login redirect", messages=[*first.messages, say(4, "Thanks, that works.")])
    commits.append(commit(archive, [second], "harvest: 1 updated"))
    rewritten = say(3, "It redirects in **three** places:\n\n```python\nreturn redirect(url)\n```", "assistant")
    rewritten.usage = first.messages[3].usage
    third = replace(second, messages=[*first.messages[:3], rewritten])
    commits.append(commit(archive, [third], "harvest: 1 rewritten"))
    return commits
