"""The Cline reader: messages, sub-agents and forks of its terminal agent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Reading
from chasm_git.providers.cline_cli import ClineCLI
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, said, shown, sources

cline = ClineCLI()
HOME = FIXTURES / "cline" / "sdk"
A, B = "1768046400000_ab1cd", "1768046500000_ef2gh"
AGENT = f"{A}__agent_1768046401_xyz"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(cline, HOME)


def read(tmp_path: Path, *messages: Any) -> Reading:
    data = json.dumps({"sessionId": "s", "agent": "lead", "messages": list(messages)}).encode()
    return read_bytes(cline, tmp_path / "s" / "s.messages.json", data)


def user(*content: Any) -> dict[str, Any]:
    return {"id": "u", "role": "user", "content": list(content)}


def test_what_the_session_is_about(home: dict[str, Session]) -> None:
    session = home[A]
    assert (session.title, session.workspace) == ("The cart's total", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:00.500Z"
    assert session.git == {"branch": "main", "remote": "https://git.example/ana/shop.git"}


def test_the_conversation(home: dict[str, Session]) -> None:
    session = home[A]
    assert said(session, "user") == ["Why is the total wrong?", "Thanks\nand bye.", "plain text"]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], m.get("status")) for m in answers] == [
        ("Let me look.", ["Rounding, I guess."], None),
        ("`cart.py` rounds too early.", [], None),
        ("There is one.", [], None),
        ("529 overloaded", [], "failed"),
    ]
    assert [(c["result"], c["is_error"]) for m in answers for c in m["tool_calls"]] == [
        ("12:    return round(total)\n\n\ndef total():\n", False),
        ("ENOENT", True),
        ('{"text":"One.","iterations":1}', False),
    ]
    assert [m["content"] for m in shown(session) if m.get("injected")] == ["Context compacted."]
    assert universal(session)["metadata"]["total_tokens"] == {"input": 3600, "output": 450}


def test_what_a_prompt_carries(home: dict[str, Session]) -> None:
    assert parts(home[A], "file")[0][1] == {"type": "file", "uri": "/home/ana/shop/cart.py"}
    assert parts(home[A], "image")[0][1]["media_type"] == "image/png"


def test_the_mark_around_a_prompt_is_kept_apart(home: dict[str, Session]) -> None:
    (message,) = [m for m in home[A].messages if m.content == "Thanks\nand bye."]
    assert message.native["content"] == [
        {"type": "text", "text": {"$cat": ['<user_input mode="act">', {"$": "content"}, "</user_input>"]}}
    ]


@pytest.mark.parametrize("length", [1, 20, 16_384, 16_385, 30_000, 70_000])
def test_prompts_of_any_length_come_back(length: int, tmp_path: Path) -> None:
    for blocks in (1, 2):
        text = f'<user_input mode="plan">{"é" * length}</user_input>'
        message = user(*[{"type": "text", "text": text}, {"type": "text", "text": "x"}][:blocks])
        reading = read(tmp_path, message)
        files = cline.export(only(reading), reading.attachments.__getitem__)
        assert json.loads(files["s.messages.json"])["messages"] == [message]


def test_an_agent_is_a_session_of_its_own(home: dict[str, Session]) -> None:
    agent = home[AGENT]
    assert (agent.parent, agent.title, agent.workspace) == (A, "The cart's total", "/home/ana/shop")
    assert agent.created_at == "2026-01-10T12:00:04.000Z"
    assert said(agent, "user") + said(agent, "assistant") == ["Count the callers.", "One."]
    assert "manifest" not in agent.native


def test_forks(home: dict[str, Session]) -> None:
    assert (home[B].forked_from, home[A].forked_from) == (A, None)


def test_an_id_from_the_file_where_the_object_has_none(tmp_path: Path) -> None:
    data = json.dumps({"messages": [user({"type": "text", "text": "hi"})]}).encode()
    lead = only(read_bytes(cline, tmp_path / "s" / "s.messages.json", data))
    agent = only(read_bytes(cline, tmp_path / "s" / "agent_1.messages.json", data))
    assert (lead.id, lead.parent) == ("s", None)
    assert (agent.id, agent.parent) == ("s__agent_1", "s")


def test_results_of_any_shape(tmp_path: Path) -> None:
    contents = [None, "text", [], [{"type": "text", "text": "block"}], [{"result": {"a": 1}}], [{"result": None}], [5]]
    message = user(*({"type": "tool_result", "tool_use_id": str(n), "content": c} for n, c in enumerate(contents)))
    reading = read(tmp_path, {"id": "a", "role": "assistant", "content": []}, message)
    results = [part["content"] for _, part in parts(only(reading), "tool_result")]
    assert results == ["", "text", "", [{"type": "text", "text": "block"}], '{"a":1}', "", ""]
    files = cline.export(only(reading), reading.attachments.__getitem__)
    assert json.loads(files["s.messages.json"])["messages"][1] == message


def test_homes_named_by_their_variables(tmp_path: Path) -> None:
    root = HOME / ".cline"
    for variable, place in (
        ("CLINE_DIR", root),
        ("CLINE_DATA_DIR", root / "data"),
        ("CLINE_SESSION_DATA_DIR", root / "data" / "sessions"),
    ):
        assert [source.key for source in sources(cline, tmp_path, **{variable: str(place)})] == [
            f"{A}/{A}.messages.json",
            f"{A}/agent_1768046401_xyz.messages.json",
            f"{B}/{B}.messages.json",
        ]
