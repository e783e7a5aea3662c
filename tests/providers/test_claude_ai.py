"""Claude.ai exports: branches, blocks, what was attached, projects and design chats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers import registry
from chasm_git.session import jsonio
from tests.providers.exporting import SHARED, fixture, given_back, only, readings_of, sessions, written
from tests.providers.reading import shown

BREAD, OLD, BAKERY = (
    f"c1d0{kind}-0000-4000-8000-00000000000{n}" for kind, n in (("aaaa", 1), ("aaaa", 2), ("bbbb", 1))
)


def chat(*messages: Any, **more: Any) -> Any:
    return {"uuid": "u", "name": "T", "created_at": "2026-01-01T00:00:00Z", "chat_messages": list(messages), **more}


def said(key: str, text: str, sender: str = "human", **more: Any) -> Any:
    return {"uuid": key, "sender": sender, "text": text, "created_at": "2026-01-01T00:00:00Z", **more}


def test_a_conversation() -> None:
    session = sessions("claude-ai", fixture("claude-ai"))[BREAD]
    assert (session.title, session.created_at) == ("Bread that rises", "2026-02-03T09:00:00.123Z")
    told = [(m["role"], m["content"].split("\n")[0], bool(m.get("inactive"))) for m in shown(session)]
    assert told == [
        ("user", "My bread does not rise. Here is what I do.", False),
        ("assistant", "Use more yeast.", True),
        ("assistant", "Let me look that up.", False),
        ("user", "How do I make one?", False),
        ("assistant", "Flour, water, and a week of patience.", False),
    ]
    assert shown(session)[0]["files"] == ["recipe.txt", "loaf.jpg"]
    assert "500 g flour" in shown(session)[0]["content"]


def test_calls_without_ids_are_paired_by_their_order() -> None:
    answer = shown(sessions("claude-ai", fixture("claude-ai"))[BREAD])[2]
    assert answer["thinking"] == ["There is no yeast in the recipe."]
    (call,) = answer["tool_calls"]
    assert (call["name"], call["arguments"]) == ("web_search", {"query": "bread without yeast"})
    assert call["result"] == "A starter replaces yeast."


def test_text_that_repeats_the_blocks_is_stored_once() -> None:
    session = sessions("claude-ai", fixture("claude-ai"))[BREAD]
    assert jsonio.dumps([[m.native, m.content] for m in session.messages]).count(b"A starter would do") == 1


def test_messages_without_blocks() -> None:
    session = sessions("claude-ai", fixture("claude-ai"))[OLD]
    assert [m["content"] for m in shown(session)] == [
        "An old question, from before there were blocks",
        "And its answer",
    ]
    assert session.title is None and not any(m.inactive for m in session.messages)


def test_a_project_is_its_instructions_and_documents() -> None:
    session = sessions("claude-ai", fixture("claude-ai"))[BAKERY]
    assert session.title == "The bakery"
    assert [(m.role, m.injected) for m in session.messages] == [("system", True), ("system", True)]
    assert [m["content"] for m in shown(session)] == ["You help a small bakery.", "# Rye\n\nKeep it wet."]


def test_the_leaf_decides_where_it_is_known(tmp_path: Path) -> None:
    messages = [
        said("1", "q"),
        said("2", "first", "assistant", parent_message_uuid="1"),
        said("3", "second", "assistant", parent_message_uuid="1"),
    ]
    path = tmp_path / "c.json"
    session, _ = only("claude-ai", written(path, [chat(*messages, current_leaf_message_uuid="2")]))
    assert [m.inactive for m in session.messages] == [False, False, True]
    session, _ = only("claude-ai", written(path, [chat(*messages)]))
    assert [m.inactive for m in session.messages] == [False, True, False]


def test_a_pasted_text_without_a_name_is_the_message(tmp_path: Path) -> None:
    pasted = {"file_name": "", "file_type": "txt", "file_size": 5, "extracted_content": "a long paste"}
    session, _ = only("claude-ai", written(tmp_path / "c.json", [chat(said("1", "", attachments=[pasted]))]))
    assert session.messages[0].content == "a long paste"


def test_what_is_no_conversation_is_named(tmp_path: Path) -> None:
    found = readings_of("claude-ai", written(tmp_path / "c.json", [chat(said("1", "q")), {"uuid": "x"}, chat()]))
    assert sum(len(reading.sessions) for reading in found) == 1
    assert [str(p) for r in found for p in r.problems] == [f"{tmp_path / 'c.json'}: conversation 2: no conversation"]


def test_a_design_chat(tmp_path: Path) -> None:
    call = {"id": "t1", "name": "write", "input": {"path": "a.html"}, "output": "done"}
    blocks = [{"type": "text", "text": "Drawing."}, {"type": "tool_call", "toolCall": call}]
    value = {
        "uuid": "d",
        "title": "A page",
        "project": {"uuid": "p", "name": "Shop"},
        "messages": [
            {"uuid": "1", "role": "user", "content": {"role": "user", "content": "Draw a page."}},
            {"uuid": "2", "role": "assistant", "content": {"role": "assistant", "contentBlocks": blocks}},
        ],
    }
    session, reading = only("claude-ai", written(tmp_path / "d.json", value))
    assert [m["content"] for m in shown(session)] == ["Draw a page.", "Drawing."]
    assert shown(session)[1]["tool_calls"][0]["result"] == "done"
    assert given_back(registry.load_export("claude-ai"), session, reading) == value


@pytest.mark.parametrize(
    "name", ["claude-ai-export", "claude-design-session", "representative-00", "representative-01"]
)
def test_shapes_others_have_seen(name: str) -> None:
    path = SHARED / "claude_ai" / f"polylogue-{name}.json"
    if not path.is_file():
        pytest.skip("no shared fixtures here")
    session, reading = only("claude-ai", path)
    assert given_back(registry.load_export("claude-ai"), session, reading) == json.loads(path.read_bytes())
