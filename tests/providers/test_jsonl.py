"""Any bytes can be read as JSON lines, and come back to the byte."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chasm_git.providers.reading import jsonl
from chasm_git.session import codec, jsonio
from chasm_git.session.build import Builder
from chasm_git.session.model import Session

GOOD = b'{"type":"user","text":"Gr\xc3\xbc\xc3\x9fe"}'

lines = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            b"",
            b" ",
            b"\r",
            GOOD,
            GOOD + b"\r",
            b"\xef\xbb\xbf" + GOOD,
            b'{"type": "user", "n": [1, 2.50, 1e3]}',
            b'{"a":1,"a":2}',
            b'{"n":-0,"big":123456789012345678901234567890,"f":1.0}',
            rb'{"half":"\ud83d"}',
            rb'{"escaped":"\u00e9\/"}',
            b'{"nul":"\\u0000"}',
            b"\x00" * 40,
            b"null",
            b"true",
            b"5",
            b'"text"',
            b"[]",
            b"[" * 300 + b"]" * 300,
            b"[" * 2000 + b"]" * 2000,
            b"NaN",
            b'{"torn":"li',
            b'{"latin":"\xe9"}',
            b'{"line":"' + b"x" * 70_000 + b'", "spaced": 1}',
        ]
    ),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
        max_leaves=6,
    ).map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
)
files = st.one_of(
    st.binary(max_size=200),
    st.tuples(st.lists(lines, max_size=6), st.sampled_from([b"\n", b"\r\n"]), lines).map(
        lambda drawn: drawn[1].join([*drawn[0], b""]) + drawn[2]
    ),
)


def session_of(data):
    """A session with one message a row, and its attachments."""
    builder = Builder()
    rows, tail = jsonl.rows(data)
    for row in rows:
        builder.message(row.record, id=None, role="event", line=row.line)
    native = jsonl.tail_value(tail, builder.attachments) or None
    return Session("s", "p", native=native, messages=builder.messages), builder.attachments


@settings(deadline=None)
@given(files)
@example(b"")
@example(b"\n")
@example(b"\n\n")
@example(b"x" * 70_000)
@example(b"\xff" * 70_000 + b"\n" + b"\xff" * 70_000)
@example(b"\xef\xbb\xbf")
@example(b"\xef\xbb\xbf{}")
def test_any_bytes_come_back(data):
    session, attachments = session_of(data)
    assert jsonl.export(session, attachments.__getitem__) == data
    assert jsonl.export(codec.loads(codec.dumps(session)), attachments.__getitem__) == data
    assert len({message.id for message in session.messages}) == len(session.messages)


@settings(deadline=None)
@given(files, st.integers(min_value=0))
def test_rows_are_the_same_while_the_file_grows(data, cut):
    """What is read of a file's beginning is read of the whole file again; only a last row without its end may go."""
    before, tail = jsonl.rows(data[: cut % (len(data) + 1)])
    first = list(before)
    if tail == b"":
        first.pop()
    assert repr(list(jsonl.rows(data)[0])[: len(first)]) == repr(first)


def read(data):
    rows, tail = jsonl.rows(data)
    return list(rows), tail


def test_rows():
    rows, tail = read(GOOD + b"\n" + b'{"a": 1}\n' + b"{broken\n" + b"\n" + b'{"b":2}\n')
    assert rows == [
        jsonl.Row(1, {"type": "user", "text": "Grüße"}, None),
        jsonl.Row(2, {"a": 1}, b'{"a": 1}'),
        jsonl.Row(3, None, b"{broken", rows[2].error),
        jsonl.Row(4, None, b"", jsonl.EMPTY),
        jsonl.Row(5, {"b": 2}, None),
    ]
    assert rows[2].error == "not JSON: Expecting property name enclosed in double quotes at character 1"
    assert tail is None


@pytest.mark.parametrize(
    ("data", "count", "tail"),
    [
        (b"", 0, None),
        (b"{}\n", 1, None),
        (b"{}", 1, b""),
        (b"[1]", 1, b""),
        (b"{}\n{}", 2, b""),
        (b"{}\n{", 1, b"{"),
        (b"{}\n12", 1, b"12"),
        (b'{}\n"half of', 1, b'"half of'),
        (b"{}\n\xc3", 1, b"\xc3"),
        (b"{}\n\n", 2, None),
        (b"\xef\xbb\xbf{}", 1, b""),
    ],
)
def test_the_tail(data, count, tail):
    rows, kept = read(data)
    assert (len(rows), kept) == (count, tail)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", jsonl.EMPTY),
        (b" \t\r", jsonl.EMPTY),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b"\x00\x00", "not JSON: Expecting value at character 0"),
        (b"NaN", "not JSON: NaN is not JSON"),
        (b"[1e999]", "not JSON: 1e999 is beyond what a number can hold"),
        (b"[" * 1500 + b"]" * 1500, "not JSON: nested too deeply"),
        (b"\xef\xbb\xbf{", "not JSON: Expecting property name enclosed in double quotes at character 1"),
    ],
)
def test_why_a_line_cannot_be_read(line, reason):
    rows, _ = read(line + b"\n")
    assert rows == [jsonl.Row(1, None, line, reason)]


@pytest.mark.parametrize("line", [b"null", GOOD + b"\r", b"\xef\xbb\xbf" + GOOD, b'{"a":1,"a":2}', b'{"n":-0}'])
def test_a_line_that_its_value_does_not_give_back_is_kept(line):
    rows, _ = read(line + b"\n")
    assert rows[0].line == line
    assert rows[0].error is None
    assert rows[0].record == jsonio.loads(line.removeprefix(b"\xef\xbb\xbf"))


def test_a_mark_is_one_in_front_of_the_file_only():
    rows, _ = read(GOOD + b"\n\xef\xbb\xbf" + GOOD + b"\n")
    assert [row.error is None for row in rows] == [True, False]


def test_a_file_beside_the_session_is_exported_by_its_name():
    builder = Builder()
    builder.message({"a": 1}, id=None, role="event")
    builder.message({"b": 2}, id=None, role="event", file="side.jsonl")
    builder.message(None, id="title", role="event")  # made without a record: no line of any file
    session = Session("s", "p", native=jsonl.tail_value(b"torn"), messages=builder.messages)
    assert jsonl.export(session, {}.__getitem__) == b'{"a":1}\ntorn'
    assert jsonl.export(session, {}.__getitem__, "side.jsonl") == b'{"b":2}\n'


def test_long_lines_leave_the_session_file():
    data = b'{"a": "' + b"x" * 70_000 + b'"}\n\xff' + b"y" * 70_000
    session, attachments = session_of(data)
    assert len(codec.dumps(session)) < 5000
    assert len(attachments) == 2
    assert jsonl.export(session, attachments.__getitem__) == data
    attachments.clear()
    with pytest.raises(KeyError):
        jsonl.export(session, attachments.__getitem__)
