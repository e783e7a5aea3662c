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
from chasm_git.session.times import iso
from chasm_git.session.universal import universal
from tests.conftest import SHARED

FOLDERS = sorted(path.parent for path in SHARED.glob("realdata/*/EXPECT.json") if path.with_name("home").is_dir())
"""Clients with a home of their own; aider's file, which lies in a project, is tried in `test_aider`."""

NAMES = {"continue-cli": "continue"}
"""Providers that are not called as their client's folder is."""

CORRECTIONS: dict[str, dict[str, Any]] = {
    # resumed: it counts what is a thought after replay by its key alone, not those that were folded into parts
    "1411f8ed-41c1-44d1-944c-623d1f6942cf": {"thinking": 3},
    # llm keeps the text of a fragment apart from what was typed after it: the expectation has neither
    "01m7xw3dzds59m7nfgyxq4z4g0": {"user": ["fragment text ünïcode\n\nUse the fragment (mock:plain)"]},
}
"""What an expectation itself has got wrong, by session."""

LISTED_RESULTS = {"cline"}
"""Providers whose expectations leave out results that are lists."""


def read_all(folder: Path) -> tuple[dict[str, Session], dict[str, bytes]]:
    client = re.sub(r"-[0-9.]+$", "", folder.name)
    name = NAMES.get(client, client)
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
    return [entry | CORRECTIONS.get(entry["id"], {}) for entry in expected], *read_all(request.param)


def inline(expected: list[dict[str, Any]]) -> dict[str, str]:
    """Agents whose records stand in their session's file, with that session."""
    files = {entry["id"]: entry["files"] for entry in expected}
    return {
        entry["id"]: entry["parent"]
        for entry in expected
        if entry["kind"] == "subagent"
        and files.get(entry["parent"]) == entry["files"]
        and not entry["files"][0].endswith(".db")
    }


def value_of(arguments: Any) -> Any:
    """Arguments as a value: some clients store the JSON text."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def tool_of(call: dict[str, Any], message: dict[str, Any], is_agent: bool) -> tuple[Any, ...]:
    sidechain = bool(message.get("sidechain")) and not is_agent
    return call["name"], value_of(call["arguments"]), call["result"], sidechain, call["is_error"]


def is_api_error(message: dict[str, Any], session: Session) -> bool:
    """An answer Claude Code made up to say that a request failed: the expectations count it for nobody."""
    return session.provider == "claude-code" and "error" in message


def test_every_session_is_there_and_no_other(harvest: Any) -> None:
    expected, sessions, _ = harvest
    wanted = {
        entry["id"] for entry in expected if "no conversation rows: not a session of its own" not in entry["notes"]
    }
    assert set(sessions) == wanted - set(inline(expected))


def test_what_each_session_says(harvest: Any) -> None:
    expected, sessions, attachments = harvest
    agents = inline(expected)
    for entry in expected:
        session = sessions.get(agents.get(entry["id"], entry["id"]))
        if session is None:
            continue
        shown = universal(session, attachments.__getitem__)
        is_agent = entry["id"] in agents
        messages = [m for m in shown["messages"] if bool(m.get("sidechain")) == is_agent]
        prompts = [m["content"] for m in messages if m["role"] == "user" and not m.get("injected")]
        answers = [
            m
            for m in messages
            if m["role"] == "assistant"
            and (m["content"] or m["tool_calls"] or m["thinking"] or m.get("error") or m.get("status") == "partial")
        ]
        assert prompts == entry["user"], entry["id"]
        assert len([m for m in answers if not is_api_error(m, session)]) == entry["assistant_turns"], entry["id"]
        assert [m["content"] for m in answers if m["content"]] == entry["assistant_texts"], entry["id"]
        assert sum(len(m["thinking"]) for m in answers) == entry["thinking"], entry["id"]
        assert shown["metadata"]["models"] == entry["models"], entry["id"]
        assert shown["workspace"] == entry["cwd"], entry["id"]
        if not is_agent:
            assert entry["title"] in (session.title, None), entry["id"]
            assert entry["parent"] in (session.parent, session.forked_from), entry["id"]
        calling = messages if session.id in agents.values() else shown["messages"]
        called = [tool_of(call, message, is_agent) for message in calling for call in message["tool_calls"]]
        wanted = [
            (tool["name"], value_of(tool["args"]), tool["result"], bool(tool.get("sidechain")))
            for tool in entry["tools"]
        ]
        if session.provider in LISTED_RESULTS:
            assert all(tool[2] for tool in called), entry["id"]
            wanted = [(*tool[:2], tool[2] or known[2], tool[3]) for tool, known in zip(wanted, called, strict=True)]
        assert sorted(map(repr, (tool[:4] for tool in called))) == sorted(map(repr, wanted)), entry["id"]
        for known, tool in zip(wanted, entry["tools"], strict=True):
            assert tool.get("error") is None or (*known, tool["error"]) in called, entry["id"]
        assert [m for m in shown["messages"] if m["role"] == "tool"] == [], entry["id"]


def test_when_it_began_and_ended(harvest: Any) -> None:
    expected, sessions, _ = harvest
    for entry in expected:
        if entry["id"] in sessions and entry["first"]:
            session = sessions[entry["id"]]
            times = [m.timestamp for m in session.messages if m.timestamp]
            if entry["last"] is None:  # only the session has a time
                assert (session.created_at, times) == (entry["first"], []), entry["id"]
                continue
            first, last = iso(entry["first"]) or "", iso(entry["last"]) or ""
            assert first and last, entry["id"]
            assert min(session.created_at or "", *times) <= first and max(times) >= last, entry["id"]
            assert session.created_at in (*times, first), entry["id"]


NOT_SESSIONS = re.compile(
    r"\.db(-wal)?$|\.sqlite(-wal)?$"  # databases: their rows are compared in the tests of their readers
    r"|\.claude/todos/|/checkpoints/index\.md$|/rewind-file-snapshots/|\.hold$|/\.project_root$|\.gemini/projects\.json$"
    r"|\.continue/sessions/sessions\.json$|\.kimi-code/(workspaces\.json|session_index\.jsonl)$|/\.index-(cache|dirty)/"
    r"|/file-history/|/notify/state\.json$|\.json\.tmp\."
)
"""Files of the clients that hold nothing said: indexes, locks, copies of edited files, empty lists of tasks."""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_comes_back(folder: Path) -> None:
    """JSON lines byte for byte, documents as values; what no session gives back is known by name."""
    client = re.sub(r"-[0-9.]+$", "", folder.name)
    provider = registry.load(NAMES.get(client, client))
    home = folder / "home"
    left = {path for path in home.rglob("*") if path.is_file() and not NOT_SESSIONS.search(path.as_posix())}
    for source in provider.discover(Env(home)):
        assert isinstance(source, Source)
        reading = provider.read(source)
        for session in reading.sessions:
            files = provider.export(session, reading.attachments.__getitem__)
            base = next((base for base in source.path.parents if base / next(iter(files)) == source.path), None)
            for name, data in files.items() if base is not None else ():
                assert base is not None
                original = (base / name).read_bytes()
                exact = data == original
                assert exact or (name.endswith(".json") and json.loads(data) == json.loads(original)), name
                left.discard(base / name)
        if not reading.sessions:  # nobody says anything in it
            left.discard(source.path)
    assert left == set()
