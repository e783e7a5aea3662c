"""What several test modules need: real repositories, sessions to put into them, and the client data beside us."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from chasm_git.archive.layout import session_path
from chasm_git.archive.repo import init_archive
from chasm_git.session import codec
from chasm_git.session.attachments import path_of
from chasm_git.session.model import Message, Session

settings.register_profile("local", deadline=None)  # other work on the machine is no failure
if "CI" not in os.environ:  # there hypothesis has a profile of its own: no deadline, the same examples every time
    settings.load_profile("local")

SHARED = Path(__file__).parents[2] / "shared"
"""Data that real clients wrote; not part of the project, used where it is there."""


AGENTS_FOLDERS = (
    *("CLINE_DATA_DIR", "CLINE_DIR", "CLINE_SESSION_DATA_DIR", "CONTINUE_GLOBAL_DIR", "COPILOT_HOME"),
    *("FACTORY_HOME_OVERRIDE", "GEMINI_CLI_HOME", "KIMI_CODE_HOME", "KIMI_SHARE_DIR", "OPENCLAW_HOME"),
    *("OPENCLAW_STATE_DIR", "PI_CODING_AGENT_DIR", "QWEN_HOME", "QWEN_RUNTIME_DIR"),
)
"""Variables that say where terminal agents keep their sessions."""


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings, the identity or the sessions of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith(("GIT_", "CHASM_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", *AGENTS_FOLDERS, "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of client data; skips where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("no client data beside the checkout")
    return SHARED


@pytest.fixture
def example() -> Session:
    """A small session with everything in it that most sessions have."""
    return Session(
        id="5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11",
        provider="claude-code",
        title="Fix the login redirect",
        workspace="/home/ana/shop",
        created_at="2026-01-08T12:00:00.000Z",
        git={"branch": "main", "commit": "9f1c2d3"},
        tags=["auth"],
        messages=[
            Message(
                "63ae57ca-65fd-41f5-8d8e-d16780ef71d5",
                "user",
                "2026-01-08T12:00:00.000Z",
                "Why does the login page redirect twice?",
            ),
            Message(
                "fa1ab4ae-4b91-446b-912f-3214e71dad7a",
                "assistant",
                "2026-01-08T12:00:07.120Z",
                [
                    {"type": "thinking", "text": "Look at the route first."},
                    {"type": "text", "text": "Let me look at the route.\n\nIt is in `app.py`."},
                ],
                after="63ae57ca-65fd-41f5-8d8e-d16780ef71d5",
                turn="msg_01",
                model="claude-sonnet-4-5",
                usage={"input_tokens": 656, "output_tokens": 1},
            ),
            Message(
                "b1c9ef4e-18a5-4f4b-9d6a-77e2cf4f1b02",
                "assistant",
                "2026-01-08T12:00:08.000Z",
                [
                    {
                        "type": "tool_call",
                        "id": "toolu_01",
                        "name": "Bash",
                        "arguments": {"command": "grep -n login app.py\nsed -n 1,40p app.py", "timeout": 5},
                    }
                ],
                after="fa1ab4ae-4b91-446b-912f-3214e71dad7a",
                turn="msg_01",
                model="claude-sonnet-4-5",
                usage={"input_tokens": 656, "output_tokens": 361},
            ),
            Message(
                "0d5f6a3c-3c0b-4a8e-8a3e-3f3f2c1b0a99",
                "tool",
                "2026-01-08T12:00:09.000Z",
                [{"type": "tool_result", "id": "toolu_01", "content": "12: def login():\n13:     redirect()"}],
                after="b1c9ef4e-18a5-4f4b-9d6a-77e2cf4f1b02",
            ),
            Message(
                "7e9a4c52-0b7c-4f0d-a0a4-5a3f0c8f6d10",
                "assistant",
                "2026-01-08T12:00:12.000Z",
                "It redirects in two places.",
                after="0d5f6a3c-3c0b-4a8e-8a3e-3f3f2c1b0a99",
                turn="msg_02",
                model="claude-sonnet-4-5",
                usage={"input_tokens": 1000, "output_tokens": 9},
            ),
        ],
    )


Keep = Callable[..., Path]


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Gives a function that commits sessions (and attachments, and any other files) to an archive with plain git."""
    archive = tmp_path / "archive"

    def commit(
        sessions: Iterable[Session] = (),
        attachments: Mapping[str, bytes] | None = None,
        files: Mapping[str, bytes] | None = None,
        message: str = "kept",
    ) -> Path:
        if not archive.exists():
            init_archive(archive).close()
        written = {session_path(s.provider, s.id, s.created_at): codec.dumps(s) for s in sessions}
        written |= {path_of(name): data for name, data in (attachments or {}).items()}
        for path, data in (written | dict(files or {})).items():
            place = archive / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        git(archive, "add", "-A")
        git(archive, "commit", "-q", "--allow-empty", "-m", message)
        return archive

    return commit


def git(folder: Path, *arguments: str) -> str:
    """What the user's own git says."""
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
