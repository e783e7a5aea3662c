"""The Copilot CLI reader: what events say, sub-agents in the same log, and the stores of older versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Reading
from chasm_git.providers.copilot_cli import CopilotCLI
from chasm_git.session import codec
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, only, parts, read_bytes, rows_of, said, shown, sources

copilot = CopilotCLI()
HOME = FIXTURES / "copilot-cli" / "folders"
A, B, C, D, OLD = (f"c0500000-0000-4000-8000-00000000000{n}" for n in range(1, 6))


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    return {source.key: copilot.read(source) for source in sources(copilot, HOME) if copilot.read(source).sessions}


@pytest.fixture(scope="module")
def main(readings: dict[str, Reading]) -> Session:
    return only(readings[f"{A}/events.jsonl"])


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": kind, "data": data, "timestamp": "2026-01-10T12:00:00.000Z"}


def read(tmp_path: Path, *rows: Any) -> Session:
    return only(read_bytes(copilot, tmp_path / "s" / "events.jsonl", rows_of(*rows)))


def test_which_sessions_there_are(readings: dict[str, Reading]) -> None:
    assert {key: only(reading).id for key, reading in readings.items()} == {
        f"{A}/events.jsonl": A,
        f"{B}/events.jsonl": B,
        f"{D}.jsonl": D,
        f"history/session_{OLD}_1759957816398.json": OLD,
    }
    assert f"{C}/events.jsonl" in {source.key for source in sources(copilot, HOME)}  # nobody said anything in it


def test_what_the_session_is_about(main: Session) -> None:
    assert main.title == 'The cart: why "round" is wrong'
    assert (main.workspace, main.created_at) == ("/home/ana/shop", "2026-01-10T12:00:01.000Z")
    assert main.git == {"branch": "fix/total", "commit": "9f1c2d3", "remote": "ana/shop"}


def test_the_conversation(main: Session) -> None:
    messages = [m for m in shown(main) if not m.get("sidechain")]
    assert [m["content"] for m in messages if m["role"] == "user" and not m.get("injected")] == [
        "Why is the total wrong?",
        "Write a poem about it.",
    ]
    answers = [m for m in messages if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], len(m["tool_calls"])) for m in answers] == [
        ("Let me look.", ["Rounding, I guess."], 2),
        ("", [], 1),
        ("`cart.py` rounds too early,\n\nin line 12.", ["So it is line 12."], 0),
        ("", [], 1),
    ]
    calls = [(c["name"], c["arguments"], c["result"], c["is_error"]) for m in answers for c in m["tool_calls"]]
    assert calls[1:] == [
        ("view", {"path": "/home/ana/shop/cart.py"}, "cart.py: no such file", True),
        ("task", {"prompt": "Find the callers.", "agent_type": "explore"}, "Only `shop.py` calls it.", False),
        ("bash", {"command": "git status"}, "nothing to commit", False),
    ]


def test_sub_agents_stand_in_their_sessions_log(main: Session) -> None:
    inline = [m for m in shown(main) if m.get("sidechain")]
    assert [(m["role"], m["content"], m.get("injected"), m["model"]) for m in inline] == [
        ("user", "Find the callers.", None, None),
        ("assistant", "Only `shop.py` calls it.", None, "gpt-5-mini"),
    ]
    assert {m["model"] for m in shown(main) if m["role"] == "assistant" and not m.get("sidechain")} == {"gpt-5"}


def test_tokens_are_counted_once(main: Session, readings: dict[str, Reading]) -> None:
    assert universal(main)["metadata"]["total_tokens"] == {"input": 4000, "output": 463}
    flat = universal(only(readings[f"{D}.jsonl"]))["metadata"]
    assert flat["total_tokens"] == {"input": 2000, "output": 59}


def test_what_nobody_typed(main: Session) -> None:
    injected = [(m["role"], m["content"].split("\n")[0]) for m in shown(main) if m.get("injected")]
    assert injected == [
        ("system", "You are the GitHub Copilot CLI."),
        ("user", "# Release"),
        ("user", "<system_notification>"),
        ("user", "Run the release checklist."),
        ("user", "The user asked about the cart's total."),
    ]


def test_errors_aborts_and_rewinds(main: Session) -> None:
    assert [(m.role, m.status, m.content) for m in main.messages if m.status] == [
        ("event", "failed", [{"type": "error", "text": "429 too many requests", "code": 429}]),
        ("event", "interrupted", [{"type": "error", "text": "user_initiated"}]),
    ]
    assert [m.content for m in main.messages if m.inactive] == ["Write a poem about it."]


def test_what_prompts_and_results_carry(main: Session, readings: dict[str, Reading]) -> None:
    assert parts(main, "reference")[0][1] == {
        "type": "reference",
        "uri": "/home/ana/shop/cart.py",
        "name": "cart.py",
    }
    assert parts(main, "image")[0][1]["media_type"] == "image/png"
    attachments = readings[f"{A}/events.jsonl"].attachments
    assert [data[:4] for data in attachments.values()] == [b"\x89PNG"]
    result = next(part for _, part in parts(main, "tool_result") if part["id"] == "call_3")
    assert [part["type"] for part in result["content"]] == ["text", "image"]


def test_files_beside_the_events(readings: dict[str, Reading]) -> None:
    reading = readings[f"{A}/events.jsonl"]
    files = copilot.export(only(reading), reading.attachments.__getitem__)
    assert sorted(files) == ["checkpoints/001-find-the-line.md", "events.jsonl", "plan.md", "workspace.yaml"]
    folder = HOME / ".copilot" / "session-state" / A
    assert files == {name: (folder / name).read_bytes() for name in files}


def test_a_call_is_shown_where_it_is_first_met(readings: dict[str, Reading]) -> None:
    session = only(readings[f"{D}.jsonl"])
    (message,) = [m for m in shown(session) if m["tool_calls"]]
    assert (message["content"], message["tool_calls"][0]["result"]) == ("Listing.", "cart.py\nshop.py\n")
    assert message["model"] == "claude-sonnet-4.5"


def test_the_oldest_sessions_are_one_object(readings: dict[str, Reading]) -> None:
    session = only(readings[f"history/session_{OLD}_1759957816398.json"])
    assert session.created_at == "2025-10-08T21:10:16.398Z"
    assert said(session, "user") + said(session, "assistant") == ["please add a test", "There is one already."]
    (call,) = [call for m in shown(session) for call in m["tool_calls"]]
    assert (call["arguments"], call["result"]) == (
        {"command": "ls tests", "description": "List the tests"},
        "test_cart.py\n",
    )
    assert session.messages[2].native["tool_calls"][0]["function"]["arguments"] == {"$json": "content.0.arguments"}


def test_a_home_named_by_its_variable(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere" / "session-state" / "s"
    place.mkdir(parents=True)
    (place / "events.jsonl").write_bytes(rows_of(event("user.message", content="hi")))
    assert [s.key for s in sources(copilot, tmp_path, COPILOT_HOME=str(tmp_path / "elsewhere"))] == ["s/events.jsonl"]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("name: plain", "plain"),
        ("name: 'it''s'", "it's"),
        ('name: "\\ud83d"', "\ud83d"),
        ('name: "\\x20"', "\\x20"),
        ("name:", None),
        ("  name: nested", None),
        ("name: |-", None),
    ],
)
def test_titles_in_any_quotes(line: str, title: str | None, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "workspace.yaml").write_text(line)
    data = rows_of(event("user.message", content="hi"))
    assert only(read_bytes(copilot, tmp_path / "s" / "events.jsonl", data, ["workspace.yaml"])).title == title


def test_answers_in_pieces_and_answers_in_a_row(tmp_path: Path) -> None:
    start, end = event("assistant.turn_start"), event("assistant.turn_end")
    piece = event("assistant.message", content="a")
    result = event("tool.execution_complete", toolCallId="x", success=True)
    for rows, count in (([start, piece, piece, end], 1), ([piece, end, piece], 2), ([start, piece, result, piece], 2)):
        session = read(tmp_path, *rows)
        assert len({m.turn for m in session.messages if m.role == "assistant"}) == count


def test_counts_that_are_none(tmp_path: Path) -> None:
    """The sum of several is a number that a session can hold."""
    counts = {
        name: {"usage": {"inputTokens": count}}
        for name, count in zip("abcd", (2**64 - 1, 2**63, 1e308, 7), strict=True)
    }
    asked, ended = event("user.message", content="hi"), event("session.shutdown", modelMetrics=counts)
    session = read(tmp_path, asked, ended)
    assert codec.loads(codec.dumps(session)) == session
    assert [message.usage for message in session.messages if message.usage] == [{"input_tokens": 7}]
