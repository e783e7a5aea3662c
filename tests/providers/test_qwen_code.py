"""The Qwen Code reader: rows, rewinds, sub-agents, forks, and the recordings of its first versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.qwen_code import QwenCode
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, rows_of, said, shown, sources

qwen = QwenCode()
HOME, OLD_HOME = FIXTURES / "qwen-code" / "projects", FIXTURES / "qwen-code" / "tmp"
A, B = (f"9e000000-0000-7000-8000-00000000000{n}" for n in (1, 2))
AGENT = f"{A}/agent-explore-1"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(qwen, HOME)


def row(key: str, above: str | None, kind: str = "user", text: str = "hi", **more: Any) -> dict[str, Any]:
    message = {"role": kind, "parts": [{"text": text}]}
    return {
        "uuid": key,
        "parentUuid": above,
        "timestamp": "2026-01-10T12:00:00.000Z",
        "type": kind,
        "message": message,
        **more,
    }


def read(tmp_path: Path, *rows: Any) -> Session:
    return only(read_bytes(qwen, tmp_path / "chats" / "s.jsonl", rows_of(*rows)))


def test_the_conversation(home: dict[str, Session]) -> None:
    session = home[A]
    assert (session.title, session.workspace) == ("The cart's total", "/home/ana/shop")
    assert (session.git, session.created_at) == ({"branch": "fix/total"}, "2026-01-10T12:00:01.000Z")
    assert said(session, "user") == ["Why is the total wrong?", "Write a poem.", "Fix it."]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"]) for m in answers] == [
        ("Let me look.", ["Rounding, I guess."]),
        ("`cart.py` rounds too early.", []),
        ("Roses are red.", []),
        ("Fixed.", ["Then the round goes."]),
    ]
    calls = [(c["name"], c["result"], c["is_error"]) for m in answers for c in m["tool_calls"]]
    assert calls == [
        ("run_shell_command", "12:    return round(total)\n", False),
        ("read_file", "no such file", True),
    ]
    assert [part["type"] for part in parts(session, "tool_result")[1][1]["content"]] == ["text", "image"]
    assert universal(session)["metadata"]["total_tokens"] == {"input": 5400, "output": 181}


def test_what_was_left_for_another_branch_is_inactive(home: dict[str, Session]) -> None:
    assert [m.content for m in home[A].messages if m.inactive] == ["Write a poem.", "Roses are red."]


def test_what_nobody_typed(home: dict[str, Session]) -> None:
    injected = [m["content"].split("\n")[0] for m in shown(home[A]) if m.get("injected")]
    assert injected == ["A task ended.", "<state_snapshot>"]


def test_an_agent_is_a_session_of_its_own(home: dict[str, Session]) -> None:
    agent = home[AGENT]
    assert (agent.parent, agent.workspace) == (A, "/home/ana/shop")
    assert said(agent, "user") + said(agent, "assistant") == ["Count the callers.", "Let me see.", "One."]
    assert len({m.turn for m in agent.messages if m.role == "assistant"}) == 2
    (source,) = [source for source in sources(qwen, HOME) if "agent-" in source.key]
    reading = qwen.read(source)
    files = qwen.export(only(reading), reading.attachments.__getitem__)
    assert files == {
        name: (source.path.parent / name).read_bytes()
        for name in ("agent-explore-1.jsonl", "agent-explore-1.meta.json")
    }


def test_forks(home: dict[str, Session]) -> None:
    assert (home[B].forked_from, home[A].forked_from) == (A, None)


def test_the_recordings_of_its_first_versions() -> None:
    (session,) = harvest(qwen, OLD_HOME).values()
    assert (session.provider, session.workspace) == ("qwen-code", "/home/ana/shop")
    assert said(session, "user") + said(session, "assistant") == ["hello", "Hello!"]


def test_homes_named_by_their_variables(tmp_path: Path) -> None:
    root = str(HOME / ".qwen")
    assert len(sources(qwen, tmp_path, QWEN_HOME=root)) == 3
    assert [source.key.split("/")[0] for source in sources(qwen, tmp_path, QWEN_RUNTIME_DIR=root)] == ["runtime"] * 3
    both = sources(qwen, tmp_path, QWEN_HOME=root, QWEN_RUNTIME_DIR=str(OLD_HOME / ".qwen"))
    assert len({source.key for source in both}) == 4


def test_rows_that_share_an_id_are_left_together(tmp_path: Path) -> None:
    rows = [row("a", None), row("b", "a", "assistant", "x"), row("b", "a", "assistant", "y"), row("c", "a")]
    session = read(tmp_path, *rows)
    assert [(m.id, m.inactive) for m in session.messages] == [("a", False), ("b", True), ("b~2", True), ("c", False)]


@pytest.mark.parametrize("subtype", ["custom_title", "session_artifact_event", "session_sources_snapshot"])
def test_rows_beside_the_conversation_choose_no_branch(subtype: str, tmp_path: Path) -> None:
    rows = [row("a", None), row("b", "a"), row("c", "a"), row("d", "b", "system", subtype=subtype)]
    assert [m.id for m in read(tmp_path, *rows).messages if m.inactive] == ["b"]


@pytest.mark.parametrize(
    ("more", "typed"),
    [
        ({}, True),
        ({"provenance": "real_user"}, True),
        ({"provenance": "goal_control"}, False),
        ({"subtype": "cron"}, False),
        ({"subtype": "mid_turn_user_message"}, True),
        ({"subtype": 5}, True),
    ],
)
def test_who_said_it(more: dict[str, Any], typed: bool, tmp_path: Path) -> None:
    session = read(tmp_path, row("a", None), row("b", "a", text="x", **more))
    assert session.messages[1].injected is not typed


def test_a_prompt_is_what_was_shown_of_it(tmp_path: Path) -> None:
    texts = [{"text": "look"}, {"text": "the file it names"}]
    for shown_text, content in (("look", "look"), ("something else", [{"type": "text", **text} for text in texts])):
        prompt = row("a", None, systemPayload={"displayText": shown_text})
        prompt["message"]["parts"] = texts
        assert read(tmp_path, prompt).messages[0].content == content
