"""What Codex's rows become: damaged ones, odd ones, and any bytes at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chasm_git.providers.base import Reading
from chasm_git.providers.codex import Codex
from chasm_git.session import codec
from tests.providers.codex_case import ID, META, ROLLOUT, calls, only, read, row, said, texts, turns


def test_damaged_file(tmp_path: Path) -> None:
    lines = [
        META,
        b"\n",
        said("user", "torn \\ud83d").replace(b"\\\\ud83d", b"\\ud83d"),
        said("assistant", "NUL \0 and \u2028").replace(b"\n", b"\r\n"),
        b'{"type":"response_item","payload":{"type":"message","text":"\xff"}}\n',
        b"[1,2]\n17\nnull\n\x00\n",
        b'{ "type" : "event_msg", "payload" : {} }\n',
        b'{"timestamp":"2026-01-01T10:0',
    ]
    data = b"".join(lines)
    reading = read(tmp_path / ROLLOUT, data)
    session = only(reading)
    assert Codex().export(session, reading.attachments.__getitem__) == {ROLLOUT: data}
    assert codec.loads(codec.dumps(session)) == session
    assert texts(session, "user") == ["torn \ud83d"]
    assert texts(session, "assistant") == ["NUL \0 and \u2028"]
    assert len(session.messages) == data.count(b"\n")
    assert [(problem.line, problem.fatal) for problem in reading.problems] == [
        (5, False),
        (9, False),
    ]


def test_nothing_said_is_no_session(tmp_path: Path) -> None:
    count = row("event_msg", {"type": "token_count", "info": None})
    for data in (b"", META, META + count, META + said("developer", "rules")):
        assert read(tmp_path / ROLLOUT, data) == Reading()
    reading = read(tmp_path / ROLLOUT, b"\x89PNG\r\n\x1a\n\xff\n")
    assert reading.sessions == []
    (problem,) = reading.problems
    assert (problem.line, problem.fatal) == (1, True)
    assert "3 lines cannot be read" in problem.reason


def test_id_without_a_header(tmp_path: Path) -> None:
    assert only(read(tmp_path / ROLLOUT, said("user", "hi"))).id == ID
    assert only(read(tmp_path / "rollout-x.jsonl", said("user", "hi"))).id == "rollout-x"
    assert only(read(tmp_path / ROLLOUT, row("session_meta", {"id": 7}) + said("user", "hi"))).id == ID


def test_export_stays_in_its_folder(tmp_path: Path) -> None:
    session = only(read(tmp_path / ROLLOUT, META + said("user", "hi")))
    for name in ("../evil.jsonl", "rollout-/../../evil.jsonl", "rollout-\\evil.jsonl", 7, None):
        (exported,) = Codex().export(replace(session, native={"name": name}), {}.__getitem__)
        assert exported == f"rollout-2026-01-01T10-00-00-{ID}.jsonl"


@pytest.mark.parametrize(
    ("text", "injected"),
    [
        ("<environment_context>\n<cwd>/p</cwd>\n</environment_context>", True),
        ("# AGENTS.md instructions for /p\n\n<INSTRUCTIONS>\nx\n</INSTRUCTIONS>", True),
        ("<permissions instructions>\nx\n</permissions instructions>", True),
        ('<codex_internal_context source="goal">\nx\n</codex_internal_context>', True),
        ("\n <SUBAGENT_NOTIFICATION>{}</subagent_notification>\n", True),
        ("<skill>\n<name>x</name>\n</skill>", True),
        ("<skill>\n<name>x</name>\n</skill>\n\nUse it.", False),
        ("<environment_context> is empty, why?", False),
        ("<skill> is what <b>kind of tag</b>", False),
        ("<div>\n</div>", False),
        ("<", False),
        ("", False),
        ("Read AGENTS.md", False),
    ],
)
def test_who_wrote_it(tmp_path: Path, text: str, injected: bool) -> None:
    assert only(read(tmp_path / ROLLOUT, META + said("user", text))).messages[1].injected is injected
    for kinds, expected in ((["user.text"], False), (["hooks.additional_context"], True), (["unknown"], injected)):
        passthrough = {"internal_chat_message_metadata_passthrough": {"content_item_kinds": kinds}}
        session = only(read(tmp_path / ROLLOUT, META + said("user", text, **passthrough)))
        assert session.messages[1].injected is expected


def test_arguments_are_stored_once(tmp_path: Path) -> None:
    arguments = {"cmd": "printf '%s\\n' " + "x" * 200}
    for text in (json.dumps(arguments), json.dumps(arguments, separators=(",", ":"))):
        call = {"type": "function_call", "name": "exec_command", "arguments": text, "call_id": "c"}
        session = only(read(tmp_path / ROLLOUT, META + row("response_item", call)))
        assert calls(session)[0]["arguments"] == arguments
        assert codec.dumps(session).count(b"x" * 200) == 1
    cut = only(read(tmp_path / ROLLOUT, META + row("response_item", call | {"arguments": '{"cmd": "l'})))
    assert calls(cut)[0]["arguments"] == '{"cmd": "l'


@pytest.mark.parametrize(
    ("payload", "content", "is_error"),
    [
        ({"output": "ok"}, "ok", None),
        ({"output": {"content": "no", "success": False}}, "no", True),
        ({"output": "no", "success": False}, "no", True),
        ({"output": {"type": "input_text", "text": "a"}}, [{"type": "text", "text": "a"}], None),
        ({"output": {"code": 1}}, '{"code":1}', None),
        ({"output": None}, "", None),
        (
            {"output": [{"type": "input_image", "image_url": "https://x/y"}]},
            [{"type": "image", "uri": "https://x/y"}],
            None,
        ),
    ],
)
def test_results(tmp_path: Path, payload: dict[str, Any], content: Any, is_error: bool | None) -> None:
    output = row("response_item", {"type": "function_call_output", "call_id": "c", **payload})
    session = only(read(tmp_path / ROLLOUT, META + said("user", "hi") + output))
    ((result,),) = [m.content for m in session.messages if m.role == "tool"]
    assert (result["content"], result.get("is_error")) == (content, is_error)  # type: ignore[index, union-attr]


def test_a_new_answer_begins_after_a_result(tmp_path: Path) -> None:
    call = row("response_item", {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"})
    output = row("response_item", {"type": "function_call_output", "call_id": "c", "output": ""})
    thought = row("response_item", {"type": "reasoning", "summary": []})
    for data, expected in ((call + call + output + output, 1), (call + output + thought + call, 2), (call + META, 1)):
        assert turns(only(read(tmp_path / ROLLOUT, META + data))) == expected
    assert turns(only(read(tmp_path / ROLLOUT, call + said("user", "more") + call))) == 2


def test_going_back_several_prompts(tmp_path: Path) -> None:
    data = META + b"".join(said("user", f"u{n}") + said("assistant", f"a{n}") for n in range(4))
    back = [row("event_msg", {"type": "thread_rolled_back", "num_turns": n}) for n in (1, 2, 9, 0, -1, "x")]
    for marks, left in ((back[:1], 3), (back[:2], 1), (back[1:2], 2), (back[2:3], 0), (back[3:], 4)):
        session = only(read(tmp_path / ROLLOUT, data + b"".join(marks)))
        kept = [m.content for m in session.messages if m.content and not m.inactive]
        assert kept == [f"{role}{n}" for n in range(left) for role in "ua"]


def test_usage_is_counted_once(tmp_path: Path) -> None:
    usage = {"input_tokens": 7, "output_tokens": 3}
    count = row("event_msg", {"type": "token_count", "info": {"total_token_usage": usage, "last_token_usage": usage}})
    fresh = row("event_msg", {"type": "token_count", "info": None})  # what a resumed process begins with
    session = only(read(tmp_path / ROLLOUT, META + said("user", "hi") + count + count + fresh + count))
    assert [m.usage for m in session.messages[2:]] == [usage, None, None, usage]


def test_large_values_leave_the_file(tmp_path: Path) -> None:
    history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "é" * 50_000}]}] * 3
    output = row("response_item", {"type": "function_call_output", "call_id": "c", "output": "line\n" * 40_000})
    data = META + said("user", "hi") + output + row("compacted", {"message": "", "replacement_history": history})
    reading = read(tmp_path / ROLLOUT, data)
    session = only(reading)
    assert len(reading.attachments) == 2
    assert len(codec.dumps(session)) < 10_000
    assert Codex().export(session, reading.attachments.__getitem__) == {ROLLOUT: data}


# --- records that make no sense ---------------------------------------------------------------------------------------


def words(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(text.split())


# --- records that make no sense ---------------------------------------------------------------------------------------

_names = words(
    """
    message reasoning function_call function_call_output custom_tool_call custom_tool_call_output local_shell_call
    web_search_call image_generation_call tool_search_call tool_search_output agent_message ghost_snapshot token_count
    user_message task_complete turn_aborted error thread_rolled_back thread_name_updated response_item event_msg
    session_meta turn_context compacted world_state token_usage_record tool_result
    """
)
_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-3, 2**70),
        st.floats(allow_nan=False),
        st.text(max_size=30),
        st.sampled_from(
            ["user", "assistant", "developer", "<skill></skill>", '{"a": [1]}', "data:image/png;base64,aGk="]
        ),
        st.sampled_from(["2026-01-01T10:00:00Z", "0001-01-01T00:00:00+10:00", ID, "\ud83d", "x" * 70_000]),
        _names,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.deferred(lambda: _keys), inner, max_size=4)
    ),
    max_leaves=8,
)
_keys = words(
    """
    id type role content text summary name arguments input action output call_id call status success error message info
    total_token_usage last_token_usage usage model cwd git branch source subagent thread_spawn parent_thread_id
    forked_from_id image_url num_turns thread_name reason replacement_history result revised_prompt function timestamp
    internal_chat_message_metadata_passthrough content_item_kinds $ $json $escaped $attachment $line a.b
    """
)
_payloads = st.one_of(
    _values, st.builds(lambda kind, rest: {"type": kind, **rest}, _names, st.dictionaries(_keys, _values))
)
_rows = st.one_of(
    st.builds(
        lambda kind, payload: {"timestamp": "2026-01-01T10:00:00.000Z", "type": kind, "payload": payload},
        _names,
        _payloads,
    ),
    st.dictionaries(_keys, _values, max_size=5),
    _payloads,
)
_lines = st.one_of(
    _rows.map(
        lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    ),
    _rows.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")),
    st.integers(1, 1500).map(lambda depth: b'{"type":"compacted","payload":' + b"[" * depth + b"]" * depth + b"}"),
    st.sampled_from([said("user", "hi")[:-1], said("assistant", "ho")[:-1], META[:-1]]),
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("codex") / ROLLOUT


@settings(deadline=None)
@given(lines=st.lists(_lines, max_size=12), tail=st.one_of(st.just(b""), _lines))
@example(lines=[said("user", "hi")[:-1]], tail=b'{"type":"compacted","payload":' + b"[" * 500 + b"]" * 500 + b"}")
def test_any_bytes(scratch: Path, lines: list[bytes], tail: bytes) -> None:
    data = b"".join(line + b"\n" for line in lines) + tail
    reading = read(scratch, data)
    for session in reading.sessions:
        assert Codex().export(session, reading.attachments.__getitem__) == {ROLLOUT: data}
        ids = [message.id for message in session.messages]
        assert len(set(ids)) == len(ids)
        assert codec.loads(codec.dumps(session)) == session
    again = read(scratch)
    assert (again.sessions, again.attachments, again.problems) == (
        reading.sessions,
        reading.attachments,
        reading.problems,
    )


@settings(deadline=None)
@given(lines=st.lists(_lines, min_size=1, max_size=12), cut=st.integers(0, 11))
def test_a_file_that_grew_begins_as_before(scratch: Path, lines: list[bytes], cut: int) -> None:
    whole = read(scratch, b"".join(line + b"\n" for line in lines))
    before = read(scratch, b"".join(line + b"\n" for line in lines[:cut]))
    undone = any(b"thread_rolled_back" in line for line in lines[cut:])
    for session in before.sessions:
        grown = only(whole).messages[: len(session.messages)]
        if undone:  # the one thing a later row may change
            grown = [replace(message, inactive=False) for message in grown]
            session.messages = [replace(message, inactive=False) for message in session.messages]
        assert grown == session.messages
