"""The Claude Code reader against files of real clients, and small ones of every era."""

import json

import pytest

from chasm_git.providers.base import Source
from chasm_git.session import codec
from tests.conftest import SHARED
from tests.providers.claude_case import (
    CASES,
    DEMO,
    claude,
    harvest,
    parts,
    read_bytes,
    rows_of,
    sessions,
    text_of,
    user,
)

# --- what real clients wrote ------------------------------------------------------------------------------------------

SUMMARIES = {  # titles by the summaries of their own files, which the expectations leave out
    "1.0.128/11111111-1111-4111-8111-111111111111": "Mock session title 题",
    "1.0.128/4bbd7e27-180c-4070-89cc-c2208c3f4467": "Mock session title 题",
    "1.0.128/77777777-7777-4777-8777-777777777777": "Mock session title 题",
}


@pytest.mark.parametrize("version", ["1.0.128", "2.1.329"])
def test_real_client(version, shared):
    root = shared / "realdata" / f"claude-code-{version}"
    expected = json.loads((root / "EXPECT.json").read_bytes())
    readings = harvest(root / "home")
    found = {session.id: session for reading in readings.values() for session in reading.sessions}
    talked = [entry for entry in expected if "no conversation rows: not a session of its own" not in entry["notes"]]
    assert sorted(found) == sorted(entry["id"] for entry in talked)
    assert all(reading.problems == [] for reading in readings.values())
    for entry in talked:
        session = found[entry["id"]]
        assert len([m for m in session.messages if m.file is None]) == entry["rows"]
        assert (session.parent, session.workspace) == (entry["parent"], entry["cwd"])
        assert session.title == (entry["title"] or SUMMARIES.get(f"{version}/{session.id}"))
        assert session.git == {"branch": "main"}
        assert list(dict.fromkeys(m.model for m in session.messages if m.model)) == entry["models"]
        check_texts(session, entry)
        check_tools(session, entry)
        linked = [m.timestamp for m in session.messages if "uuid" in m.native]
        assert (min(linked), max(linked)) == (entry["first"], entry["last"])
        assert session.created_at == next(m.timestamp for m in session.messages if m.timestamp)


def check_texts(session, entry):
    prompts = [m for m in session.messages if m.role == "user" and not (m.injected or m.sidechain)]
    assert [text_of(m.content) for m in prompts] == entry["user"]
    answers = [m for m in session.messages if m.role == "assistant" and not m.sidechain and m.status != "failed"]
    assert [text for m in answers if (text := text_of(m.content))] == entry["assistant_texts"]
    assert len({m.turn for m in answers}) == entry["assistant_turns"]
    assert len(parts(session, "thinking", sidechain=False)) == entry["thinking"]


def check_tools(session, entry):
    results = {part["id"]: part for _, part in parts(session, "tool_result")}
    called = []
    for message, call in parts(session, "tool_call"):
        result = results[call["id"]]
        one = {"name": call["name"], "args": call["arguments"], "result": text_of(result["content"])}
        one["error"] = result.get("is_error", False)
        called.append(one | ({"sidechain": True} if message.sidechain else {}))
    assert called == entry["tools"]


def test_summaries_for_other_sessions_are_handed_on(shared):
    readings = harvest(shared / "realdata" / "claude-code-1.0.128" / "home")
    found = {name[:4]: reading.titles for name, reading in readings.items() if reading.titles}
    assert {name: set(titles.values()) for name, titles in found.items()} == {
        "3333": {"Mock session title 题"},
        "6666": {"Mock session title 题"},
    }
    ids = {m.id: s.id[:4] for r in readings.values() for s in r.sessions for m in s.messages}
    assert sorted(ids[leaf] for titles in found.values() for leaf in titles) == ["2222", "2222", "4444"]


def transcripts():
    """Every Claude Code file there is to try: our own, and those beside the checkout where it is there."""
    folders = [CASES, DEMO, *SHARED.glob("realdata/claude*"), SHARED / "fixtures/agent-sessions-mac/claude"]
    return sorted(path for folder in [*folders, SHARED / "fixtures/successive"] for path in folder.rglob("*.jsonl"))


@pytest.mark.parametrize("path", transcripts(), ids=lambda path: f"{path.parent.name[-8:]}/{path.name[-20:]}")
def test_files_come_back_byte_for_byte(path):
    reading = claude.read(Source("claude-code", path.name, path, ""))
    assert [problem for problem in reading.problems if problem.fatal] == []
    for session in reading.sessions:
        assert session.id == path.stem
        stored = codec.dumps(session)
        again = codec.loads(stored)
        assert codec.dumps(again) == stored
        for made in (session, again):
            files = claude.export(made, reading.attachments.__getitem__)
            assert next(iter(files.items())) == (path.name, path.read_bytes())


@pytest.mark.parametrize("state", sorted((SHARED / "fixtures/successive").glob("*/*.jsonl")), ids=lambda p: p.name)
def test_what_was_read_stays_while_the_file_grows(state, tmp_path):
    """A harvest in the middle of a session sees the beginning of what a later one sees."""
    lines = state.read_bytes().splitlines(keepends=True)
    whole = read_bytes(tmp_path, b"".join(lines)).sessions[0]
    for count in (len(lines) // 3, len(lines) - 1):
        part = read_bytes(tmp_path, b"".join(lines[:count]) + lines[count][:50]).sessions[0]
        assert part.messages == whole.messages[:count]
        for name in ("id", "workspace", "created_at", "git", "parent"):
            assert getattr(part, name) == getattr(whole, name)


# --- one small home of every era --------------------------------------------------------------------------------------


def test_sub_agents_inside_their_parents_file():
    session = sessions(CASES / "1.0")["a1000000-0000-4000-8000-000000000001"]
    inline = [m for m in session.messages if m.sidechain]
    assert [m.role for m in inline] == ["user", "assistant", "tool", "assistant"]
    assert {m.model for m in inline} == {"claude-sonnet-4-20250514", None}
    (message, result) = parts(session, "tool_result", sidechain=False)[0]
    assert message.role == "tool"
    assert result["content"] == [{"type": "text", "text": "One caller: cart.py, line 12."}]
    assert parts(session, "tool_result")[-1][1]["is_error"] is True


def test_errors_and_interruptions():
    messages = sessions(CASES / "1.0")["a1000000-0000-4000-8000-000000000001"].messages
    failed, interrupted = messages[-2:]
    assert (failed.role, failed.status, failed.model) == ("assistant", "failed", None)
    assert failed.content[0]["type"] == "error"
    assert failed.content[0]["text"].startswith("API Error: 529")
    assert (interrupted.role, interrupted.injected, interrupted.status) == ("user", True, "interrupted")
    newer = sessions(CASES / "2.1")["a3000000-0000-4000-8000-000000000001"].messages
    assert [m.content for m in newer if m.status == "failed"] == [
        [{"type": "error", "text": "API Error: 400 the picture is too large", "code": 400}]
    ]
    assert [m.role for m in newer if m.status == "interrupted"] == ["tool", "assistant", "user"]


def test_what_the_client_wrote_in_its_users_name():
    session = sessions(CASES / "1.0")["a1000000-0000-4000-8000-000000000002"]
    said = [(m.injected, text_of(m.content).split()[0]) for m in session.messages if m.role == "user"]
    assert said == [
        (False, "Explain"),
        (True, "This"),
        (True, "Caveat:"),
        (True, "<command-name>/compact</command-name>"),
        (True, "<local-command-stdout>Compacted"),
        (False, "And"),
    ]
    assert [(m.role, m.content) for m in session.messages if m.role == "system"] == [
        ("system", "Conversation compacted")
    ]


def test_titles_by_summaries():
    readings = harvest(CASES / "1.0")
    titles = {name[-7]: (r.sessions[0].title if r.sessions else None, r.titles) for name, r in readings.items()}
    first = readings["a1000000-0000-4000-8000-000000000001.jsonl"].sessions[0]
    leaf = next(m.id for m in first.messages if text_of(m.content).startswith("Only `cart.py`"))
    aside = next(m.id for m in reversed(first.messages) if m.sidechain)
    assert titles == {
        "1": (None, {}),
        "2": ("How the cart adds up", {leaf: "Callers of the old price function", aside: "Searching for callers"}),
        "3": (None, {leaf: "Old callers"}),
    }


def test_a_summary_of_a_sub_agents_rows_is_no_title(tmp_path):
    messages = [user(uuid="u1"), user("look", uuid="u2", isSidechain=True)]
    (session,) = read_bytes(
        tmp_path, rows_of(*messages, {"type": "summary", "summary": "S", "leafUuid": "u2"})
    ).sessions
    assert session.title is None
    (session,) = read_bytes(
        tmp_path, rows_of(*messages, {"type": "summary", "summary": "S", "leafUuid": "u1"})
    ).sessions
    assert session.title == "S"


def test_flat_sub_agents_and_forks():
    found = sessions(CASES / "2.0")
    main, fork = "a2000000-0000-4000-8000-000000000001", "a2000000-0000-4000-8000-000000000002"
    assert {name: session.parent for name, session in found.items()} == {
        main: None,
        fork: None,
        "agent-0badcafe": main,
        "agent-c0ffee01": main,
    }
    assert all(session.forked_from is None for session in found.values())
    assert not any(m.sidechain for session in found.values() for m in session.messages)
    shared = {m.id for m in found[main].messages} & {m.id for m in found[fork].messages}
    assert len(shared) == 8
    assert [m.injected for m in found["agent-0badcafe"].messages] == [True, False]
    assert found[main].git == {"branch": "fix/rounding"}


def test_one_answer_is_several_messages_with_one_turn():
    session = sessions(CASES / "2.0")["a2000000-0000-4000-8000-000000000001"]
    rows = [m for m in session.messages if m.role == "assistant"][:4]
    assert len({m.turn for m in rows}) == 1
    assert [part["type"] for m in rows for part in m.parts()] == ["thinking", "text", "tool_call", "tool_call"]
    assert [m.usage["output_tokens"] for m in rows] == [3, 3, 3, 361]
    assert all(m.model == "claude-opus-4-5-20251101" for m in rows)
    assert "signature" in rows[0].native["message"]["content"][0]


def test_side_files():
    reading = harvest(CASES / "2.1")["a3000000-0000-4000-8000-000000000001.jsonl"]
    (session,) = reading.sessions
    folder = CASES / "2.1/.claude/projects/-home-ana-my-shop"
    stored = codec.loads(codec.dumps(session))
    files = claude.export(stored, reading.attachments.__getitem__)
    assert sorted(files) == sorted(
        f"{session.id}{name}"
        for name in (
            ".jsonl",
            "/custom-title.json",
            "/subagents/workflows/wf_1/journal.jsonl",
            "/tool-results/toolu_0110f2a60975af00c63aa9ed.txt",
        )
    )
    assert {name: (folder / name).read_bytes() for name in files} == files
    spilled = next(m for m in session.messages if m.file and m.file.endswith(".txt"))
    assert spilled.id == f"file:{spilled.file}"
    assert spilled.role == "event"
    assert "$attachment" in spilled.native["$line"]
    assert session.title == "Prices, again"
    assert session.native == {"tail": {"$line": '{"type":"last-prompt","lastPro'}}
    assert reading.problems == []


def test_sub_agents_in_their_sessions_folder():
    found = sessions(CASES / "2.1")
    main = "a3000000-0000-4000-8000-000000000001"
    assert {name: session.parent for name, session in found.items()} == {
        main: None,
        "agent-a5170c0de0000001": main,
        "agent-a5170c0de0000002": main,
        "agent-a5170c0de0000003": "a3000000-0000-4000-8000-000000000004",
    }
    agent = found["agent-a5170c0de0000001"]
    assert not any(m.sidechain or m.injected for m in agent.messages)
    meta = agent.messages[-1]
    assert (meta.file, meta.role) == ("agent-a5170c0de0000001.meta.json", "event")
    assert meta.native["description"] == "Count items"


def test_content_of_every_kind():
    reading = harvest(CASES / "2.1")["a3000000-0000-4000-8000-000000000001.jsonl"]
    messages = reading.sessions[0].messages
    asked = next(m for m in messages if m.role == "user")
    text, image, file = asked.content
    assert text == {"type": "text", "text": "What is on this picture, and in the price list?"}
    assert (image["type"], image["media_type"], image["data"]["encoding"]) == ("image", "image/png", "base64")
    assert (file["type"], file["name"], file["media_type"]) == ("file", "prices.pdf", "application/pdf")
    assert sorted(name.rpartition(".")[2] for name in reading.attachments) == ["pdf", "png", "txt"]
    assert reading.attachments[image["data"]["$attachment"]].startswith(b"\x89PNG")
    found = [part for m in messages if m.role == "assistant" for part in m.parts()]
    assert found[0] == {"type": "thinking", "text": ""}
    assert found[2] == {
        "type": "tool_call",
        "id": "srvtoolu_01",
        "name": "web_search",
        "arguments": {"query": "price list"},
    }
    assert found[3] == {
        "type": "tool_result",
        "id": "srvtoolu_01",
        "content": [{"type": "reference", "uri": "https://shop.example/prices", "name": "Prices"}],
    }


def test_bookkeeping_is_kept_as_events():
    messages = sessions(CASES / "2.1")["a3000000-0000-4000-8000-000000000001"].messages
    events = [m for m in messages if m.role == "event" and m.file is None]
    assert [m.native["type"] for m in events] == [
        *("mode", "queue-operation", "queue-operation", "attachment", "attachment", "atis-latch", "api-request-blob"),
        *("api-request", "ai-title", "custom-title", "last-prompt", "a-type-of-tomorrow"),
    ]
    assert all(m.content == "" and not m.sidechain for m in events)
    assert events[-1].native["payload"] == {
        "$escaped": {"$attachment": "a key that looks like one of ours", "half": "\ud83d"}
    }


def test_prompts_typed_while_the_model_works():
    messages = sessions(CASES / "2.1")["a3000000-0000-4000-8000-000000000001"].messages
    assert [(m.content, m.injected) for m in messages if m.role == "user"][1:3] == [
        ("and hurry, please", False),
        ("<task-notification>\n<task-id>b1</task-id>\n</task-notification>", True),
    ]


def test_files_without_a_conversation_are_no_sessions():
    for case in ("1.0", "2.1"):
        for reading in harvest(CASES / case).values():
            assert reading.sessions or reading.problems == []
    empty = [name for name, reading in harvest(CASES / "2.1").items() if not reading.sessions]
    assert [name[-8] for name in empty] == ["0", "0"]


def test_the_demo():
    found = sessions(DEMO)
    session = found["5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"]
    assert (session.title, session.workspace) == ("Fix the login redirect", "/home/ana/shop")
    assert session.git == {"branch": "fix/login-redirect"}
    assert session.created_at == "2026-01-08T12:00:00.000Z"
    assert 10 <= len(session.messages) <= 20
    (agent,) = (one for one in found.values() if one.parent)
    assert agent.parent == session.id
    for one in found.values():
        results = {part["id"] for _, part in parts(one, "tool_result")}
        assert {part["id"] for _, part in parts(one, "tool_call")} == results != set()
        times = [m.timestamp for m in one.messages if m.timestamp]
        assert times == sorted(times)
        assert {time[:10] for time in times} == {"2026-01-08"}
        assert codec.dumps(one).count(b"\\n") < 20  # text is lines, not escapes
