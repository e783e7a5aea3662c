"""Claude Code files nobody wished for: broken, foreign, and of any shape there can be."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chasm_git.providers.base import Reading
from chasm_git.session import codec
from tests.providers.claude_case import assistant, claude, only, read_bytes, rows_of, user


def test_broken_lines_are_kept_and_reported(tmp_path):
    good = rows_of(user(uuid="u1"))
    data = good + b'{"type":"user"\n\n\xff\xfe\r\n' + b"\x00" * 20 + b"\n" + good.replace(b"\n", b"\r\n") + b'{"torn'
    reading = read_bytes(tmp_path, data)
    (session,) = reading.sessions
    assert [(problem.line, problem.fatal) for problem in reading.problems] == [(2, False), (4, False), (5, False)]
    assert reading.problems[1].reason == "not UTF-8 at byte 0"
    assert [m.role for m in session.messages] == ["user", "event", "event", "event", "event", "user"]
    assert [m.id for m in session.messages if m.role == "user"] == ["u1", "u1~2"]
    assert claude.export(session, reading.attachments.__getitem__) == {f"{session.id}.jsonl": data}


def test_a_file_that_is_no_transcript_is_a_problem(tmp_path):
    reading = read_bytes(tmp_path, b"\x00" * 5000 + b"\nsome text\n")
    assert reading.sessions == []
    (problem,) = reading.problems
    assert problem.fatal
    assert "no conversation" in problem.reason


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\n\r\n", b'{"type":"user","mess', b'{"type":"mode"}\n', b"[]\nnull\n5\n"]
)
def test_a_file_in_which_nobody_said_anything_is_none(data, tmp_path):
    assert read_bytes(tmp_path, data) == Reading()


@pytest.mark.parametrize(
    "text",
    [
        "<command-message>x</command-message>\n<command-name>/x</command-name>",
        "<bash-input>ls</bash-input>",
        "<bash-stdout>x</bash-stdout><bash-stderr></bash-stderr>",
        "<local-command-caveat>Caveat: …",
        "<system-reminder>\nx\n</system-reminder>",
        "[Request interrupted by user for tool use]",
    ],
)
def test_texts_nobody_typed(text, tmp_path):
    for content in (text, [{"type": "text", "text": text}]):
        assert [m.injected for m in only(tmp_path, user(content))] == [True]
    mixed = [{"type": "text", "text": text}, {"type": "text", "text": "and this is typed"}]
    assert [m.injected for m in only(tmp_path, user(mixed))] == [False]


def test_who_said_it(tmp_path):
    rows = [
        user("x", isMeta=True),
        user("x", isMeta=False),
        user("x", isMeta="yes"),
        user("x", origin={"kind": "task-notification"}),
        user("x", origin={"kind": "human"}),
        user("x", origin={"kind": ["peer"]}),
        user("Warmup"),
        user([{"type": "tool_result", "tool_use_id": "t", "content": "x"}], isMeta=True),
    ]
    messages = only(tmp_path, *rows)
    assert [(m.role, m.injected) for m in messages] == [
        *[("user", injected) for injected in (True, False, False, True, False, False, False)],
        ("tool", False),
    ]
    assert [m.injected for m in only(tmp_path, user("Warmup"), user("Work"), name="agent-1.jsonl")] == [True, False]


def test_titles_in_the_order_of_their_worth(tmp_path):
    summary = {"type": "summary", "summary": "by summary", "leafUuid": "u1"}
    generated = {"type": "ai-title", "aiTitle": "generated"}
    given = {"type": "custom-title", "customTitle": "given"}
    for rows, title in (
        ([], None),
        ([summary], "by summary"),
        ([generated, summary], "generated"),
        ([given, generated, summary], "given"),
        ([given, given | {"customTitle": "given last"}], "given last"),
        ([given | {"customTitle": 5}, generated | {"aiTitle": ""}, summary | {"summary": []}], None),
    ):
        (session,) = read_bytes(tmp_path, rows_of(user(uuid="u1"), *rows)).sessions
        assert session.title == title


def test_times(tmp_path):
    written = [
        "2026-01-08T12:00:00Z",
        "2026-01-08T13:00:00.5+01:00",
        "2026-01-08",
        5,
        "soon",
        None,
        {},
        "0001-01-01T00:00:00+10:00",
    ]
    messages = only(tmp_path, *(user(timestamp=time) for time in written))
    assert [m.timestamp for m in messages] == [
        *("2026-01-08T12:00:00.000Z", "2026-01-08T12:00:00.500Z", "2026-01-08T00:00:00.000Z"),
        *[None] * 5,
    ]


@pytest.mark.parametrize("uuid", [5, "", "a\nb", "\ud83d", "x" * 500, {}, [], None, True])
def test_an_id_that_is_none_is_made_from_the_record(uuid, tmp_path):
    first = only(tmp_path, user("a"), user("b", uuid=uuid))
    again = only(tmp_path, user("b", uuid=uuid))
    assert first[1].id == again[0].id
    assert first[1].id.startswith("h-")


def test_content_blocks_of_any_shape(tmp_path):
    blocks = [
        "a plain text",
        5,
        {"type": "text"},
        {"type": ["text"]},
        {"type": "thinking"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "tool_use", "name": 5, "input": None},
        {"type": "tool_result", "content": {"type": "text", "text": "one block"}, "is_error": "yes"},
        {"type": "tool_result", "content": [{"type": "tool_reference", "tool_name": "x"}], "is_error": True},
        {"type": "image"},
        {"type": "image", "source": {"type": "url", "url": "https://shop.example/a.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": [], "data": "bm90IGFuIGltYWdlIGF0IGFsbA=="}},
        {"type": "document", "title": "t", "source": {"type": "text", "media_type": "text/plain", "data": "bGluZXM="}},
        {"type": "web_search_result", "url": 5},
        {"type": "a block of tomorrow", "text": "x"},
    ]
    (message,) = only(tmp_path, assistant(*blocks))
    data = message.content[8].pop("data")
    assert (data["encoding"], data["bytes"]) == ("base64", 19)
    assert message.content == [
        {"type": "text", "text": "a plain text"},
        {"type": "thinking", "text": ""},
        {"type": "thinking", "text": ""},
        {"type": "tool_call", "arguments": None},
        {"type": "tool_result", "content": [{"type": "text", "text": "one block"}]},
        {"type": "tool_result", "content": "", "is_error": True},
        {"type": "image"},
        {"type": "image", "uri": "https://shop.example/a.png"},
        {"type": "image"},
        {"type": "text", "text": "bGluZXM="},
    ]


# any JSON, with the names and words that mean something to the reader
WORDS = (
    "user assistant system attachment queued_command summary custom-title ai-title text image tool_use tool_result "
    "document thinking base64 url human prompt Warmup <synthetic> 2026-01-08T12:00:00.000Z 9999-12-31T23:59:59-10:00 "
    "u1 $ \ud83d aGVsbG8gd29ybGQsIGhvdyBhcmUgeW91"
)
_words = st.sampled_from(WORDS.split()).flatmap(
    lambda word: st.sampled_from([word, "[Request interrupted by user]", "a text long enough to be pointed to", ""])
)
NAMES = (
    "type message content role id uuid timestamp model usage source data media_type url attachment prompt origin kind "
    "commandMode isMeta isSidechain isApiErrorMessage error isAbortedMidStream toolUseResult interrupted cwd gitBranch "
    "sessionId summary leafUuid customTitle aiTitle text thinking input name tool_use_id is_error title $ "
    "$attachment"
)
_names = st.sampled_from(NAMES.split())
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _words, st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_names, inner, max_size=6)),
    max_leaves=20,
)
_rows = st.dictionaries(_names, _values, max_size=8).flatmap(
    lambda row: st.sampled_from(
        [
            row,
            {"type": "user", **row},
            {**row, "type": "user", "message": {"content": row}},
            {**row, "type": "user", "message": {"content": [{**row, "type": "tool_result"}]}},
            {**row, "type": "assistant", "message": {"content": [row]}},
            {**row, "type": "attachment", "attachment": row},
            {"type": "attachment", "attachment": {**row, "type": "queued_command"}},
        ]
    )
)
_lines = st.one_of(
    _rows.map(lambda row: json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")),
    _rows.map(lambda row: json.dumps(row).encode()),
    st.binary(max_size=20),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(
    lines=st.lists(_lines, max_size=5),
    end=st.sampled_from([b"\n", b"\r\n", b""]),
    name=st.sampled_from(["a", "agent-1"]),
)
def test_records_of_any_shape(lines, end, name, tmp_path):
    data = b"\n".join(lines) + end
    reading = read_bytes(tmp_path, data, f"{name}.jsonl")
    for session in reading.sessions:
        assert len({m.id for m in session.messages}) == len(session.messages)
        again = codec.loads(codec.dumps(session))
        for made in (session, again):
            assert claude.export(made, reading.attachments.__getitem__) == {f"{name}.jsonl": data}
    for problem in reading.problems:
        assert problem.fatal == (not reading.sessions)
