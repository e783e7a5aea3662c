"""Values of a record that stand in the message in another form: pieces of a joined text, bytes written as an object."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.session import attachments, codec, jsonio
from chasm_git.session.build import Builder
from chasm_git.session.model import Message, Session
from chasm_git.session.native import FEWEST_OCTETS, octets, slice_of, unfold

PIECES = st.lists(st.one_of(st.text(st.characters(codec="utf-8"), max_size=40), st.just("é" * 40_000)), max_size=5)


def dumped(data):
    """Bytes as JavaScript's JSON writes them."""
    return {str(number): octet for number, octet in enumerate(data)}


@given(PIECES)
def test_pieces_of_a_joined_text_come_back(pieces):
    derived, start = {}, 0
    for piece in pieces:
        derived[piece] = slice_of("content.0.text", start, start + len(piece))
        start += len(piece)
    builder = Builder()
    record = {"response": [{"value": piece} for piece in pieces]}
    content = [{"type": "text", "text": "".join(pieces)}]
    message = builder.message(record, id="m", role="assistant", content=content, derived=derived)
    stored = codec.loads(codec.dumps(Session("s", "p", messages=[message]))).messages[0]
    assert unfold(stored, builder.attachments.__getitem__) == record
    assert len(jsonio.dumps(stored.native)) < 2000


@given(st.binary(max_size=200))
def test_bytes_come_back_and_are_stored_once(data):
    record = {"first": dumped(data), "second": {"value": dumped(data)}}
    text = base64.b64encode(data).decode()
    builder = Builder()
    content = [{"type": "image", "media_type": "image/png", "data": text}]
    message = builder.message(record, id="m", role="user", content=content)
    assert jsonio.dumps(unfold(message, builder.attachments.__getitem__)) == jsonio.dumps(record)
    if len(data) >= FEWEST_OCTETS:
        assert message.native == {
            "first": {"$octets": {"$": "content.0.data"}},
            "second": {"value": {"$octets": {"$": "content.0.data"}}},
        }
        assert [*builder.attachments.values()] == [data]


def test_bytes_that_stand_nowhere_else_become_an_attachment():
    data = bytes(range(256)) * 10
    builder = Builder()
    message = builder.message({"data": dumped(data)}, id="m", role="event")
    assert attachments.is_reference(message.native["data"]["$octets"])
    assert [*builder.attachments.values()] == [data]
    assert unfold(message, builder.attachments.__getitem__) == {"data": dumped(data)}


@pytest.mark.parametrize(
    "value",
    [
        dict.fromkeys(map(str, range(40)), 256),
        dict.fromkeys(map(str, range(40)), -1),
        dict.fromkeys(map(str, range(40)), True),
        dict.fromkeys(map(str, range(40)), 1.0),
        dict.fromkeys(map(str, range(1, 41)), 1),
        dict.fromkeys(map(str, reversed(range(40))), 1),
        dict.fromkeys(["0", *map(str, range(2, 41))], 1),
        dict.fromkeys(map(str, range(FEWEST_OCTETS - 1)), 1),
        [1] * 40,
    ],
)
def test_what_only_looks_like_bytes_is_left_alone(value):
    assert octets(value) is None
    message = Builder().message({"value": value}, id="m", role="event")
    assert message.native == {"value": value}


@pytest.mark.parametrize(
    "native",
    [
        {"$slice": "content"},
        {"$slice": "content", "at": [1]},
        {"$slice": "content", "at": ["0", 3]},
        {"$slice": "content", "at": [-3, 3]},
        {"$slice": "nowhere", "at": [0, 3]},
        {"$slice": "content.0", "at": [0, 3]},
        {"$octets": "not base64!"},
        {"$octets": 5},
    ],
)
def test_what_cannot_be_put_back_is_a_key_error(native):
    with pytest.raises(KeyError):
        unfold(Message("m", "event", content="some text", native={"value": native}), {}.__getitem__)
