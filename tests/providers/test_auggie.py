"""The Auggie reader: exchanges that become a prompt and its answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chasm_git.providers.auggie import Auggie
from chasm_git.session.model import Session
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, said, shown

auggie = Auggie()
HOME = FIXTURES / "auggie" / "v1"
FIRST, SECOND = (f"7b000000-0000-4000-8000-00000000000{n}" for n in (1, 2))


@pytest.fixture(scope="module")
def sessions() -> dict[str, Session]:
    return harvest(auggie, HOME)


def test_the_conversation(sessions: dict[str, Session]) -> None:
    assert set(sessions) == {FIRST, SECOND}
    session = sessions[FIRST]
    assert (session.workspace, session.created_at) == ("/home/ana/shop", "2026-01-10T12:00:00.000Z")
    assert said(session, "user") == ["Why is the cart's total wrong?"]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], m.get("status")) for m in answers] == [
        ("Let me look.", ["Rounding, I guess."], None),
        ("It rounds too early.", [], None),
        ("", [], "partial"),
    ]
    assert [(c["name"], c["arguments"], c["result"], c["is_error"]) for m in answers for c in m["tool_calls"]] == [
        ("view", {"path": "cart.py"}, "12:    return round(total)\n", False),
        ("launch-process", {"command": "pytest -q"}, "Cancelled by user.", True),
    ]
    usage = next(m.usage for m in session.messages if m.usage)
    assert usage == {"input_tokens": 900, "output_tokens": 40, "cache_read_input_tokens": 12}
    assert len(parts(session, "image")) == 1
    assert sessions[SECOND].title == "The shop's port"


def test_what_is_no_exchange_comes_back(tmp_path: Path) -> None:
    history = [
        "x",
        {"exchange": {"response_nodes": None, "request_message": "hi", "more": 1}, "tomorrow": []},
        {"exchange": {}},
        {"exchange": {"response_text": "only said"}},
        {"exchange": {"request_message": "hi"}},
    ]
    data = json.dumps({"before": 1, "chatHistory": history, "after": None}).encode()
    session = only(read_bytes(auggie, tmp_path / "s.json", data))
    assert session.id == "s" and (said(session, "user"), said(session, "assistant")) == (["hi", "hi"], ["only said"])
    (given,) = auggie.export(session, {}.__getitem__).values()
    assert json.dumps(json.loads(given)) == data.decode()
