"""The Hermes reader: its database, the files before it, and ids that are the same in all of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from chasm_git.providers.hermes import Hermes
from chasm_git.session.model import Session
from tests.conftest import SHARED
from tests.providers.databases import as_set, built, given_back, rows_of
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, said, shown, sources

hermes = Hermes()
HOME = built(FIXTURES / "hermes" / "database")
FILES = FIXTURES / "hermes" / "files"
LONG, NEXT, AGENT = "20260110_120000_a1b2c3", "20260110_130000_ffeedd", "20260110_120005_5ab5ab"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(hermes, HOME)


def test_the_conversation(home: dict[str, Session]) -> None:
    session = home[LONG]
    assert (session.title, session.workspace) == ("The cart's total", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:00.500Z"
    assert said(session, "user") == ["Why is the cart's total wrong?"]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], m["model"], m.get("inactive", False)) for m in answers] == [
        ("Let me look.", ["Rounding, I guess."], "m-1", False),
        ("It rounds too late.", [], "m-1", True),
        ("It rounds too early.", [], "m-1", False),
    ]
    assert [(c["name"], c["arguments"], c["result"]) for c in answers[0]["tool_calls"]] == [
        ("terminal", {"command": "cat cart.py"}, "12:    return round(total)\n")
    ]
    assert session.messages[-1].usage == {
        "input_tokens": 120,
        "output_tokens": 30,
        "cache_read_tokens": 8,
        "reasoning_tokens": 4,
    }


def test_what_goes_on_and_what_was_sent_out(home: dict[str, Session]) -> None:
    assert (home[NEXT].forked_from, home[NEXT].parent) == (LONG, None)
    assert (home[AGENT].forked_from, home[AGENT].parent) == (None, LONG)
    assert said(home[NEXT], "user") == ["Is this the receipt?"]
    assert [part["media_type"] for _, part in parts(home[NEXT], "image")] == ["image/png"]
    assert home[AGENT].messages[-1].status == "interrupted"


@pytest.mark.parametrize("table", ["messages", "sessions"])
def test_rows_come_back(table: str) -> None:
    for source in sources(hermes, HOME):
        if source.path.suffix == ".db":
            rows = [row for row in rows_of(source.path, table) if table == "messages" or row["message_count"]]
            assert as_set(given_back(hermes, [hermes.read(source)], table)) == as_set(rows)


def test_files() -> None:
    found = harvest(hermes, FILES)
    assert set(found) == {LONG, "20260111_090000_0d0e0f"}
    session = found[LONG]
    assert session.workspace == "/home/ana/shop" and session.created_at == "2026-01-10T12:00:00.000Z"
    calls = [call for m in shown(session) for call in m["tool_calls"]]
    assert [(c["name"], c["result"], c["is_error"]) for c in calls] == [
        ("terminal", "12:    return round(total)\n", False),
        ("memory", "No memory of that.", True),
    ]
    chat = found["20260111_090000_0d0e0f"]
    assert (said(chat, "user"), said(chat, "assistant")) == (["Is the shop open today?"], ["Until six."])
    assert chat.messages[-1].model == "m-1"


def test_a_session_is_read_in_one_place(home: dict[str, Session], tmp_path: Path) -> None:
    assert set(home) == {LONG, NEXT, AGENT, "20260112_080000_c0de00", "20260109_100000_0a0b0c"}
    shutil.copytree(HOME / ".hermes" / "sessions", tmp_path / "sessions")
    alone = harvest(hermes, tmp_path, HERMES_HOME=str(tmp_path))
    assert set(alone) == {LONG, "20260109_100000_0a0b0c"}
    assert {m.id for m in alone[LONG].messages} < {m.id for m in home[LONG].messages}


def test_what_is_odd(tmp_path: Path) -> None:
    rows = [{"role": "user", "content": "hi"}, None, {"role": "user", "content": "\0json:{"}, {"role": 1}, "x"]
    session = only(read_bytes(hermes, tmp_path / "session_x.json", json.dumps({"messages": rows}).encode()))
    assert session.id == "x" and [m.role for m in session.messages] == ["user", "event", "user", "event", "event"]
    given = hermes.export(session, {}.__getitem__)
    assert json.loads(given["session_x.json"]) == {"messages": rows}


def test_files_of_other_tools(tmp_path: Path) -> None:
    folder = SHARED / "fixtures" / "agent-sessions-mac" / "hermes" / "hermes"
    if not folder.is_dir():
        pytest.skip("no data of other tools beside the checkout")
    for path in sorted(folder.iterdir()):
        session = only(read_bytes(hermes, tmp_path / f"session_{path.name}", path.read_bytes()))
        value = json.loads(path.read_bytes())
        assert session.workspace == value.get("cwd", value.get("model_config", {}).get("cwd"))
        assert json.loads(hermes.export(session, {}.__getitem__)[f"session_{path.name}"]) == value
