"""DeepSeek, Grok, Le Chat, Gemini and universal JSON: what was said in their exports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chasm_git import api
from chasm_git.session.universal import universal
from tests.providers.exporting import SHARED, fixture, only, pairs, sessions, written
from tests.providers.reading import shown

DEMO = Path(__file__).parents[2] / "fixtures" / "demo"


def told(name: str, **more: Any) -> list[tuple[str, str]]:
    found = pairs(name, fixture(name))
    return [(m["role"], m["content"]) for s, _ in found for m in shown(s) if not m.get("inactive") and m["content"]]


def test_deepseek() -> None:
    assert told("deepseek") == [
        ("user", "Why does bread rise?"),
        ("assistant", "Yeast makes carbon dioxide, and the gluten holds it."),
    ]
    (session,) = sessions("deepseek", fixture("deepseek")).values()
    assert session.created_at == "2026-01-05T00:00:00.000Z"
    answer = shown(session)[-1]
    assert answer["thinking"] == ["Yeast makes carbon dioxide."] and answer["model"] == "deepseek-reasoner"
    assert [reference["uri"] for reference in answer["references"]] == ["https://example.org/yeast"]
    assert [m.id.rpartition("/")[2] for m in session.messages if m.inactive] == ["2"]


def test_grok() -> None:
    assert told("grok") == [
        ("user", "What is the bright star in the south?"),
        ("assistant", "In January that is Sirius."),
    ]
    (session,) = sessions("grok", fixture("grok")).values()
    assert session.messages[0].timestamp == "2026-01-06T20:00:00.000Z"
    assert shown(session)[-1]["thinking"] == ["January, south, evening."]


def test_le_chat() -> None:
    assert told("le-chat") == [("user", "How far is Lyon from Turin?"), ("assistant", "About 310 km by road.")]
    (session,) = sessions("le-chat", fixture("le-chat")).values()
    (call,) = shown(session)[-1]["tool_calls"]
    assert (call["arguments"], call["result"]) == ({"query": "distance Lyon Turin"}, '{"results":1}')


def test_gemini() -> None:
    found = sessions("gemini", fixture("gemini"))
    assert [(m["role"], m["content"]) for m in shown(found["4fe1a2b3c4d5e6f7"])] == [
        ("user", "How often do I water a cactus?"),
        ("assistant", "Every two weeks:\n\n- let it dry\n- then water"),
        ("user", "And in winter?"),
        ("assistant", "Then once a month."),
    ]
    (sums,) = (session for session in found.values() if session.title == "A sum in code")
    assert [m["content"] for m in shown(sums)][1:] == ["Add the numbers from 1 to 10.", "", "Here it is:", "It is 55."]
    assert shown(sums)[0]["injected"] and shown(sums)[2]["thinking"] == ["A short program will do."]
    assert shown(sums)[3]["tool_calls"][0]["result"] == "55"
    assert len(found) == 3


@pytest.mark.parametrize(
    ("name", "asked", "answered"),
    [
        ("perplexity", "Why are there two tides a day?", "The moon pulls on both sides of the earth."),
        ("m365-copilot", "When is the review?", "It is on Tuesday."),
        ("azure-foundry", "Which pump failed?", "Pump 3, at noon."),
    ],
)
def test_a_prompt_and_its_answer(name: str, asked: str, answered: str) -> None:
    assert told(name) == [("user", asked), ("assistant", answered)]
    (session,) = sessions(name, fixture(name)).values()
    assert all(m.timestamp for m in session.messages if m.role != "event")


def test_openai_and_sharegpt() -> None:
    found = sessions("universal", fixture("universal"))
    kettle = shown(found["openai-shape-1"])
    assert [m["role"] for m in kettle] == ["system", "user", "assistant", "assistant"]
    (call,) = kettle[2]["tool_calls"]
    assert (call["name"], call["arguments"], call["result"]) == ("kettle_state", {"room": "kitchen"}, "off")
    assert [m["content"] for m in shown(found["sharegpt-1"])] == ["Say good morning in Basque.", "Egun on."]


def test_messages_alone_and_lines(tmp_path: Path) -> None:
    alone = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    session, _ = only("universal", written(tmp_path / "a.json", alone))
    assert [m["content"] for m in shown(session)] == ["hi", "hello"]
    lines = b'{"messages":[{"role":"user","content":"one"}]}\n{"messages":[{"role":"user","content":"two"}]}\n'
    assert len(pairs("universal", written(tmp_path / "b.jsonl", lines))) == 2


@pytest.fixture
def harvested(tmp_path: Path) -> api.Archive:
    archive = api.make_archive(tmp_path / "one")
    for home in sorted(DEMO.iterdir()):
        if home.is_dir():
            archive.harvest(api.Env(home))
    return archive


def test_our_own_export_is_the_same_conversation(harvested: api.Archive, tmp_path: Path) -> None:
    folder = tmp_path / "exported"
    originals = {}
    for number, path in enumerate(harvested.session_files()):
        found = harvested.find(Path(path).stem)
        originals[found.id] = harvested.universal(found)
        written(folder / f"{number}.json", originals[found.id])
    assert harvested.import_files([folder]).commit is None, "all of it is known"
    other = api.make_archive(tmp_path / "other")
    report = other.import_files([folder])
    assert report.problems == [] and len(report.results) == len(originals) > 1
    for key, original in originals.items():
        again = universal(other.session(other.find(key)))
        assert again["messages"] == original["messages"]
        for name in ("id", "provider", "title", "workspace", "created_at", "parent", "tags", "git"):
            assert again[name] == original[name], name
        (data,) = other.native_files(other.find(key)).values()
        assert json.loads(data) == original


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("deepseek", "deepseek/andrmkrff-sample_conversation.json"),
        ("grok", "grok/polylogue-grok-export.json"),
        ("gemini", "gemini_aistudio/code_execution_session.json"),
        ("gemini", "gemini_aistudio/multimodal_session.json"),
        ("gemini", "gemini_aistudio/branching_session.json"),
    ],
)
def test_shapes_others_have_seen(name: str, path: str) -> None:
    if not (SHARED / path).is_file():
        pytest.skip("no shared fixtures here")
    session, _ = only(name, SHARED / path)
    assert len(shown(session)) > 1
