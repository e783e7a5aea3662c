"""The value a text begins with, wherever the text is cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.session import jsonio

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=9), VALUES, max_size=5)


@given(OBJECTS, st.sampled_from([b"", b" \n", b", {", b"]", b'} "', b"\n{}"]), st.booleans())
def test_it_ends_where_it_ends(value: dict[str, Any], tail: bytes, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode()
    found, length = jsonio.loads_first(data + tail)
    assert found == value
    assert (data + tail)[:length].rstrip() == data


@given(OBJECTS, st.data())
def test_what_is_cut_off_is_unfinished(value: dict[str, Any], choose: st.DataObject) -> None:
    data = json.dumps(value).encode()
    with pytest.raises(jsonio.UnfinishedError):
        jsonio.loads_first(data[: choose.draw(st.integers(1, len(data) - 1))])


@pytest.mark.parametrize("data", [b"", b"{'a'", b'{"a":01}', b'"\xff"', b'{"a":"\\ud800"} {', b"[" * 600 + b"]" * 600])
def test_what_is_not_read_is_not_unfinished(data: bytes) -> None:
    with pytest.raises(ValueError) as raised:
        jsonio.loads_first(data)
    assert not isinstance(raised.value, jsonio.UnfinishedError)


def test_depth_is_judged_the_same_by_all() -> None:
    for deep in (200, 300, jsonio.DEPTH, jsonio.DEPTH + 1):
        data = b'{"a":' * deep + b"1" + b"}" * deep
        for read in (jsonio.loads, jsonio.loads_exact, jsonio.loads_first):
            if deep > jsonio.DEPTH:
                with pytest.raises(ValueError):
                    read(data)
            else:
                read(data)
