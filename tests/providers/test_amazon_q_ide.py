"""The reader of Amazon Q's chats in editors: tabs of a store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chasm_git.providers.amazon_q_ide import AmazonQIDE
from chasm_git.session import codec
from chasm_git.session.model import Session
from tests.providers.reading import FIXTURES, harvest, read_bytes, said, shown, sources

amazon_q = AmazonQIDE()
HOME = FIXTURES / "amazon-q-ide" / "v1"
LONG, OLD, PORT = (f"8d000000-0000-4000-8000-00000000000{n}" for n in (1, 3, 4))


@pytest.fixture(scope="module")
def sessions() -> dict[str, Session]:
    return harvest(amazon_q, HOME)


def test_the_conversation(sessions: dict[str, Session]) -> None:
    assert set(sessions) == {LONG, OLD, PORT}  # nobody said anything in the second tab
    session = sessions[LONG]
    assert session.title == "Why is the cart's total wrong?"
    assert said(session, "user") == ["Why is the cart's total wrong?", "And the tests?"]
    assert said(session, "assistant") == ["Let me look.", "It rounds too early.", "They pass."]
    (call,) = (call for m in shown(session) for call in m["tool_calls"])
    assert (call["name"], call["arguments"]["paths"]) == ("fsRead", ["cart.py"])
    assert json.loads(call["result"])["output"]["content"] == "12:    return round(total)\n"
    assert sessions[PORT].created_at == "2026-01-10T12:00:00.000Z"
    assert sessions[OLD].created_at == "2026-01-10T11:53:20.000Z"


def test_each_session_gives_its_tab_back() -> None:
    for source in sources(amazon_q, HOME):
        tabs = json.loads(source.path.read_bytes())["collections"][0]["data"]
        reading = amazon_q.read(source)
        given = []
        for session in reading.sessions:
            again = codec.loads(codec.dumps(session))
            (data,) = amazon_q.export(again, reading.attachments.__getitem__).values()
            given.append(json.dumps(json.loads(data)))
        assert given == [json.dumps(tab) for tab in tabs if tab["conversations"]]


def test_what_is_odd(tmp_path: Path) -> None:
    rows = [{"type": "prompt", "body": "hi"}, None, {"type": ["x"]}, {"type": "directive", "body": "Reading"}, 7]
    result = {"toolUseId": "t", "status": "error", "content": [{"text": "no"}, "x"]}
    rows.append({"type": "prompt", "body": "", "userInputMessageContext": {"toolResults": [result]}})
    tab = {"conversations": [None, {"messages": rows}, {"messages": "x"}, {}]}
    value = {"collections": [None, {"name": "tabs", "data": [None, tab, tab]}, {"name": "tabs", "data": {}}]}
    reading = read_bytes(amazon_q, tmp_path / "chat-history-x.json", json.dumps(value).encode())
    (session,) = reading.sessions  # the same tab twice is one
    assert [m.role for m in session.messages] == ["user", "event", "event", "event", "event", "tool"]
    (data,) = amazon_q.export(session, reading.attachments.__getitem__).values()
    assert json.loads(data) == tab
