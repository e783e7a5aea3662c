"""The reader of Cline's tasks: both files of a task, and what is left of a damaged one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Reading, Source
from chasm_git.providers.cline import Cline
from chasm_git.providers.cline_cli import ClineCLI
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.conftest import SHARED
from tests.providers.reading import FIXTURES, harvest, only, parts, said, shown, sources

cline = Cline()
HOME = FIXTURES / "cline" / "tasks"
NATIVE, WRITTEN, SHOWN, OLD = "1768046400000", "1736500000000", "1752000000000", "1760000000000"
API, UI = "api_conversation_history.json", "ui_messages.json"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(cline, HOME)


def read(folder: Path, **files: Any) -> Reading:
    """A task with these files: values, or bytes as they are."""
    folder.mkdir(exist_ok=True)
    for name, value in files.items():
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        (folder / {"api": API, "ui": UI, "old": "claude_messages.json"}.get(name, f"{name}.json")).write_bytes(data)
    found = sorted(path.name for path in folder.iterdir())
    first = next(name for name in (API, "claude_messages.json", UI) if name in found)
    return cline.read(Source("cline", "k", folder / first, "", [name for name in found if name != first]))


def test_the_conversation(home: dict[str, Session]) -> None:
    session = home[NATIVE]
    assert (session.workspace, session.created_at) == ("/home/ana/shop", "2026-01-10T12:00:00.005Z")
    assert said(session, "user") == ["Why is the total of the cart wrong?", "Do not run the tests, they are slow."]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], [(c["name"], c["result"]) for c in m["tool_calls"]]) for m in answers] == [
        ("Let me look at the cart.", ["Rounding, I guess."], [("read_file", "12:    return round(total)\n")]),
        ("`cart.py` rounds too early.", [], [("execute_command", "The user denied this operation.")]),
        ("", [], [("attempt_completion", None)]),
    ]
    assert [call["is_error"] for m in answers for call in m["tool_calls"]] == [False, True, False]
    assert {m["model"] for m in answers} == {"claude-sonnet-4-5"}


def test_times_are_those_of_what_was_shown(home: dict[str, Session]) -> None:
    times = [m.timestamp for m in home[NATIVE].messages if m.role != "event"]
    assert [time and time[17:23] for time in times] == ["00.005", "01.500", "03.000", "04.000", "09.000", "09.900"]


def test_tokens_are_counted_once(home: dict[str, Session]) -> None:
    assert universal(home[NATIVE])["metadata"]["total_tokens"] == {"input": 3000, "output": 110}


def test_rows_stand_where_they_were_shown(home: dict[str, Session]) -> None:
    order = [(m.role, m.file) for m in home[NATIVE].messages]
    assert [role for role, file in order if file is None] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
    ]
    assert order[:3] == [("event", UI), ("event", UI), ("user", None)]
    assert order[-1] == ("event", UI)


def test_images_leave_the_file(home: dict[str, Session]) -> None:
    for task in (NATIVE, SHOWN):
        ((_, image),) = parts(home[task], "image")
        assert (image["media_type"], image["data"]["encoding"]) == ("image/png", "base64")


def test_calls_that_are_written_in_the_text(home: dict[str, Session]) -> None:
    session = home[WRITTEN]
    assert session.workspace == "/home/ana/shop"
    assert said(session, "user") == ["Add a readme", "Make it longer"]
    calls = [call for m in shown(session) for call in m["tool_calls"]]
    assert [(call["name"], call["arguments"]) for call in calls] == [
        ("write_to_file", {"path": "README.md", "content": "# Shop\n\nSee <path>docs</path>."}),
        ("attempt_completion", {"result": "The readme is there.", "command": "cat README.md"}),
    ]
    assert calls[0]["result"].endswith("The content was successfully saved to README.md.")
    texts = said(session, "assistant")
    assert texts[0].endswith("I will write it.")
    assert texts[-1].endswith("<<<<<<< SEARCH")  # half of a call is none
    assert [m["error"] for m in shown(session) if "error" in m] == ["terminated"]


def test_only_what_was_shown_is_left(home: dict[str, Session]) -> None:
    session = home[SHOWN]
    assert session.workspace == "/home/ana/other"
    assert said(session, "user") == ["add a readme", "Yes"]
    assert said(session, "assistant") == ["Is it long enough?", "Done", "I co"]
    calls = [(c["name"], c["result"]) for m in shown(session) for c in m["tool_calls"]]
    assert calls == [("newFileCreated", None), ("command", "# x")]
    assert [m.status for m in session.messages if m.status] == ["partial"]
    assert universal(session)["metadata"]["total_tokens"] == {"input": 900, "output": 40}


def test_the_first_terminal_agent(home: dict[str, Session]) -> None:
    assert (said(home[OLD], "user"), said(home[OLD], "assistant")) == (["Say hi"], ["Hi."])
    assert home[OLD].created_at == "2025-10-09T08:53:20.000Z"


def test_every_file_of_a_task_comes_back() -> None:
    for source in sources(cline, HOME):
        reading = cline.read(source)
        files = cline.export(only(reading), reading.attachments.__getitem__)
        known = {path.name: path.read_bytes() for path in source.path.parent.iterdir() if path.name != "settings.json"}
        assert {name: json.loads(data) for name, data in files.items()} == {
            name: json.loads(data) for name, data in known.items()
        }
        assert next(iter(files)) == source.path.name


@pytest.mark.parametrize("broken", [b"[{", b"{}", b"null", b"\xff", b""])
def test_a_damaged_file_is_kept_beside_the_other(broken: bytes, tmp_path: Path) -> None:
    row = {"ts": 1768046400000, "type": "say", "say": "text", "text": "hi"}
    for files, lost in (
        ({"api": broken, "ui": [row]}, API),
        ({"api": [{"role": "user", "content": "hi"}], "ui": broken}, UI),
    ):
        reading = read(tmp_path / "1768046400000", **files)
        session = only(reading)
        assert said(session, "user") == ["hi"]
        assert [problem.fatal for problem in reading.problems] == [False]
        assert cline.export(session, reading.attachments.__getitem__)[lost] == broken


def test_nothing_can_be_read(tmp_path: Path) -> None:
    reading = read(tmp_path / "1", api=b"[{", ui=b"\xff")
    assert (reading.sessions, [problem.fatal for problem in reading.problems]) == ([], [True])


def test_a_task_nobody_began(tmp_path: Path) -> None:
    reading = read(tmp_path / "1", api=[], ui=[])
    assert (reading.sessions, reading.problems) == ([], [])


def test_ids_do_not_depend_on_what_comes_later(tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "hi"},
    ]
    row = {"ts": 1768046400000, "type": "say", "say": "api_req_started", "text": "{}", "conversationHistoryIndex": 0}
    before = only(read(tmp_path / "1", api=sent[:2], ui=[row]))
    sent[1]["metrics"] = {"tokens": {"prompt": 5, "completion": 1}}
    row["text"] = '{"tokensIn":5,"tokensOut":1}'
    after = only(
        read(
            tmp_path / "1", api=sent, ui=[row, row | {"ts": 1768046409999, "text": "x", "conversationHistoryIndex": 2}]
        )
    )
    assert [m.id for m in after.messages][:3] == [m.id for m in before.messages]
    assert universal(after)["metadata"]["total_tokens"] == {"input": 5, "output": 1}


def test_the_clients_own_words_are_not_the_users(tmp_path: Path) -> None:
    api = [
        {"role": "user", "content": "<task>\nhi\n</task>"},
        {"role": "user", "content": [{"type": "text", "text": "[TASK RESUMPTION] This task was interrupted."}]},
        {"role": "user", "content": [{"type": "text", "text": "<environment_details>\n</environment_details>"}]},
    ]
    session = only(read(tmp_path / "1", api=api))
    assert [(m.role, m.injected) for m in session.messages] == [("user", False), ("user", True), ("event", False)]
    nothing: dict[str, bytes] = {}
    assert cline.export(session, nothing.__getitem__)[API] == json.dumps(api, separators=(",", ":")).encode()


def test_sessions_of_the_terminal_agent_are_read_too() -> None:
    agent = ClineCLI()
    both = harvest(cline, FIXTURES / "cline" / "sdk")
    assert both == harvest(agent, FIXTURES / "cline" / "sdk") and len(both) == 3
    assert {session.provider for session in both.values()} == {"cline"}
    for source in sources(cline, FIXTURES / "cline" / "sdk"):
        reading = cline.read(source)
        (session,) = reading.sessions
        files = cline.export(session, reading.attachments.__getitem__)
        assert files == agent.export(session, reading.attachments.__getitem__)
        assert source.path.name in files


@pytest.mark.parametrize(
    ("variable", "below"),
    [("CLINE_DIR", "data/sessions"), ("CLINE_DATA_DIR", "sessions"), ("CLINE_SESSION_DATA_DIR", "")],
)
def test_sessions_and_tasks_in_one_home(variable: str, below: str, tmp_path: Path) -> None:
    shutil.copytree(HOME, tmp_path / "home")
    shutil.copytree(FIXTURES / "cline/sdk/.cline/data/sessions", tmp_path / "moved" / below)
    tasks = {source.key for source in sources(cline, tmp_path / "home")}
    found = {source.key for source in sources(cline, tmp_path / "home", **{variable: str(tmp_path / "moved")})}
    sessions = {source.key for source in sources(ClineCLI(), FIXTURES / "cline" / "sdk")}
    assert len(sessions) == 3 and sessions <= found
    moved = {key for key in tasks if key.startswith(".cline/")} if variable != "CLINE_SESSION_DATA_DIR" else set()
    assert found == (tasks - moved) | sessions


def test_what_the_terminal_agent_itself_wrote() -> None:
    folder = SHARED / "realdata" / "cline-3.0.65"
    if not (folder / "home").is_dir():
        pytest.skip("no client data beside the checkout")
    expected = json.loads((folder / "EXPECT.json").read_bytes())
    found = harvest(cline, folder / "home")
    assert set(found) == {entry["id"] for entry in expected}
    for entry in expected:
        session = found[entry["id"]]
        assert (session.title, session.parent) == (entry["title"], entry["parent"])
        assert said(session, "user") == entry["user"]
