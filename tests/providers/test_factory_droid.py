"""The droid reader: rows, forks, sub-agents, and the settings that count its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.factory_droid import FactoryDroid
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, rows_of, said, shown, sources

droid = FactoryDroid()
HOME = FIXTURES / "factory-droid" / "projects"
A, B, C, OLD = (f"d0000000-0000-4000-8000-00000000000{n}" for n in range(1, 5))
HEADER = {"type": "session_start", "id": "s", "title": "t", "cwd": "/home/ana/shop"}


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(droid, HOME)


def message(*content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "message", "id": "m", "message": {"role": "user", "content": list(content), **more}}


def text(said_text: str) -> dict[str, Any]:
    return {"type": "text", "text": said_text}


def read(tmp_path: Path, *rows: Any) -> Session:
    return only(read_bytes(droid, tmp_path / "s.jsonl", rows_of(HEADER, *rows)))


def test_the_conversation(home: dict[str, Session]) -> None:
    session = home[A]
    assert (session.title, session.workspace) == ("Why is the total wrong?", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:01.000Z"
    assert said(session, "user") == ["Why is the total wrong?", "Fix it."]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], m["model"]) for m in answers] == [
        ("Let me look.", ["Rounding, I guess."], "claude-sonnet-4-5"),
        ("`cart.py` rounds too early.", [], "claude-sonnet-4-5"),
    ]
    assert [(c["result"], c["is_error"]) for m in answers for c in m["tool_calls"]] == [
        ("12:    return round(total)\n", False),
        ("Error: no such file", True),
    ]
    assert [m for m in shown(session) if m["role"] == "tool"] == []
    assert parts(session, "image")[0][1]["media_type"] == "image/png"


def test_what_nobody_typed(home: dict[str, Session]) -> None:
    injected = [m["content"].split("\n")[0] for m in shown(home[A]) if m.get("injected")]
    assert injected == ["<system-reminder>", "The user asked about the cart's total."]
    assert [m.content for m in home[A].messages if m.role == "system"] == ["402 Payment required"]


def test_answers_that_failed(home: dict[str, Session]) -> None:
    assert [(m.status, m.content) for m in home[A].messages if m.status] == [
        ("failed", [{"type": "error", "text": "model_request_rejected"}])
    ]


def test_tokens_of_the_whole_session(home: dict[str, Session]) -> None:
    assert universal(home[A])["metadata"]["total_tokens"] == {"input": 2500, "output": 301}
    assert universal(home[B])["metadata"]["total_tokens"] == {"input": 0, "output": 0}


def test_forks_and_agents(home: dict[str, Session]) -> None:
    assert (home[B].forked_from, home[B].parent) == (A, None)
    assert (home[C].forked_from, home[C].parent) == (None, A)
    shared = {m.id for m in home[A].messages} & {m.id for m in home[B].messages}
    assert {"context-1", "m1", "m2", "m3", "m4"} <= shared


def test_older_versions_had_no_projects(home: dict[str, Session]) -> None:
    assert said(home[OLD], "user") + said(home[OLD], "assistant") == ["hello", "Hello!"]
    assert set(home) == {A, B, C, OLD}


def test_files_come_back() -> None:
    (source,) = [source for source in sources(droid, HOME) if source.key.endswith(f"{A}.jsonl")]
    reading = droid.read(source)
    files = droid.export(only(reading), reading.attachments.__getitem__)
    assert sorted(files) == [f"{A}.jsonl", f"{A}.settings.json"]
    assert files == {name: (source.path.parent / name).read_bytes() for name in files}


REMINDER = "<system-reminder>\nx\n</system-reminder>"


@pytest.mark.parametrize(
    ("content", "shown_content", "injected"),
    [
        ([text(REMINDER)], REMINDER, True),
        ([text(f"{REMINDER}\n\n{REMINDER}\n hi")], "hi", False),
        ([text(REMINDER), text("hi")], "hi", False),
        ([text(f"hi {REMINDER}")], f"hi {REMINDER}", False),
        ([text(f"{REMINDER}{'é' * 20_000}")], "é" * 20_000, False),
        ([text(f"{REMINDER}{'é' * 70_000}")], "é" * 70_000, False),
    ],
)
def test_reminders_in_front_of_a_prompt(content: Any, shown_content: str, injected: bool, tmp_path: Path) -> None:
    data = rows_of(HEADER, message(text("typed")), message(*content))
    reading = read_bytes(droid, tmp_path / "s.jsonl", data)
    made = shown(only(reading), reading)[1]
    assert (made["content"], bool(made.get("injected"))) == (shown_content, injected)
    assert droid.export(only(reading), reading.attachments.__getitem__) == {"s.jsonl": data}


def test_another_home(tmp_path: Path) -> None:
    assert len(sources(droid, tmp_path, FACTORY_HOME_OVERRIDE=str(HOME))) == 4


def test_settings_that_say_nothing(tmp_path: Path) -> None:
    for settings in (b"", b"[]", b'{"tokenUsage":5}', b'{"tokenUsage":{"inputTokens":"5"}}'):
        (tmp_path / "s.settings.json").write_bytes(settings)
        reading = read_bytes(droid, tmp_path / "s.jsonl", rows_of(HEADER, message(text("hi"))), ".settings.json")
        assert droid.export(only(reading), reading.attachments.__getitem__)["s.settings.json"] == settings
        assert not any(m.usage for m in only(reading).messages)
