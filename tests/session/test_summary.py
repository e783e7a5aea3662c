"""Summaries from bytes say what the universal form says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.session import codec
from chasm_git.session.encode import dumps
from chasm_git.session.model import Message, Session
from chasm_git.session.readable import display_title
from chasm_git.session.summary import count_messages, summarize, summary_of
from chasm_git.session.universal import universal, updated_at
from tests.scaling import examples
from tests.session.strategies import sessions


def test_the_example(example: Session) -> None:
    found = summarize(codec.dumps(example))
    assert (found.id, found.provider, found.title) == (example.id, "claude-code", "Fix the login redirect")
    assert (found.workspace, found.created_at) == ("/home/ana/shop", "2026-01-08T12:00:00.000Z")
    assert (found.updated_at, found.messages) == ("2026-01-08T12:00:12.000Z", 3)
    assert (found.parent, found.tags, found.conflicts) == (None, ("auth",), False)


def test_text_that_looks_like_the_files_own_lines(example: Session) -> None:
    example.messages[0].content = 'x\n  variants: no\n- id: no\n  role: user\n  timestamp: "2999-01-01T00:00:00.000Z"\n'
    example.title = "a\nvariants:\n- id: b"
    found = summarize(codec.dumps(example))
    assert (found.messages, found.conflicts, found.title) == (3, False, "a\nvariants:\n- id: b")
    assert found.updated_at == "2026-01-08T12:00:12.000Z"
    example.messages[0].variants = [{"content": "y"}]
    assert summarize(codec.dumps(example)).conflicts


def test_a_file_edited_by_hand(example: Session) -> None:
    data = codec.dumps(example).replace(b"title: Fix the login redirect", b"title: 'Fix the login redirect' # mine")
    data = data.replace(b"  role: user\n", b"  role:   user\n")
    assert summarize(data) == summarize(codec.dumps(example))


@pytest.mark.parametrize("data", [b"", b"{}", b"chasm: 1\nid: a\nprovider: b\n: [", b"\xff\xfe"])
def test_a_file_nobody_can_read_says_so(data: bytes) -> None:
    with pytest.raises(codec.CodecError):
        summarize(data)


records = st.builds(
    Message,
    id=st.uuids().map(str),
    role=st.sampled_from(["user", "assistant", "system", "tool", "event"]),
    timestamp=st.none() | st.sampled_from(["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z", "odd", "x y"]),
    content=st.text(max_size=20),
    turn=st.none() | st.sampled_from(["t", "u: v"]),
    model=st.none() | st.just("m"),
    status=st.none() | st.just("failed"),
    injected=st.booleans(),
    sidechain=st.booleans(),
    inactive=st.booleans(),
    file=st.none() | st.just("side.jsonl"),
    deleted=st.booleans(),
)


@given(st.lists(records, max_size=8), st.none() | st.just("Given"))
def test_it_agrees_with_the_whole_session(messages: list[Message], title: str | None) -> None:
    above = None
    for message in messages:
        if message.role == "tool":  # results without a call are what the count leaves out
            message.content = ""
        message.after, above = above, message.id
    session = codec.loads(codec.dumps(Session("s", "p", title=title, messages=messages)))
    found = summarize(codec.dumps(session))
    assert found.messages == len(universal(session)["messages"])
    assert found.title == display_title(session)
    assert found.updated_at == updated_at(session)


@settings(max_examples=examples(80), deadline=None)
@given(sessions)
def test_counting_a_session_gives_what_counting_its_file_gives(session):
    assert count_messages(session.messages) == summarize(dumps(session)).messages


@given(sessions)
def test_a_session_that_is_read_already_has_the_summary_of_its_file(session: Session) -> None:
    data = codec.dumps(session)
    assert summary_of(codec.loads(data)) == summarize(data)


def test_values_that_lost_a_merge_wait_for_a_decision(example: Session) -> None:
    example.extra["alternatives"] = {"title": ["Another one"]}
    assert summary_of(example).conflicts
    assert summary_of(example) == summarize(codec.dumps(example))
