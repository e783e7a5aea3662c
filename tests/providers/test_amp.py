"""The Amp reader: threads that are one JSON object."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from chasm_git.providers.amp import Amp
from chasm_git.providers.base import Reading
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, said, shown, sources

amp = Amp()
HOME = FIXTURES / "amp" / "threads"
THREAD = "T-5a000000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def session() -> Session:
    (found,) = harvest(amp, HOME).values()
    return found


def read(tmp_path: Path, **thread: object) -> Reading:
    return read_bytes(amp, tmp_path / "T-1.json", json.dumps({"id": "T-1", **thread}).encode())


def test_the_conversation(session: Session) -> None:
    assert (session.id, session.title, session.workspace) == (THREAD, "The cart's total", "/home/ana/shop")
    assert session.git == {"branch": "main", "commit": "9f1c2d3", "remote": "https://example.org/ana/shop"}
    assert session.created_at == "2026-01-10T12:00:00.000Z"
    assert said(session, "user") == ["Why is the total wrong?"]
    first, second = (m for m in shown(session) if m["role"] == "assistant")
    assert (first["content"], first["thinking"], first["model"]) == ("Let me look.", ["Rounding, I guess."], "m-1")
    assert [(c["name"], c["result"], c["is_error"]) for c in first["tool_calls"]] == [
        ("Bash", "12:    return round(total)\n", False),
        ("edit_file", "no such file", True),
    ]
    assert (second["content"], second["status"]) == ("It rounds", "interrupted")
    assert len(parts(session, "image")) == 1
    assert universal(session)["metadata"]["usage"]["cache_read_input_tokens"] == 5


def test_threads_that_belong_to_others(tmp_path: Path) -> None:
    messages = [{"role": "user", "messageId": 0, "content": [{"type": "text", "text": "hi"}]}]
    assert only(read(tmp_path, messages=messages, mainThreadID="T-0")).parent == "T-0"
    assert only(read(tmp_path, messages=messages, forkedFrom={"threadID": "T-0"})).forked_from == "T-0"


def test_a_tool_that_runs_has_no_result(tmp_path: Path) -> None:
    runs = [{"status": "in-progress"}, {"status": "cancelled"}, {"status": "done", "result": ["a"]}, {"status": "done"}]
    blocks = [{"type": "tool_result", "toolUseID": str(n), "run": run} for n, run in enumerate(runs)]
    made = only(read(tmp_path, messages=[{"role": "user", "content": "go"}, {"role": "user", "content": blocks}]))
    results = [(part["id"], part["content"], part.get("is_error", False)) for _, part in parts(made, "tool_result")]
    assert results == [("1", "", True), ("2", '["a"]', False), ("3", "", False)]


def test_places(tmp_path: Path) -> None:
    file = HOME / ".local/share/amp/threads" / f"{THREAD}.json"
    places = ["data/amp/threads", ".config/Code/User/globalStorage/sourcegraph.amp/threads3"]
    for place in places:
        (tmp_path / place).mkdir(parents=True)
        shutil.copyfile(file, tmp_path / place / file.name)
        (tmp_path / place / "history.json").write_text("{}")
    keys = [source.key for source in sources(amp, tmp_path, XDG_DATA_HOME=str(tmp_path / "data"))]
    assert keys == [f"{THREAD}.json", f"vscode/{THREAD}.json"]
