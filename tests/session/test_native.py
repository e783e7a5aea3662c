"""A record goes into a message and comes out equal, whatever it is and whichever way its content was taken from it."""

import base64
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.session import attachments, codec, jsonio
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Message, Session
from chasm_git.session.native import DEPTH, MARKERS, kept_line, look_up, raw_line, record_line, unfold

IMAGE = base64.b64encode(hashlib.sha256(b"image").digest() * 3).decode()
LONG_TEXT = "a line of a long text, which is one of many\n" * 2000
SOME = [
    "short",
    "a text that is longer than its pointer",
    "2026-01-08T12:00:00.000Z",
    "63ae57ca-65fd-41f5-8d8e-d16780ef71d5",
    "63ae57ca-65fd-41f5-8d8e-d16780ef71d5~2",
    "half of a character, cut off \ud83d",
    '{"command":"ls -la /home/ana/shop","timeout":5}',
    '{"command": "ls -la /home/ana/shop", "timeout": 5}',
    IMAGE,
    f"data:image/png;base64,{IMAGE}",
    f"data:{IMAGE}",
    LONG_TEXT,
    LONG_TEXT + "\ud83d",
    "é" * 40_000,
    f"{base64.b64encode(LONG_TEXT.encode()).decode()}",
]
texts = st.one_of(
    st.sampled_from(SOME), st.text(max_size=30), st.text(st.characters(codec="utf-8"), min_size=19, max_size=60)
)
keys = st.one_of(
    st.sampled_from([*sorted(MARKERS), "type", "data", "content", "text", "a.b", "", "0"]), st.text(max_size=5)
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), texts
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=15,
)


def within(value):
    """A value and all values in it."""
    yield value
    if isinstance(value, dict):
        for item in value.values():
            yield from within(item)
    elif isinstance(value, list):
        for item in value:
            yield from within(item)


@st.composite
def taken(draw, record):
    """Arguments for `Builder.message` with any values of the record in any place."""
    found = list(within(record))
    strings = [value for value in found if isinstance(value, str)]
    dicts = [value for value in found if isinstance(value, dict)]
    text = st.sampled_from(strings) if strings else st.just("nothing")
    anything = st.sampled_from(found)
    part = st.one_of(
        st.fixed_dictionaries({"type": st.sampled_from(["text", "thinking", "error"]), "text": text}),
        st.fixed_dictionaries({"type": st.just("tool_call"), "id": text, "name": text, "arguments": anything}),
        st.fixed_dictionaries({"type": st.just("tool_result"), "id": text, "content": anything}),
        st.fixed_dictionaries({"type": st.sampled_from(["image", "file"]), "media_type": anything, "data": text}),
        st.dictionaries(keys, anything, min_size=1, max_size=3),
        st.sampled_from(dicts) if dicts else st.just({"type": "text", "text": "nothing"}),
    )
    content = draw(st.one_of(text, st.lists(part, max_size=3)))
    fields = {"content": content, "id": draw(st.one_of(st.none(), text))}
    for name in ("timestamp", "turn", "model"):
        fields[name] = draw(st.one_of(st.none(), text))
    fields["usage"] = draw(st.sampled_from([None, *dicts]))
    if isinstance(content, list):
        paths = [f"content.{n}.{key}" for n, part in enumerate(content) for key in part]
        if paths and strings:
            fields["json_texts"] = {draw(st.sampled_from(paths)): draw(text)}
    return fields


def same(one, other):
    """Equal, with the same types and the same order of keys."""
    return jsonio.dumps(one) == jsonio.dumps(other)


@settings(deadline=None)
@given(st.data())
def test_any_record_comes_back(data):
    record = data.draw(values)
    before = jsonio.dumps(record)
    builder = Builder()
    for _ in range(2):  # the second one has the first one's id already
        message = builder.message(record, role="user", **data.draw(taken(record)))
        assert same(unfold(message, builder.attachments.__getitem__), record)
        if record is not None:
            assert record_line(message, builder.attachments.__getitem__) == before
    assert jsonio.dumps(record) == before
    assert builder.messages[0].id != builder.messages[1].id


@settings(deadline=None)
@given(st.data())
def test_it_comes_back_from_the_session_file(data):
    record = data.draw(values)
    builder = Builder()
    builder.message(record, role="user", **data.draw(taken(record)))
    stored = codec.loads(codec.dumps(Session("s", "p", messages=builder.messages)))
    assert same(unfold(stored.messages[0], builder.attachments.__getitem__), record)
    assert set(builder.attachments) >= attachments.names_in(stored.messages[0].native)


@settings(deadline=None)
@given(st.data())
def test_a_kept_line_comes_back_and_is_its_record(data):
    record = data.draw(values)
    line = json.dumps(record, indent=1).encode()
    builder = Builder()
    message = builder.message(record, role="user", line=line, **data.draw(taken(record)))
    assert record_line(message, builder.attachments.__getitem__) == line
    assert same(unfold(message, builder.attachments.__getitem__), record)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=60), st.sampled_from([b"\xff" * 70_000, b"x" * 70_000, "é\r\n".encode() * 30_000])))
def test_any_line_is_kept(line):
    into = {}
    for value in (raw_line(line), raw_line(line, into)):
        assert kept_line(value, into.__getitem__) == line
    assert len(jsonio.dumps(raw_line(line, into))) < 2 * attachments.TEXT_LIMIT


@pytest.mark.parametrize("depth", [1, DEPTH - 1, DEPTH, DEPTH + 1, 200, 400, jsonio.DEPTH])
@pytest.mark.parametrize("inner", ["[", '{"a":'])
def test_depth(depth, inner):
    deep = jsonio.loads((inner * (depth - 1) + "[]" + ("]" if inner == "[" else "}") * (depth - 1)).encode())
    record = {"type": "x", "text": "the text of a row that is nested"}
    for content in (
        record["text"],
        [{"type": "tool_call", "arguments": deep}],
        [{"type": "tool_result", "content": [{"type": "text", "text": deep}]}],
        [{"type": "tool_result", "content": deep}],
    ):
        builder = Builder()
        whole = {**record, "deep": deep} if depth < jsonio.DEPTH else deep
        message = builder.message(
            whole, id=None, role="event", content=content, usage=deep if isinstance(deep, dict) else None
        )
        assert same(unfold(message, builder.attachments.__getitem__), whole)
        stored = codec.dumps(Session("s", "p", messages=[message]))
        assert codec.dumps(codec.loads(stored)) == stored
        assert not jsonio.deeper(message.content, DEPTH + 5)


def test_nesting_beyond_what_is_read_is_refused_whatever_is_in_it():
    for text in ("[" * 513 + "]" * 513, "[" * 600 + r'"\ud83d"' + "]" * 600, "[" * 5000 + "]" * 5000):
        with pytest.raises(ValueError, match="nested"):
            jsonio.loads(text.encode())
    assert jsonio.loads(b"[" * 512 + b"]" * 512)


def test_what_stands_in_the_message_is_stored_once():
    record = {
        "uuid": "63ae57ca-65fd-41f5-8d8e-d16780ef71d5",
        "timestamp": "2026-01-08T12:00:00.000Z",
        "message": {
            "id": "msg_01ABCDEFGHJKLMNPQRSTUV",
            "content": [
                {"type": "text", "text": "Let me look at the route."},
                {"type": "tool_use", "id": "toolu_01ABCDEFGHJKLMNPQRST", "input": {"command": "ls"}},
            ],
            "usage": {"input_tokens": 3},
        },
        "again": "Let me look at the route.",
    }
    blocks = record["message"]["content"]
    message = Builder().message(
        record,
        id=record["uuid"],
        role="assistant",
        timestamp=record["timestamp"],
        turn=record["message"]["id"],
        usage=record["message"]["usage"],
        content=[
            {"type": "text", "text": blocks[0]["text"]},
            {"type": "tool_call", "id": blocks[1]["id"], "arguments": blocks[1]["input"]},
        ],
    )
    assert message.native == {
        "uuid": {"$": "id"},
        "timestamp": {"$": "timestamp"},
        "message": {
            "id": {"$": "turn"},
            "content": [
                {"type": "text", "text": {"$": "content.0.text"}},
                {"type": "tool_use", "id": {"$": "content.1.id"}, "input": {"$": "content.1.arguments"}},
            ],
            "usage": {"$": "usage"},
        },
        "again": {"$": "content.0.text"},
    }


def test_json_texts_are_stored_as_their_value():
    compact = '{"command":["bash","-lc","ls"],"timeout":5}'
    spaced = '{"command": ["bash", "-lc", "ls"], "timeout": 5}'
    other = '{"command":["bash","-lc","ls"],"timeout":5.0}'
    for text, marker in (
        (compact, {"$json": "content.0.arguments"}),
        (spaced, {"$json_spaced": "content.0.arguments"}),
        (other, other),
    ):
        message = Builder().message(
            {"arguments": text},
            id=None,
            role="assistant",
            content=[{"type": "tool_call", "arguments": json.loads(compact)}],
            json_texts={"content.0.arguments": text},
        )
        assert message.native == {"arguments": marker}
        assert unfold(message, {}.__getitem__) == {"arguments": text}


def test_a_data_url_around_an_image_points_to_the_attachment():
    url = f"data:image/png;base64,{IMAGE}"
    builder = Builder()
    message = builder.message(
        {"url": url}, id=None, role="user", content=[{"type": "image", "media_type": "image/png", "data": IMAGE}]
    )
    assert message.native == {"url": {"$cat": ["data:image/png;base64,", {"$": "content.0.data"}]}}
    assert [name.rpartition(".")[2] for name in builder.attachments] == ["png"]
    assert unfold(message, builder.attachments.__getitem__) == {"url": url}


def test_long_texts_leave_the_file_wherever_they_stand():
    builder = Builder()
    record = {
        "text": LONG_TEXT,
        "other": LONG_TEXT + "!",
        "list": [LONG_TEXT + "?"],
        "input": {"content": LONG_TEXT + "."},
    }
    message = builder.message(
        record,
        id=None,
        role="user",
        content=[{"type": "text", "text": LONG_TEXT}, {"type": "tool_call", "arguments": record["input"]}],
    )
    plain = builder.message(record, id="b", role="user", content=LONG_TEXT)
    assert len(builder.attachments) == 4
    assert plain.native["text"] == {"$": "content.0.text"}
    assert len(codec.dumps(Session("s", "p", messages=builder.messages))) < attachments.TEXT_LIMIT
    for made in (message, plain):
        assert unfold(made, builder.attachments.__getitem__) == record


def test_equal_ids_are_told_apart():
    builder = Builder()
    made = [builder.message(n, id=name, role="event").id for n, name in enumerate(["a", "a~2", "a", "a", "a~2~2", "a"])]
    assert len(set(made)) == 6
    assert made[0] == "a"
    same_record = [builder.message({"type": "mode"}, id=None, role="event").id for _ in range(3)]
    assert same_record == [record_id({"type": "mode"}) + suffix for suffix in ("", "~2", "~3")]


@pytest.mark.parametrize(
    "native",
    [
        {"$": "content.0.text"},
        {"$": "nothing"},
        {"$": "parts"},
        {"$": 5},
        {"$": ["content"]},
        {"$cat": "x"},
        {"$json": None},
        {"$escaped": 5},
        {"$line": 5},
        {"$line64": "?"},
        {"$line": {"$attachment": 5}},
        {"$attachment": "missing"},
        {"a": [{"$attachment": ["missing"]}]},
    ],
)
def test_what_cannot_be_put_back_is_a_key_error(native):
    message = Message("a", "user", native=native)
    with pytest.raises(KeyError):
        unfold(message, {}.__getitem__)
    with pytest.raises(KeyError):
        record_line(message, {}.__getitem__)


def test_a_damaged_attachment_is_a_key_error():
    message = Message("a", "user", native={"text": {"$attachment": "x.txt", "bytes": 1}})
    with pytest.raises(KeyError, match="damaged"):
        unfold(message, {"x.txt": b"\xff"}.__getitem__)


def test_look_up_steps_through_escapes():
    message = Message("a", "user", content=[{"$escaped": {"$": {"b": ["the value"]}}}])
    assert look_up(message, "content.0.$.b.0") == "the value"
    for path in ("content.0.$.b.1", "content.0.$.c", "content.0.$.b.x", "content.5", "native", "id.x"):
        with pytest.raises(KeyError):
            look_up(message, path)


def test_a_dict_of_the_provider_that_looks_like_a_reference_is_none():
    record = {
        "input": {"$attachment": "a name of a file that is ours not"},
        "other": {"$escaped": {"$attachment": ["x"]}},
    }
    message = Builder().message(
        record, id=None, role="user", content=[{"type": "tool_call", "arguments": record["input"]}]
    )
    assert attachments.names_in([message.content, message.native]) == set()
    assert unfold(message, {}.__getitem__) == record
