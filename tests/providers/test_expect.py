"""What real clients wrote, read and shown: every prompt, answer, tool call and result, and nothing twice."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Reading, Source
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.conftest import SHARED

FOLDERS = sorted(path.parent for path in SHARED.glob("realdata/*/EXPECT.json"))


def read_all(folder: Path) -> tuple[dict[str, Session], dict[str, bytes]]:
    name = re.sub(r"-[0-9.]+$", "", folder.name)
    if name not in registry.names():
        pytest.skip(f"no reader for {name} yet")
    provider = registry.load(name)
    sessions: dict[str, Session] = {}
    attachments: dict[str, bytes] = {}
    for source in provider.discover(Env(folder / "home")):
        assert isinstance(source, Source), source
        reading: Reading = provider.read(source)
        assert [problem for problem in reading.problems if problem.fatal] == []
        attachments.update(reading.attachments)
        for session in reading.sessions:
            assert session.id not in sessions
            sessions[session.id] = session
    return sessions, attachments


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda folder: folder.name)
def harvest(request: pytest.FixtureRequest) -> tuple[list[dict[str, Any]], dict[str, Session], dict[str, bytes]]:
    expected = json.loads((request.param / "EXPECT.json").read_bytes())
    return expected, *read_all(request.param)


def value_of(arguments: Any) -> Any:
    """Arguments as a value: some clients store the JSON text."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def tool_of(call: dict[str, Any], message: dict[str, Any]) -> tuple[Any, ...]:
    sidechain = bool(message.get("sidechain"))
    return call["name"], value_of(call["arguments"]), call["result"], sidechain, call["is_error"]


def test_every_session_is_there_and_no_other(harvest: Any) -> None:
    expected, sessions, _ = harvest
    wanted = {
        entry["id"] for entry in expected if "no conversation rows: not a session of its own" not in entry["notes"]
    }
    assert set(sessions) == wanted


def test_what_each_session_says(harvest: Any) -> None:
    expected, sessions, attachments = harvest
    for entry in expected:
        if entry["id"] not in sessions:
            continue
        session = sessions[entry["id"]]
        shown = universal(session, attachments.__getitem__)
        messages = [m for m in shown["messages"] if not m.get("sidechain")]
        prompts = [m["content"] for m in messages if m["role"] == "user" and not m.get("injected")]
        answers = [
            m for m in messages if m["role"] == "assistant" and (m["content"] or m["tool_calls"] or m["thinking"])
        ]
        assert prompts == entry["user"], entry["id"]
        assert len(answers) == entry["assistant_turns"], entry["id"]
        assert [m["content"] for m in answers if m["content"]] == entry["assistant_texts"], entry["id"]
        assert sum(len(m["thinking"]) for m in answers) == entry["thinking"], entry["id"]
        assert shown["metadata"]["models"] == entry["models"], entry["id"]
        assert shown["workspace"] == entry["cwd"], entry["id"]
        assert entry["title"] in (session.title, None), entry["id"]
        assert entry["parent"] in (session.parent, session.forked_from), entry["id"]
        called = [tool_of(call, message) for message in shown["messages"] for call in message["tool_calls"]]
        wanted = [
            (tool["name"], value_of(tool["args"]), tool["result"], bool(tool.get("sidechain")))
            for tool in entry["tools"]
        ]
        assert sorted(map(repr, (tool[:4] for tool in called))) == sorted(map(repr, wanted)), entry["id"]
        for known, tool in zip(wanted, entry["tools"], strict=True):
            assert tool["error"] is None or (*known, tool["error"]) in called, entry["id"]
        assert [m for m in shown["messages"] if m["role"] == "tool"] == [], entry["id"]


def test_when_it_began_and_ended(harvest: Any) -> None:
    expected, sessions, _ = harvest
    for entry in expected:
        if entry["id"] in sessions and entry["first"]:
            session = sessions[entry["id"]]
            times = [m.timestamp for m in session.messages if m.timestamp]
            assert min(times) <= entry["first"] and max(times) >= entry["last"], entry["id"]
            assert session.created_at in times, entry["id"]
