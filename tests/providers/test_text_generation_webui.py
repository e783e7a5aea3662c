"""The text-generation-webui reader: rows of chats, tools, old files, and the same chats handed in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.text_generation_webui import TextGenerationWebUI
from chasm_git.session import codec
from chasm_git.session.model import Session
from tests.providers.exporting import SHARED, fixture, only
from tests.providers.reading import FIXTURES, harvest, parts, read_bytes, said, shown

webui = TextGenerationWebUI()
EXPORT = "text-generation-webui-export"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    found = harvest(webui, FIXTURES / "text-generation-webui" / "v3")
    return {session.native["name"]: session for session in found.values()}


def test_a_chat(home: dict[str, Session]) -> None:
    session = home["20260821-18-48-22"]
    assert (session.title, session.created_at) == (None, "2026-08-21T18:48:22.000Z")
    (other,) = [m for m in shown(session) if m.get("inactive")]
    assert (other["content"], other["timestamp"]) == ("No idea.", "2026-08-21T18:48:00.000Z")
    greeting, asked, answer, _, last = [m for m in shown(session) if not m.get("inactive")]
    assert (greeting["role"], greeting["content"]) == ("assistant", "How can I help you today?")
    assert (asked["content"], asked["timestamp"]) == ("What is the date, please?", "2026-08-21T18:48:00.000Z")
    assert answer["content"].split("\n") == ["Let me see.", "", "It is the 21st of August."]
    assert (answer["thinking"], answer["model"]) == (["There is a tool."], "Qwen3-8B.gguf")
    assert [(c["name"], c["arguments"]["zone"], c["result"]) for c in answer["tool_calls"]] == [
        ("get_datetime", "UTC", "2026-08-21T18:48:30")
    ]
    assert last["content"] == "A square of one pixel & more."
    assert (parts(session, "image")[0][1]["name"], parts(session, "file")[0][1]["name"]) == ("p.png", "a.txt")


def test_a_named_chat_and_settings_beside_it(home: dict[str, Session]) -> None:
    assert len(home) == 2
    assert (home["Colours of the earth"].title, home["Colours of the earth"].created_at) == (
        "Colours of the earth",
        "2026-01-02T07:05:00.000Z",
    )


def test_an_old_file() -> None:
    (session,) = harvest(webui, FIXTURES / "text-generation-webui" / "v1").values()
    assert said(session, "assistant") == ["Good day to you."]


def test_handed_in_it_is_the_same_session(home: dict[str, Session]) -> None:
    session, _ = only(EXPORT, fixture(EXPORT))
    assert session == home["20260821-18-48-22"]


def test_a_file_of_others() -> None:
    path = SHARED / "synthetic" / "textgen_20260821-18-48-22.json"
    if not path.exists():
        pytest.skip("no files of others here")
    session, _ = only(EXPORT, path)
    answers = [m for m in shown(session) if m["role"] == "assistant" and not m.get("inactive")]
    assert [m["content"] for m in answers] == ["Greeting", "optional pre-text\n\nHello"]


ODD: list[dict[str, Any]] = [
    {"internal": [["a", "b"], None, ["c"], ["d", "e", "f"], ["g", 7]], "visible": [["a", "b"], 1, ["c", "x"]]},
    {"internal": [["a", "b"]], "visible": [["a", "b"], ["more", "than"], 3], "metadata": {"user_0": 1, "user_9": {}}},
    {"metadata": {"assistant_0": {}, "user_0": None}, "visible": None, "internal": [["a", None], [None, "b"]]},
    {"internal": [["a", "b"]]},
    {"internal": [["a", "b"], ["a", "b"]], "visible": [["a"], ["a", "b"]], "metadata": []},
]


@pytest.mark.parametrize("value", ODD)
def test_rows_that_are_none_come_back(value: dict[str, Any], tmp_path: Path) -> None:
    reading = read_bytes(webui, tmp_path / "x.json", json.dumps(value).encode())
    (session,) = reading.sessions
    (data,) = webui.export(session, reading.attachments.__getitem__).values()
    assert data.decode() == json.dumps(value, separators=(",", ":"))


def test_an_answer_that_is_made_again_is_the_same_message(tmp_path: Path) -> None:
    ids = []
    for answer in ("one", "another"):
        data = json.dumps({"internal": [["a", answer]], "visible": []}).encode()
        ids.append([m.id for m in read_bytes(webui, tmp_path / "x.json", data).sessions[0].messages])
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"versions": [{"content": "a"}, {"content": "b"}, {"content": "c"}], "current_version_index": 1}, "abc"),
        ({"versions": [{"content": "b"}, {"content": "b"}], "current_version_index": 0}, "bb"),
        ({"versions": [None, {"content": ""}, {"content": "b"}, {"content": "c"}], "current_version_index": []}, "bc"),
        ({"versions": [{"content": "a"}, {"content": "c"}], "current_version_index": 1}, "acb"),
        ({"versions": [{"content": 7}, "b"], "current_version_index": True}, "b"),
        ({"versions": {"content": "a"}}, "b"),
    ],
)
def test_texts_that_are_not_shown(metadata: dict[str, Any], expected: str, tmp_path: Path) -> None:
    value = {"internal": [["q", "b"]], "visible": [["q", "b"]], "metadata": {"assistant_0": metadata}}
    reading = read_bytes(webui, tmp_path / "x.json", json.dumps(value).encode())
    session = codec.loads(codec.dumps(reading.sessions[0]))
    answers = session.messages[1:]
    assert "".join(m.content for m in answers if isinstance(m.content, str)) == expected
    (current,) = [m for m in answers if not m.inactive]
    assert current.content == "b" and [m for m in answers if m.native is not None] == [current]
    (data,) = webui.export(session, reading.attachments.__getitem__).values()
    assert json.loads(data) == value
