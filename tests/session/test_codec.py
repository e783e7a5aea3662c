"""The codec: one value, one byte form, and every YAML reader agrees."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.session import blocks, codec, reference
from chasm_git.session.decode import block_fields
from chasm_git.session.encode import dumps
from chasm_git.session.model import Message, Session
from tests.scaling import examples
from tests.session.strategies import sessions, texts, values


@settings(max_examples=examples(160), deadline=None)
@given(sessions)
def test_what_is_written_is_read(session):
    data = dumps(session)
    assert codec.loads(data) == session
    assert dumps(codec.loads(data)) == data
    assert codec.is_canonical(data)


@settings(max_examples=examples(100), deadline=None)
@given(sessions)
def test_ruamel_reads_the_same_value(session):
    data = dumps(session)
    fast = codec._header_fields(codec.split(data)[0])
    fast["messages"] = [block_fields(block) for block in codec.split(data)[1]]
    assert _typed(reference.load(data)) == _typed(fast)


@settings(max_examples=examples(120), deadline=None)
@given(texts)
def test_any_text_as_content(text):
    session = Session("s", "codex", messages=[Message("m", "user", content=text, native={"a": [text, {"b": text}]})])
    data = dumps(session)
    assert codec.loads(data) == session
    read = reference.load(data)
    assert read["messages"][0].get("content", "") == text
    assert read["messages"][0]["native"] == {"a": [text, {"b": text}]}


@settings(max_examples=examples(80), deadline=None)
@given(sessions)
def test_blocks_are_the_file(session):
    data = dumps(session)
    head, listed = blocks.split(data)
    assert blocks.join(head, listed) == data
    assert len(listed) == len(session.messages)
    parsed = blocks.parse(listed)
    assert [block.after_text() for block in parsed] == [message.after for message in session.messages]
    above = None
    for block, raw in zip(parsed, listed, strict=True):
        assert block.placed(above) == raw
        above = block.id


@settings(max_examples=examples(80), deadline=None)
@given(st.one_of(st.binary(max_size=200), texts.map(lambda t: t.encode("utf-8", "surrogatepass"))))
def test_no_bytes_crash_the_reader(data):
    try:
        codec.loads(data)
    except codec.CodecError as error:
        assert str(error)


@settings(max_examples=examples(120), deadline=None)
@given(sessions, st.data())
def test_a_changed_file_reads_as_yaml_reads_it_or_not_at_all(session, data):
    raw = bytearray(dumps(session))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from([b"", b" ", b"\n", b"#", b":", b"- ", b"|", b'"', b"x", b"  "])
        )
    changed = bytes(raw)
    try:
        head, listed = codec.split(changed)
        fast = codec._header_fields(head)
        fast["messages"] = [block_fields(block) for block in listed]
    except (ValueError, IndexError):
        return
    assert _typed(reference.load(changed)) == _typed(fast)


def _typed(value):
    """1, 1.0 and True are equal to Python and not to us."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return (type(value).__name__, value)


EXAMPLE = b"""\
chasm: 1
id: 5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11
provider: claude-code
title: Fix the login redirect
workspace: /home/ana/shop
created_at: "2026-01-08T12:00:00.000Z"
git: {"branch":"main","commit":"9f1c2d3"}
tags: ["auth"]
messages:
- id: 63ae57ca-65fd-41f5-8d8e-d16780ef71d5
  role: user
  timestamp: "2026-01-08T12:00:00.000Z"
  content: Why does the login page redirect twice?
  native: {"uuid":{"$":"id"},"message":{"role":"user","content":{"$":"content"}}}
- id: fa1ab4ae-4b91-446b-912f-3214e71dad7a
  role: assistant
  timestamp: "2026-01-08T12:00:07.120Z"
  model: claude-sonnet-4-5
  content:
  - type: text
    text: |-
      Let me look at the route.

      It is in `app.py`.
  - type: tool_call
    id: toolu_01
    name: Bash
    arguments:
      command: |
        grep -n login app.py
        sed -n 1,40p app.py
  usage: {"input_tokens":656,"output_tokens":361}
"""


def test_the_form_of_a_file_is_as_documented():
    session = codec.loads(EXAMPLE)
    assert session.messages[1].content[1]["arguments"]["command"] == "grep -n login app.py\nsed -n 1,40p app.py\n"
    assert session.messages[1].after == session.messages[0].id
    assert dumps(session) == EXAMPLE


def test_a_hand_edited_file_is_read_and_canonical_again():
    edited = EXAMPLE.replace(b"title: Fix the login redirect", b"# my note\ntitle: 'Login, fixed'   # better")
    edited = edited.replace(b'tags: ["auth"]', b"tags:\n  - web\n  - auth")
    session = codec.loads(edited)
    assert session.title == "Login, fixed"
    assert session.tags == ["auth", "web"]
    assert codec.loads(dumps(session)) == session
    assert not codec.is_canonical(edited)


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        ((b"title: Fix", b"title: [Fix"), "line 5"),
        ((b"provider: claude-code\n", b""), "provider"),
        ((b"chasm: 1", b"chasm: 99"), "newer"),
        ((b"chasm: 1", b"chasm: one"), "not a session file"),
        ((b"  role: user\n", b""), "role"),
        ((b"title: Fix the", b"title: &a Fix\nextra: *a #"), "anchors"),
        ((b"title: Fix", b"title: !!python/object:os.system Fix"), "tag"),
        ((b"title: Fix", b"1: Fix"), "quotes"),
        ((b"Fix", b"\xff"), "UTF-8"),
        ((b"<<<<<<<", b""), "line"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(damage, place):
    if damage[0] not in EXAMPLE:
        raw = EXAMPLE.replace(b"messages:\n", b"<<<<<<< ours\nmessages:\n=======\n>>>>>>> theirs\n")
    else:
        raw = EXAMPLE.replace(*damage, 1)
    with pytest.raises(codec.CodecError, match=place):
        codec.loads(raw)


def test_an_id_that_stands_twice_is_one_message():
    doubled = EXAMPLE + EXAMPLE[EXAMPLE.index(b"- id: 63ae") : EXAMPLE.index(b"- id: fa1a")]
    session = codec.loads(doubled)
    assert [message.id[:4] for message in session.messages] == ["63ae", "fa1a"]
    assert dumps(session) == EXAMPLE


@settings(max_examples=examples(40), deadline=None)
@given(values)
def test_header_values_of_any_kind(value):
    session = Session("s", "codex", native=value, extra={"zz": value})
    assert codec.loads(dumps(session)) == session
