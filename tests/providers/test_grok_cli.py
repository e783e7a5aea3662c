"""The Grok CLI reader: JSON lines and what is said about them beside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chasm_git.providers.grok_cli import GrokCLI
from chasm_git.session.model import Session
from tests.conftest import SHARED
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, rows_of, said, shown, sources

grok = GrokCLI()
HOME = FIXTURES / "grok-cli" / "v1"
FIRST, AGENT, OLD = (f"01a10000-0000-7000-8000-00000000000{n}" for n in (1, 2, 3))


@pytest.fixture(scope="module")
def sessions() -> dict[str, Session]:
    return harvest(grok, HOME)


def test_the_session(sessions: dict[str, Session]) -> None:
    session = sessions[FIRST]
    assert (session.title, session.workspace) == ("The cart's total", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:00.123Z"
    assert session.git == {
        "branch": "main",
        "commit": "9f1c2d3000000000000000000000000000000000",
        "remote": "git@example.org:ana/shop.git",
    }


def test_the_conversation(sessions: dict[str, Session]) -> None:
    session = sessions[FIRST]
    assert said(session, "user") == ["Why is the cart's total wrong?", "Stop, the receipt looks like this."]
    first, second, third = (m for m in shown(session) if m["role"] == "assistant")
    assert (first["content"], first["thinking"]) == (
        "Let me look at the cart.",
        ["Rounding, I guess. The cart comes first."],
    )
    assert [(call["name"], call["arguments"], call["result"]) for call in first["tool_calls"]] == [
        ("read_file", {"target_file": "/home/ana/shop/cart.py"}, "12:    return round(total)\n")
    ]
    assert [call["name"] for call in second["tool_calls"]] == ["web_search", "run_terminal_cmd"]
    assert third["content"] == "Then only the sum is to be rounded."
    assert {m["model"] for m in (first, second, third)} == {"grok-4.5"}
    assert [part["media_type"] for _, part in parts(session, "image")] == ["image/png"]


def test_sub_agents_and_forks(sessions: dict[str, Session], tmp_path: Path) -> None:
    assert (sessions[AGENT].parent, sessions[AGENT].forked_from) == (FIRST, None)
    (tmp_path / "summary.json").write_text(json.dumps({"info": {"id": "b"}, "parent_session_id": "a"}))
    made = only(read_bytes(grok, tmp_path / "chat_history.jsonl", rows_of({"type": "user", "content": "hi"})))
    assert (made.id, made.parent, made.forked_from) == ("b", None, "a")


def test_what_older_versions_wrote(sessions: dict[str, Session]) -> None:
    session = sessions[OLD]
    assert (said(session, "user"), said(session, "assistant")) == (["Which port does the shop use?"], ["8080."])
    assert session.workspace == "/home/ana/shop"


def test_a_tool_of_a_prompt_is_no_prompt(tmp_path: Path) -> None:
    rows = rows_of(
        {"type": "user", "content": "<git_status>clean</git_status>"},
        {"type": "user", "content": "and that too", "synthetic_reason": "interjection"},
        {"type": "tomorrow", "content": "?"},
        {"type": "assistant", "content": "", "tool_calls": [{"function": {"name": "ls", "arguments": "{}"}}]},
    )
    session = only(read_bytes(grok, tmp_path / "s" / "chat_history.jsonl", rows))
    assert [(m.role, m.injected) for m in session.messages] == [
        ("user", True),
        ("user", False),
        ("event", False),
        ("assistant", False),
    ]
    assert [part["name"] for _, part in parts(session, "tool_call")] == ["ls"]


def test_places(tmp_path: Path) -> None:
    assert len(sources(grok, HOME)) == 3
    assert len(sources(grok, tmp_path, GROK_HOME=str(HOME / ".grok"))) == 3


def test_files_of_other_tools(tmp_path: Path) -> None:
    folder = SHARED / "fixtures" / "agent-sessions-mac" / "grok" / "grok"
    if not folder.is_dir():
        pytest.skip("no data of other tools beside the checkout")
    session = only(read_bytes(grok, folder_of(folder, tmp_path), (folder / "chat_history.jsonl").read_bytes()))
    assert session.id == "019f6851-7ec4-7ef0-97d3-03f3eee38755"
    assert said(session, "user") == [
        "Read hello.py and summarize what it prints without editing files.",
        "Here is a screenshot for reference.",
    ]


def folder_of(folder: Path, tmp_path: Path) -> Path:
    (tmp_path / "summary.json").write_bytes((folder / "summary.json").read_bytes())
    return tmp_path / "chat_history.jsonl"
