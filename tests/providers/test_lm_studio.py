"""The LM Studio reader: versions, steps, tool calls, attached files, and where it looks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.lm_studio import LMStudio
from chasm_git.session.model import Session
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, said, shown, sources

lm_studio = LMStudio()
HOME = FIXTURES / "lm-studio" / "v0.3"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(lm_studio, HOME)


def test_a_conversation(home: dict[str, Session]) -> None:
    session = home["1767262000000"]
    assert (session.title, session.created_at) == ("The time", "2026-01-01T10:06:40.000Z")
    assert session.native["folder"] == "Work/Physics/"
    user, stopped, answer = shown(session)
    assert (user["content"], stopped["content"]) == ("What time is it now, exactly?", "I cannot know.")
    assert stopped["inactive"] and stopped["status"] == "interrupted" and not answer.get("inactive")
    assert (answer["content"], answer["thinking"]) == ("It is 10:06:40.", ["There is a tool for it."])
    assert (answer["model"], answer["timestamp"]) == ("qwen3-8b", "2026-01-01T10:06:41.000Z")
    assert [(c["name"], c["arguments"], c["result"], c["is_error"]) for c in answer["tool_calls"]] == [
        ("time", {"zone": "UTC"}, "10:06:40", False),
        ("wipe", {"disk": 1}, "Not that.", True),
    ]
    assert session.messages[2].usage == {
        "input_tokens": 210,
        "output_tokens": 14,
        "tokensPerSecond": 31.5,
        "totalTokensCount": 224,
    }


def test_attached_files(home: dict[str, Session]) -> None:
    ((_, image),) = parts(home["1767262000000"], "image")
    assert (image["name"], image["media_type"], image["data"]["bytes"]) == ("clock.png", "image/png", 70)
    ((_, file),) = parts(home["1767262000000"], "file")
    assert file == {"type": "file", "name": "gone.pdf", "media_type": "application/pdf"}


def test_versions_by_number_and_older_files(home: dict[str, Session]) -> None:
    session = home["1767263000000"]
    assert [(m["content"], bool(m.get("inactive"))) for m in shown(session) if m["role"] == "user"] == [
        ("Good morning to you", True),
        ("Good evening to you", False),
    ]
    assert "1767264000000" not in home
    (old,) = harvest(lm_studio, FIXTURES / "lm-studio" / "v0.2").values()
    assert said(old, "assistant") == ["A machine that turns what it shapes."]


def answer(*steps: str) -> dict[str, Any]:
    made = [{"type": "contentBlock", "stepIdentifier": f"176726200000{n}-1", "content": [{"type": "text", "text": s}]}
            for n, s in enumerate(steps)]  # fmt: skip
    return {"type": "multiStep", "role": "assistant", "steps": made}


def read(tmp_path: Path, *items: Any) -> Session:
    data = json.dumps({"messages": items}).encode()
    return only(read_bytes(lm_studio, tmp_path / "1.conversation.json", b"\xef\xbb\xbf" + data))


def test_an_answer_keeps_its_id_while_it_grows_and_when_another_is_made(tmp_path: Path) -> None:
    one = read(tmp_path, {"versions": [answer("It is")], "currentlySelected": 0})
    more = answer("It is", "noon")
    other = answer("It was") | {"steps": []} | {"content": "None"}
    two = read(tmp_path, {"versions": [more, other], "currentlySelected": 1})
    assert two.messages[0].id == one.messages[0].id
    assert [m.inactive for m in two.messages] == [True, False]


@pytest.mark.parametrize("selected", [None, -1, 7, "x", 1.0, [0]])
def test_a_choice_that_leads_nowhere_is_the_last(tmp_path: Path, selected: Any) -> None:
    session = read(tmp_path, {"versions": [answer("a"), answer("b")], "currentlySelected": selected})
    assert [m.inactive for m in session.messages] == [True, False]


def test_no_path_leads_out_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "files").mkdir()
    block = {"type": "file", "identifier": "../secret", "fileType": "unknown"}
    data = json.dumps({"messages": [{"versions": [{"role": "user", "content": [block]}]}]}).encode()
    reading = read_bytes(lm_studio, tmp_path / "1.json", data, {"files": str(tmp_path / "files")})
    assert parts(only(reading), "file")[0][1] == {"type": "file", "name": "../secret"}


def test_places(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(HOME / ".lmstudio", elsewhere)
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{elsewhere}\n")
    assert [s.key.partition("/")[0] for s in sources(lm_studio, tmp_path)] == ["elsewhere"] * 3
    (elsewhere / "conversations" / "loop").symlink_to(elsewhere / "conversations")
    assert len(sources(lm_studio, tmp_path)) == 3
