"""The Kimi Code reader: what wire rows say, agents, forks, and the sessions of kimi-cli."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Problem, Reading
from chasm_git.providers.kimi_code import KimiCode
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, rows_of, said, shown, sources

kimi = KimiCode()
HOME = FIXTURES / "kimi-code" / "agents"
LEGACY = FIXTURES / "kimi-code" / "legacy"
A, B = (f"session_6b000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
OLD = "7c0a8f52-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(kimi, HOME)


@pytest.fixture(scope="module")
def legacy() -> dict[str, Session]:
    return harvest(kimi, LEGACY)


def read(tmp_path: Path, *rows: Any) -> Reading:
    return read_bytes(kimi, tmp_path / "session_x" / "agents" / "main" / "wire.jsonl", rows_of(*rows))


def message(text: str, **more: Any) -> dict[str, Any]:
    body = {"role": "user", "content": [{"type": "text", "text": text}], "toolCalls": [], "origin": {"kind": "user"}}
    return {"type": "context.append_message", "message": body | more, "time": 1768046400000}


def loop(**event: Any) -> dict[str, Any]:
    return {"type": "context.append_loop_event", "event": event, "time": 1768046401000}


def test_the_conversation(home: dict[str, Session]) -> None:
    session = home[A]
    assert (session.title, session.workspace) == ("The cart's total", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:00.010Z"
    assert said(session, "user") == [
        "Why is the total wrong?",
        "Count the callers.",
        "Write a poem.",
        "Fix it.",
        "and hurry",
    ]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], [c["name"] for c in m["tool_calls"]]) for m in answers] == [
        ("Let me look.", ["Rounding, I guess."], ["Bash", "ReadMedia"]),
        ("`cart.py` rounds too early.", [], []),
        ("", [], ["Agent", "Bash"]),
        ("There is one.", [], []),
        ("Roses are", [], []),
    ]
    assert [(c["result"], c["is_error"]) for m in answers for c in m["tool_calls"]] == [
        ("12:    return round(total)\n", False),
        ("a screenshot", False),
        ("agent_id: agent-0\n[summary]\nOne.", False),
        ("Command failed with exit code: 1.", True),
    ]
    assert {m["model"] for m in answers} == {"kimi-k2.7-code"}


def test_tokens_are_counted_once(home: dict[str, Session]) -> None:
    assert universal(home[A])["metadata"]["total_tokens"] == {"input": 1400, "output": 130}


def test_what_nobody_typed(home: dict[str, Session]) -> None:
    injected = [m["content"].split("\n")[0] for m in shown(home[A]) if m.get("injected")]
    assert injected == ["<system-reminder>", "The user asked about the cart's total."]


def test_states(home: dict[str, Session]) -> None:
    states = [(m.role, m.status, m.content) for m in home[A].messages if m.status]
    assert states == [
        ("assistant", "interrupted", ""),
        ("event", "failed", [{"type": "error", "text": "400 bad request", "code": "provider.api_error"}]),
    ]
    (answer,) = [m for m in shown(home[A]) if m.get("status") == "interrupted"]
    assert answer["content"] == "Roses are"
    assert [m.content for m in home[A].messages if m.inactive] == ["Write a poem.", "Roses are", ""]


def test_an_agent_is_a_session_of_its_own(home: dict[str, Session]) -> None:
    agent = home[f"{A}/agent-0"]
    assert (agent.parent, agent.workspace, agent.title) == (A, "/home/ana/shop", None)
    assert said(agent, "user") + said(agent, "assistant") == ["Count the callers.", "One."]


def test_a_fork_repeats_what_it_shares(home: dict[str, Session]) -> None:
    assert (home[B].forked_from, home[B].title) == (A, "Fork: The cart's total")
    ids = {m.id for m in home[A].messages if m.role != "event"}
    assert {m.id for m in home[B].messages if m.role != "event"} < ids


def test_images_leave_the_log(home: dict[str, Session]) -> None:
    ((_, result),) = [(m, p) for m, p in parts(home[A], "tool_result") if p["id"] == "call_2"]
    image = result["content"][1]
    assert (image["type"], image["media_type"], image["data"]["encoding"]) == ("image", "image/png", "base64")


def test_files_are_named_from_the_sessions_folder() -> None:
    (source,) = [source for source in sources(kimi, HOME) if source.key.endswith(f"{B}/main")]
    reading = kimi.read(source)
    files = kimi.export(only(reading), reading.attachments.__getitem__)
    folder = source.path.parents[2]
    assert files == {name: (folder / name).read_bytes() for name in ("agents/main/wire.jsonl", "state.json")}


def test_a_state_that_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "session_x"
    for data, workspace in ((b'{"cwd":"/p","title":5,"id":7}', "/p"), (b"[1]", None), (b"\xff{", None)):
        folder.mkdir(exist_ok=True)
        (folder / "state.json").write_bytes(data)
        reading = read(tmp_path, message("hi"))
        session = only(reading)
        assert (session.id, session.workspace, session.title) == ("session_x", workspace, None)
        assert kimi.export(session, reading.attachments.__getitem__)["state.json"] == data
    (folder / "state.json").unlink()
    (folder / "state.json").mkdir()
    assert [type(problem) for problem in read(tmp_path, message("hi")).problems] == [Problem]


def test_messages_of_every_role(tmp_path: Path) -> None:
    calls = [
        {"type": "function", "id": "c", "name": "x", "function": {"name": "Bash", "arguments": '{"command":"ls"}'}}
    ]
    rows = [
        message("hi", id="m1"),
        message("look", role="assistant", toolCalls=calls),
        message("cart.py", role="tool", toolCallId="c"),
        message("be brief", role="system"),
        message("?", role="of tomorrow"),
        {"type": "context.append_message", "message": "text"},
        loop(type="content.part", part={"type": "of tomorrow"}),
        loop(type="tool.call", name=5),
        {"type": "context.append_loop_event"},
        {"type": ["turn.ended"]},
    ]
    session = only(read(tmp_path, *rows))
    assert [m.role for m in session.messages] == [
        *("user", "assistant", "tool", "system", "event", "event", "assistant", "assistant", "event", "event"),
    ]
    (call,) = [call for m in shown(session) for call in m["tool_calls"] if call["name"]]
    assert (call["arguments"], call["result"]) == ({"command": "ls"}, "cart.py")


@pytest.mark.parametrize("count", [0, 3, -1, "1", None, True])
def test_going_back_further_than_there_is(count: Any, tmp_path: Path) -> None:
    session = only(read(tmp_path, message("a"), message("b"), {"type": "context.undo", "count": count}))
    assert [m.inactive for m in session.messages if m.inactive] == []


def test_nobody_goes_back_behind_a_compaction(tmp_path: Path) -> None:
    rows = [message("a"), {"type": "context.apply_compaction", "summary": "a"}, {"type": "context.undo", "count": 1}]
    assert not any(m.inactive for m in only(read(tmp_path, *rows)).messages)


# --- kimi-cli ---------------------------------------------------------------------------------------------------------


def test_kimi_cli(legacy: dict[str, Session]) -> None:
    session = legacy[OLD]
    assert (session.title, session.workspace) == ("The old cart", "/home/ana/shop")
    assert session.created_at == "2025-10-09T08:53:20.500Z"
    assert said(session, "user") == ["Why is the total wrong?", "continue", "and now?"]
    assert said(session, "assistant") == ["Let me look.", "`cart.py` rounds too early.", "Done.", "Done again."]
    (call,) = [call for m in shown(session) for call in m["tool_calls"]]
    assert (call["name"], call["result"]) == ("Shell", "12:    return round(total)\n")
    injected = [(m["role"], m["content"][:20]) for m in shown(session) if m.get("injected")]
    assert injected == [("system", "You are Kimi CLI."), ("user", "<system>Previous con")]
    assert universal(session)["metadata"]["total_tokens"] == {"input": 900, "output": 40}


def test_kimi_cli_files_come_back() -> None:
    for source in sources(kimi, LEGACY):
        reading = kimi.read(source)
        files = kimi.export(only(reading), reading.attachments.__getitem__)
        assert files == {name: (source.path.parent / name).read_bytes() for name in files}
        names = ["context.jsonl", "context_1.jsonl", "state.json", "wire.jsonl"]
        assert sorted(files) in (names, [f"{only(reading).id}.jsonl"])


def test_a_prompt_may_be_repeated(tmp_path: Path) -> None:
    rows = [{"role": "user", "content": "continue"}, {"role": "assistant", "content": "Done."}]
    folder = tmp_path / "f" / "s"
    folder.mkdir(parents=True)
    (folder / "context_1.jsonl").write_bytes(rows_of(*rows))
    extra = {"folder": "f", "places": str(tmp_path / "kimi.json"), "side": ["context_1.jsonl"]}
    session = only(read_bytes(kimi, folder / "context.jsonl", rows_of(*rows, *rows), extra))
    assert said(session, "user") == ["continue", "continue"]
    assert [m.file for m in session.messages] == ["context_1.jsonl"] * 2 + [None] * 4


def test_homes_named_by_their_variables(tmp_path: Path) -> None:
    found = sources(kimi, tmp_path, KIMI_CODE_HOME=str(HOME / ".kimi-code"), KIMI_SHARE_DIR=str(LEGACY / ".kimi"))
    assert len(found) == 5
