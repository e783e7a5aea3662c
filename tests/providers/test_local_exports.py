"""llama.cpp, LocalAI, big-AGI, LibreChat, Chatbox: what was said in what they export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers import registry
from chasm_git.session import codec
from tests.providers.exporting import SHARED, fixture, given_back, only, pairs, sessions, written
from tests.providers.reading import parts, said, shown


def test_llama_cpp() -> None:
    found = sessions("llama-cpp", fixture("llama-cpp"))
    session, fork = found.values()
    assert (session.title, fork.forked_from) == ("A square", session.id)
    assert [m.id for m in session.messages if m.inactive] == ["n2"]
    standing = [m for m in shown(session) if not m.get("inactive")]
    assert [(m["role"], m["content"]) for m in standing if m["content"]] == [
        ("system", "You answer briefly."),
        ("user", "What is in the image?"),
        ("assistant", "Let me measure it."),
        ("assistant", "A square of one pixel."),
    ]
    assert [t for m in standing for t in m["thinking"]] == ["One pixel.", "It was measured."]
    assert [(c["name"], c["arguments"], c["result"]) for m in standing for c in m["tool_calls"]] == [
        ("measure", {"unit": "px"}, "1 x 1")
    ]
    assert session.messages[-1].usage == {"input_tokens": 42, "output_tokens": 7, "predicted_ms": 90.5}
    assert [part["name"] for _, part in parts(session, "file")] == ["a.txt", "b.pdf"]


def test_llama_cpp_of_others(tmp_path: Path) -> None:
    path = SHARED / "synthetic" / "llamacpp_export.json"
    if not path.exists():
        pytest.skip("no files of others here")
    session, _ = only("llama-cpp", path)
    assert said(session, "assistant") == ["Hello"]


@pytest.mark.parametrize("wrap", ["alone", "list", "lines", "wrapped"])
def test_llama_cpp_in_all_its_wrappings(wrap: str, tmp_path: Path) -> None:
    one, two = json.loads((fixture("llama-cpp") / "llama-chats.json").read_bytes())
    data: Any = {"alone": one, "list": [one, two], "wrapped": {"version": 2, "conversations": [one, two]}}.get(wrap)
    if wrap == "lines":
        data = b"".join(json.dumps(value).encode() + b"\n" for value in (one, two))
    found = sessions("llama-cpp", written(tmp_path / "a.json", data))
    assert len(found) == (1 if wrap == "alone" else 2)


def test_llama_cpp_trees_that_are_none(tmp_path: Path) -> None:
    row = {"id": "a", "convId": "c", "role": "user", "content": "x", "parent": "b"}
    rows = [row, row, row | {"id": "b", "parent": "a"}, row | {"id": None, "parent": 7}, None, row | {"toolCalls": "["}]
    value = {"conv": {"id": "c", "currNode": "gone"}, "messages": rows}
    session, reading = only("llama-cpp", written(tmp_path / "a.json", value))
    assert len(session.messages) == len({m.id for m in session.messages}) == 6
    assert given_back(registry.load_export("llama-cpp"), session, reading) == value


def test_local_ai() -> None:
    (session,) = sessions("localai", fixture("localai")).values()
    assert (session.title, session.created_at) == ("Rivers", "2026-01-01T10:00:00.000Z")
    assert said(session, "assistant") == ["The Rhône and the Saône."]
    assert [t for m in shown(session) for t in m["thinking"]] == ["There are two."]
    assert parts(session, "tool_call")[0][1]["arguments"] == {"place": "Lyon"}
    assert parts(session, "tool_result")[0][1]["content"] == "Rhône, Saône"
    assert session.messages[-1].role == "event"


def test_big_agi() -> None:
    found = sessions("big-agi", fixture("big-agi"))
    assert {key: s.title for key, s in found.items()} == {"ba1": "Lime", "ba0": "Old", "ba2": "Lime"}
    answer = shown(found["ba1"])[-1]
    assert (answer["content"], answer["model"]) == ("Slowly, by adding water to quicklime.", "llama3.3:70b")
    assert [(c["arguments"], c["result"]) for c in answer["tool_calls"]] == [({"q": "slaked lime"}, "Add water.")]
    assert answer["thinking"] == ["Water is needed."]
    assert said(found["ba0"], "assistant") == ["An old answer."]


@pytest.mark.parametrize("key", ["lc1", "lc2"])
def test_libre_chat(key: str) -> None:
    session = sessions("librechat", fixture("librechat"))[key]
    assert (session.title, session.created_at) == ("A bird", "2026-01-01T10:00:00.000Z")
    assert [m.inactive for m in session.messages] == [False, True, False]
    answer = shown(session)[2]
    assert (answer["content"], answer["thinking"]) == ("The nightingale does.", ["It sings, so no owl."])
    assert [(c["name"], c["arguments"], c["result"]) for c in answer["tool_calls"]] == [
        ("search", {"query": "bird at night"}, "nightingale")
    ]
    assert parts(session, "image")[0][1]["name"] == "bird.png"


def test_libre_chat_of_others() -> None:
    path = SHARED / "synthetic" / "librechat_export.json"
    if not path.exists():
        pytest.skip("no files of others here")
    session, _ = only("librechat", path)
    assert said(session, "assistant") == ["Hello"]


ODD_TREES: list[Any] = [
    [None, 5, {"children": [{"children": [7]}, {"children": None}, {"children": {}}]}, {"messageId": "x"}],
    [
        {
            "messageId": "a",
            "isCreatedByUser": True,
            "text": "x",
            "parentMessageId": "a",
            "children": [{"messageId": "a"}],
        }
    ],
]


@pytest.mark.parametrize("tree", ODD_TREES)
def test_libre_chat_trees_come_back(tree: Any, tmp_path: Path) -> None:
    said_first = {"messageId": "u", "isCreatedByUser": True, "text": "hello", "children": []}
    value = {"conversationId": "c", "exportAt": "", "messagesTree": [said_first, *tree]}
    session, reading = only("librechat", written(tmp_path / "a.json", value))
    assert json.dumps(given_back(registry.load_export("librechat"), session, reading)) == json.dumps(value)


def test_chatbox() -> None:
    found = sessions("chatbox", fixture("chatbox"))
    session = found["cb1"]
    standing = [m for m in shown(session) if not m.get("inactive")]
    assert [m["content"] for m in standing] == [
        "Hello, old context",
        "Hello to you.",
        "You are an astronomer.",
        "What is the nearest star?",
        "Proxima Centauri, after the sun.",
    ]
    assert [t for m in standing for t in m["thinking"]] == ["Hm.", "Not the sun."]
    assert [(c["name"], c["result"]) for m in standing for c in m["tool_calls"]] == [
        ("web_search", '{"name":"Proxima Centauri"}')
    ]
    assert [m.id for m in session.messages if m.inactive] == ["k2"]
    assert shown(found["cb0"])[1]["error"] == "API Error: Status Code 401"


KEYS = [("big-agi", "backup_chats.agi.json"), ("chatbox", "chatbox-exported-data-2026-1-1.json")]


@pytest.mark.parametrize(("name", "file"), KEYS)
def test_keys_of_services_stay_in_the_backup(name: str, file: str) -> None:
    assert b"never-read-this" in (fixture(name) / file).read_bytes()
    for session, reading in pairs(name, fixture(name)):
        assert b"never-read-this" not in codec.dumps(session) + b"".join(reading.attachments.values())
