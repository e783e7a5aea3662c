"""Files other people's tools are tested with, laid where a client keeps them: each is read whole, or known as none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Source
from chasm_git.session import codec
from tests.conftest import SHARED

AGENTS = SHARED / "fixtures" / "agent-sessions-mac"
PLACES = {
    ("claude-code", "claude/claude/*.jsonl"): ".claude/projects/-p/{name}",
    ("codex", "codex/codex/*.jsonl"): ".codex/sessions/2026/01/01/rollout-2026-01-01T00-00-00-{name}",
    ("copilot-cli", "copilot/copilot/*.jsonl"): ".copilot/session-state/{name}",
    ("antigravity", "antigravity/antigravity/*.jsonl"): ".gemini/antigravity-cli/brain/{stem}/"
    ".system_generated/logs/transcript_full.jsonl",
    ("cursor", "cursor/cursor/*.jsonl"): ".cursor/projects/p/agent-transcripts/{stem}/{name}",
    ("factory-droid", "droid-factory/droid/session_*.jsonl"): ".factory/sessions/-p/{name}",
    ("gemini-cli", "gemini/gemini/[ljs][ams]*"): ".gemini/tmp/p/chats/session-2026-01-01T00-00-{name}",
    ("kimi-code", "kimi/kimi/*.jsonl"): ".kimi-code/sessions/wd/session_{stem}/agents/main/wire.jsonl",
    ("pi", "pi/pi/*.jsonl"): ".pi/agent/sessions/--p--/{name}",
    ("qwen-code", "qwen/qwen/*.jsonl"): ".qwen/projects/-p/chats/{name}",
}
"""What is laid where. Not here, for it is no client's: `mixed` (made for a test), Droid's `stream_json` (what a run
prints), Codex's 05x (nobody says anything), Gemini's schema drift (no version wrote it)."""


@pytest.mark.parametrize(("name", "pattern"), PLACES, ids=lambda value: str(value))
def test_read_whole(name: str, pattern: str, tmp_path: Path) -> None:
    files = sorted(AGENTS.glob(pattern))
    if not files:
        pytest.skip("no data of other tools beside the checkout")
    for path in files:
        place = tmp_path / PLACES[name, pattern].format(name=path.name, stem=path.stem)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    provider, given = registry.load(name), []
    for source in provider.discover(Env(tmp_path)):
        assert isinstance(source, Source)
        reading = provider.read(source)
        assert [problem for problem in reading.problems if problem.fatal] == []
        (session,) = reading.sessions
        assert {"user", "assistant"} & {message.role for message in session.messages}
        data = next(iter(provider.export(codec.loads(codec.dumps(session)), reading.attachments.__getitem__).values()))
        original = source.path.read_bytes()
        assert data == original or json.loads(data) == json.loads(original), source.key
        given.append(source)
    assert len(given) == len(files)
